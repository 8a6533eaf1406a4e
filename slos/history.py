"""How the error budgets stood at past moments, from the stored buckets."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from accounts.models import Organization
from kpis.periods import BUCKET, DAY, Interval, local_periods
from slos.budget import Counts, consumed, percent
from slos.models import SLODefinition
from slos.sums import fine_since, over_intervals
from slos.windows import compliance_window


def ends_of_days(organization: Organization, days: int, now: datetime) -> list[Interval]:
    """The last `days` local days that are over, oldest first."""
    zone = organization.time_zone
    return [day for day in local_periods("daily", now - (days + 2) * DAY, now, zone) if day[1] <= now][-days:]


def budget_left(
    organization: Organization, slos: Sequence[SLODefinition], moments: Sequence[datetime]
) -> dict[UUID, list[float | None]]:
    """Per objective and moment, the percentage of the budget that its compliance window had left just before it.

    Judged by the targets of today; None where the window held no event. Two queries, whatever the number of moments.
    """
    windows = {(slo.pk, at): window_before(slo, at, organization) for slo in slos for at in moments}
    wanted = {str(window): window for window in set(windows.values())}
    sums = over_intervals(organization, wanted, fine_since(organization))
    return {slo.pk: [_left(slo, sums.get(slo.pk, {}).get(str(windows[slo.pk, at]))) for at in moments] for slo in slos}


def window_before(slo: SLODefinition, at: datetime, organization: Organization) -> Interval:
    """The compliance window just before `at`, up to the last bucket there."""
    start, end = compliance_window(slo, at - BUCKET, organization)
    return start, min(end, at)


def _left(slo: SLODefinition, counts: Counts | None) -> float | None:
    spent = consumed(counts, slo.budget) if counts else None
    return None if spent is None else percent(Decimal(1) - spent)
