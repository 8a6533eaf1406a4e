"""Series of KPIs, as kpis.changes takes them: closed local hours or days, each with what is usual at its time."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from kpis.changes import Sample, Scale
from kpis.figures import APPROVAL, CYCLE, PROCESSING, Figures
from kpis.periods import Interval, local_periods, weeks_before
from kpis.summary import Scope
from kpis.trends import points

REACH = {"hourly": 8, "daily": 52}  # weeks
MICROSECONDS = 1_000_000  # in a second


class Measure(NamedTuple):
    """A KPI as a series. Its value is made of `events`; `part` of `of` is what is bad, or long, or came at all."""

    label: str
    scale: Scale
    less_is_better: bool | None  # None: neither
    value: Callable[[Figures], float | None]
    events: Callable[[Figures], int]
    part: Callable[[Figures], float]


def _rate(label: str, value: Callable[[Figures], float | None], good: str, events: Callable[[Figures], int]) -> Measure:
    return Measure(label, Scale.RATE, False, value, events, lambda f: events(f) - f.number(good))


def _mean(label: str, duration: str) -> Measure:
    return Measure(
        label,
        Scale.DURATION,
        True,
        lambda f: f.mean_seconds(duration),
        lambda f: f.number(duration),
        lambda f: float(f.sums[duration, ""]) / MICROSECONDS,
    )


KPIS = {
    "total_invoices": Measure(
        "Invoices", Scale.COUNT, None, lambda f: f.uploaded, lambda f: f.uploaded, lambda f: f.uploaded
    ),
    "processing_success_rate": _rate("Succeeded", lambda f: f.success_rate, "succeeded", lambda f: f.decided),
    "straight_through_rate": _rate(
        "Straight through", lambda f: f.straight_through_rate, "straight_through", lambda f: f.decided
    ),
    "exception_rate": Measure(
        "With an exception",
        Scale.RATE,
        True,
        lambda f: f.exception_rate,
        lambda f: f.uploaded,
        lambda f: f.number("excepted"),
    ),
    "first_time_validation_rate": _rate(
        "Right at the first validation", lambda f: f.first_time_rate, "passed_first", lambda f: f.number("checked")
    ),
    "average_processing_time_seconds": _mean("Upload to ready, on average", PROCESSING),
    "average_approval_time_seconds": _mean("Ready to approved, on average", APPROVAL),
    "average_cycle_time_seconds": _mean("Upload to completed, on average", CYCLE),
}


def read(scope: Scope, granularity: str, *, now: datetime) -> dict[str, list[Sample]]:
    """Every KPI over the last weeks, from the first invoice on; the period that goes on is left out."""
    closed = periods(granularity, now, scope.zone)
    found = points(scope, granularity, (closed[0][0], closed[-1][1]))
    first = next((i for i, point in enumerate(found) if point.figures.numbers), len(found))
    slots = [slot(granularity, point.start, scope.zone) for point in found]
    return {
        name: [
            Sample(point.start, slots[i], kpi.value(point.figures), kpi.events(point.figures))
            for i, point in enumerate(found)
            if i >= first
        ]
        for name, kpi in KPIS.items()
    }


def periods(granularity: str, now: datetime, zone: ZoneInfo) -> Sequence[Interval]:
    """The closed local hours or days (`hourly`, `daily`) of the last weeks, oldest first."""
    start = weeks_before(now, REACH[granularity], zone)
    return [one for one in local_periods(granularity, start, now, zone) if start <= one[0] and one[1] <= now]


def slot(granularity: str, start: datetime, zone: ZoneInfo) -> int:
    """The hour of the week, or the weekday."""
    wall = start.astimezone(zone)
    return wall.weekday() * 24 + wall.hour if granularity == "hourly" else wall.weekday()
