"""Gathers what is known of an alert about an objective, when it opens, worsens or is told again."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F

from accounts.models import Organization
from alerts.kinds import BUDGETS, AlertType, Severity
from alerts.known import Biggest, Facts
from alerts.rules import Verdict
from kpis.periods import DAY, HOUR, Interval, local_date, look_back, midnight
from slos.behind import Looks
from slos.budget import Counts
from slos.models import SLIBucket, SLIMeasurement, SLODefinition
from slos.models import Window as Kind
from slos.windows import look_back_counts, window_of
from slos.words import POINTS, time_limit

MOST_ROWS = 25 * HOUR  # a local day; who stands out is not looked for among the rows of a longer time
LEAST_LIFT = Decimal("1.2")  # what is hardly more often bad than everything else does not stand out
SECOND = timedelta(seconds=1)
NEXT = 4 * HOUR  # what falls due next: today, and at least so far ahead


def gather(
    organization: Organization, slo: SLODefinition, verdict: Verdict, *, now: datetime, looks: Looks | None = None
) -> Facts:
    """The figures behind a verdict about an objective, in at most five statements; of the alert itself nothing.

    `looks` are shared by all alerts of a tick.
    """
    looks = looks or Looks()
    measured = _measured(verdict)
    span = measured or look_back(now, verdict.look_back or timedelta(0))
    counts = verdict.counts
    return Facts(
        verdict.alert_type,
        verdict.severity or Severity.INFO,
        now,
        organization.time_zone,
        slo=slo.name,
        sli_type=slo.sli_type,
        limit=time_limit(slo.target_value, slo.limit_unit) if slo.is_timed else "",
        target=slo.target_percentage,
        value=verdict.value,
        threshold=verdict.threshold,
        bad=counts.bad if counts else None,
        total=counts.total if counts else None,
        look_back=verdict.look_back,
        start=measured[0] if measured else None,
        end=measured[1] if measured else None,
        period=slo.measurement_period,
        since=_first_bad(slo, span) if verdict.alert_type == AlertType.BURN_RATE_WARNING else None,
        biggest=_biggest(slo, span, counts.total, now, looks) if counts and counts.bad else None,
        **_budget(slo, verdict, now, looks),
        **_due(slo, organization.time_zone, now, looks),
    )


def _measured(verdict: Verdict) -> Interval | None:
    """What the measurements that decided cover."""
    if verdict.measurement is None or verdict.look_back is None:
        return None
    end = SLIMeasurement.objects.filter(pk=verdict.measurement).values_list("period_end", flat=True).first()
    return None if end is None else (end - verdict.look_back, end)


def _budget(slo: SLODefinition, verdict: Verdict, now: datetime, looks: Looks) -> dict[str, Any]:
    """What may go wrong over the window, and how long the rest of it lasts."""
    known: dict[str, Any] = {"window": slo.window, "window_days": slo.window_days}
    row = looks.snapshot(slo)
    if row is None or not row.total:
        return known
    window, share = window_of(slo, row, now), slo.budget_percentage / 100
    if verdict.alert_type in BUDGETS and verdict.counts:
        window = replace(window, counts=verdict.counts)  # as the condition saw it
    allowed = share * window.counts.total * Decimal(window.length // SECOND) / Decimal(window.run // SECOND)
    left = allowed - window.counts.bad
    pace = look_back_counts(row, "1d"), DAY
    if verdict.alert_type == AlertType.BURN_RATE_WARNING and verdict.counts and verdict.look_back:
        pace = verdict.counts, verdict.look_back
    ends_at = now + window.length if slo.window == Kind.ROLLING else row.window_end
    return {
        **known,
        "allowed": allowed,
        "left": left,
        "too_few": window.too_few(share, slo.min_bad),
        "runs_out_at": _runs_out(left, *pace, now, ends_at),
    }


def _runs_out(left: Decimal, counts: Counts, over: timedelta, now: datetime, ends_at: datetime) -> datetime | None:
    """When nothing is left if as many go wrong as lately; None if that lasts until the window ends."""
    if left <= 0 or counts.bad <= 0:
        return None
    lasts = left / counts.bad * (over // SECOND)
    return now + int(lasts) * SECOND if lasts <= (ends_at - now) // SECOND else None


def _first_bad(slo: SLODefinition, span: Interval) -> datetime | None:
    """The bucket of the first bad event. Of a sum of confidences every bucket has lost something: that says nothing."""
    if slo.sli_type == POINTS:
        return None
    buckets = SLIBucket.objects.filter(slo=slo, width=5, start__gte=span[0], start__lt=span[1], good__lt=F("total"))
    return buckets.order_by("start").values_list("start", flat=True).first()


def _biggest(slo: SLODefinition, span: Interval, events: int, now: datetime, looks: Looks) -> Biggest | None:
    """What stands out most among the bad events, of the last day where there are too many rows."""
    short = None
    if span[1] - span[0] > MOST_ROWS:
        events = events * DAY // (span[1] - span[0])
        span, short = look_back(now, DAY), DAY
    for one in looks.contributors(slo, *span, now=now, events=events):
        if one.beats_the_rest(LEAST_LIFT):
            return Biggest(one.field, one.value, one.bad, one.total_bad, short)
    return None


def _due(slo: SLODefinition, zone: ZoneInfo, now: datetime, looks: Looks) -> dict[str, Any]:
    if not slo.is_timed:
        return {}
    tomorrow = midnight(local_date(now, zone) + DAY, zone)
    found = looks.due_next(slo, now=now, within=max(tomorrow - now, NEXT))
    return {"due": found.count, "due_by": found.until}
