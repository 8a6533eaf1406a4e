"""The measurements of one objective over a range, page by page, and what they come to."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Avg, Count, DecimalField, ExpressionWrapper, F, Max, Min, Q, QuerySet
from django.db.models.functions import NullIf

from kpis.periods import Interval
from slos.models import SLIMeasurement, SLODefinition

BATCH = 1_000
TOTAL = NullIf(F("total_events_count"), 0)
NUMBER = DecimalField(max_digits=40, decimal_places=20)
ACHIEVED = ExpressionWrapper(F("good_events_count") * 100 / TOTAL, output_field=NUMBER)
CONSUMED = ExpressionWrapper(
    (F("total_events_count") - F("good_events_count")) * 10_000 / (TOTAL * F("error_budget_percentage")),
    output_field=NUMBER,
)


class Page(NamedTuple):
    rows: Sequence[SLIMeasurement]
    more: bool


def _begun_in(slo: SLODefinition, period: str, span: Interval) -> QuerySet[SLIMeasurement]:
    start, end = span
    return slo.measurements.filter(period=period, period_start__gte=start, period_start__lt=end)


def page(slo: SLODefinition, period: str, span: Interval, *, limit: int, before: datetime | None = None) -> Page:
    """At most `limit` measurements of periods that begin in `span`, and before `before`; newest first."""
    rows = _begun_in(slo, period, span)
    if before is not None:
        rows = rows.filter(period_start__lt=before)
    found = list(rows.order_by("-period_start")[: limit + 1])
    return Page(found[:limit], len(found) > limit)


def every(slo: SLODefinition, period: str, span: Interval) -> Iterator[SLIMeasurement]:
    """All of them, newest first, in batches: neither memory nor a statement grows with their number."""
    found, before = Page([], True), None
    while found.more:
        found = page(slo, period, span, limit=BATCH, before=before)
        yield from found.rows
        before = found.rows[-1].period_start if found.rows else None


def summary(slo: SLODefinition, period: str, span: Interval, *, now: datetime) -> dict[str, Any]:
    """Plain means over the closed measurements with events of `span`; the latest is the last closed one."""
    rows = _begun_in(slo, period, span)
    closed = Q(period_end__lte=now)
    figures = rows.aggregate(
        average_achieved_percentage=Avg(ACHIEVED, filter=closed),
        min_achieved_percentage=Min(ACHIEVED, filter=closed),
        max_achieved_percentage=Max(ACHIEVED, filter=closed),
        average_error_budget_consumed=Avg(CONSUMED, filter=closed),
        measurements_count=Count("pk"),
    )
    count = figures.pop("measurements_count")
    latest = rows.filter(closed).order_by("-period_start").first()
    return {
        "latest_achieved_percentage": latest and latest.achieved_percentage,
        "latest_error_budget_consumed": latest and latest.error_budget_consumed,
        **{name: None if figure is None else float(round(figure, 4)) for name, figure in figures.items()},
        "measurements_count": count,
    }
