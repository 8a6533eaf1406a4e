"""Over what time an objective is judged, and what its snapshot holds of it."""

from datetime import datetime, timedelta
from decimal import Decimal

from accounts.models import Organization
from kpis.fiscal import year_of
from kpis.periods import Interval, look_back, look_back_name
from slos import budget
from slos.budget import Counts
from slos.burn import BurnRule
from slos.models import SLODefinition, SLOSnapshot, Window

NOTHING = Counts(Decimal(0), 0)


def compliance_window(slo: SLODefinition, now: datetime, organization: Organization) -> Interval:
    """The whole compliance window that holds `now`; a rolling one ends with the bucket that holds it."""
    if slo.window == Window.ROLLING:
        return look_back(now, timedelta(days=slo.window_days))
    return year_of(organization).window(slo.window, now)


def length_of(slo: SLODefinition, window: Interval) -> timedelta:
    """What it is called: a rolling window is a bucket longer than its days."""
    return timedelta(days=slo.window_days) if slo.window == Window.ROLLING else window[1] - window[0]


def rules_of(slo: SLODefinition, length: timedelta) -> tuple[BurnRule, ...]:
    """The burn-rate rules over a compliance window of that length."""
    return slo.rules(slo.budget, length)


def window_of(slo: SLODefinition, row: SLOSnapshot, now: datetime) -> budget.Window:
    """The window of a snapshot as slos.budget takes it: counts, whole length, and how much of it has run at `now`."""
    since = max(row.window_start, row.first_event_at or row.window_start)
    length = length_of(slo, (row.window_start, row.window_end))
    return budget.Window(Counts(row.good, row.total), length, min(now, row.window_end) - since)


def look_back_counts(row: SLOSnapshot, length: str | timedelta) -> Counts:
    """By the name of a look-back or its length."""
    name = length if isinstance(length, str) else look_back_name(length)
    good, total = row.look_backs.get(name, ("0", 0))
    return Counts(Decimal(good), total)
