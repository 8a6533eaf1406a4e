"""KPIs period by period: local hours, days or ISO weeks."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from kpis.figures import Figures
from kpis.periods import DAY, HOUR, Interval, local_periods
from kpis.ranges import DAY as DAYS
from kpis.ranges import HOUR as HOURS
from kpis.summary import Scope

LENGTHS = {"hourly": HOUR, "daily": DAY, "weekly": 7 * DAY}
SUMS = {"hourly": HOURS, "daily": DAYS, "weekly": DAYS}
MOST_PERIODS = 10_000
MOST_BINNED = 1_000  # periods; more percentiles than that take long, and no chart shows them


class Point(NamedTuple):
    """A local period, of which `span` is what was asked for, and its figures."""

    start: datetime
    end: datetime
    span: Interval
    figures: Figures

    def is_partial(self, now: datetime) -> bool:
        return (self.start, self.end) != self.span or self.end > now


def too_many(granularity: str, span: Interval) -> bool:
    return (span[1] - span[0]) / LENGTHS[granularity] > MOST_PERIODS


def cut(scope: Scope, granularity: str, span: Interval) -> list[tuple[Interval, Interval]]:
    """Every period that touches `span`, and what of it lies in there, oldest first; together they are the span."""
    start, end = span
    periods = local_periods(granularity, start, end, scope.zone)
    return [((first, last), (max(first, start), min(last, end))) for first, last in periods]


def points(scope: Scope, granularity: str, span: Interval) -> Sequence[Point]:
    """Every period that touches `span`, oldest first, also the empty ones; together they hold what `span` holds."""
    periods = cut(scope, granularity, span)
    spans = [inside for _, inside in periods]
    figures = scope.figures(spans, between=SUMS[granularity], binned=is_binned(periods))
    return [Point(*period, inside, found) for (period, inside), found in zip(periods, figures, strict=True)]


def is_binned(periods: Sequence[object]) -> bool:
    """Whether there are percentiles."""
    return len(periods) <= MOST_BINNED
