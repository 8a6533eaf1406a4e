"""The figures of the page about KPIs: drawn, as a table and as a sentence, all from what the API says."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from kpis.figures import PROCESSING, SHARES, Figures
from kpis.found import Told
from kpis.params import Span
from kpis.plots import Chart, Column, Json, Row, bars, bounds, clock, figure, level, level_note, line, turn
from kpis.summary import Scope
from kpis.trends import Point
from kpis.words import counted, duration, moved, number, percentage

MOST_KINDS = 8
SHOWN = ("p50", "p90", "p95")
DASHES = {"p50": "solid", "p90": "dash", "p95": "dot"}
COLOURS = {"p50": "--series-1", "p90": "--series-2", "p95": "--series-3"}
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SHADES = 5
MINUTE = timedelta(minutes=1)
FORMATS = {"hourly": "%a %-d %b, %H:%M", "daily": "%a %-d %b %Y", "weekly": "week of %-d %b %Y"}
NAMES = {"hourly": "hour", "daily": "day", "weekly": "week"}


class Asked(NamedTuple):
    """What the figures are about. `rows` is the address of the list of invoices, `exceptions` that of exceptions."""

    scope: Scope
    span: Span
    granularity: str
    points: Sequence[Point]
    whole: Figures
    comparison: Mapping[str, Any] | None  # with the period before, as the API gives it
    now: datetime
    rows: str
    exceptions: str
    limits: Mapping[str, timedelta] = MappingProxyType({})  # from upload to ready, by who promises it
    changes: Sequence[Told] = ()

    @property
    def zone(self) -> ZoneInfo:
        return self.scope.zone

    @property
    def before(self) -> str:
        return f"the {counted(self.span.days, 'day')} before"

    def change(self, name: str) -> float | None:
        found = self.comparison["figures"][name]["change"] if self.comparison else None
        return float(found) if found is not None else None

    def link(self, span: tuple[datetime, datetime], **more: str) -> str:
        """To the invoices that came in a span."""
        start, end = (at.astimezone(self.zone).isoformat() for at in span)
        return f"{self.rows}?{urlencode({**self.scope.only, 'start': start, 'end': end, **more})}"


def charts(asked: Asked) -> list[Chart]:
    return [_volume(asked), _times(asked), _kinds(asked), _touchless(asked)]


def granularity_of(span: Span) -> str:
    """So that a figure has between some ten and a hundred points."""
    length = span.end - span.start
    return "hourly" if length <= timedelta(days=2) else "daily" if length <= timedelta(days=122) else "weekly"


def _x(asked: Asked) -> list[str]:
    return [clock(one.start.astimezone(asked.zone)) for one in asked.points]


def _over_time(
    asked: Asked,
    series: str,
    traces: Sequence[Any],
    y: tuple[float, float],
    suffix: str = "",
    shapes: Sequence[Json] = (),
    notes: Sequence[Json] = (),
) -> Any:
    half = (asked.points[0].end - asked.points[0].start) / 2
    ends = (asked.points[0].start - half, asked.points[-1].start + half)
    first, last = (clock(at.astimezone(asked.zone)) for at in ends)
    marks, words = _turns(asked, series)
    marked = {"shapes": [*shapes, *marks], "notes": [*notes, *words]}
    return figure(traces, y=y, x=(first, last), suffix=suffix, **marked) if asked.whole.numbers else None


def _turns(asked: Asked, series: str) -> tuple[list[Json], list[Json]]:
    """Where the series has changed in the range."""
    start, end = asked.points[0].start, asked.points[-1].end
    late = start + (end - start) / 2
    marks = [
        turn(clock(one.row.start.astimezone(asked.zone)), one.word, before=one.row.start > late)
        for one in asked.changes
        if one.row.series == series and start <= one.row.start < end
    ]
    return [shape for shape, _ in marks], [word for _, word in marks]


def _period(asked: Asked) -> Column:
    shown = FORMATS[asked.granularity]
    return Column(NAMES[asked.granularity].capitalize(), lambda at: at.strftime(shown))


def _counts(*names: str) -> list[Column]:
    return [Column(name, number) for name in names]


def _table(asked: Asked, values: Any) -> list[Row]:
    """The newest period first, each with the invoices that came in it."""
    return [
        Row([one.start.astimezone(asked.zone), *values(one.figures)], asked.link(one.span))
        for one in reversed(asked.points)
    ]


def _volume(asked: Asked) -> Chart:
    def parts(one: Figures) -> tuple[int, int, int]:
        return one.number("succeeded"), one.number("failed"), one.uploaded - one.decided

    x, found = _x(asked), [parts(one.figures) for one in asked.points]
    succeeded, failed, undecided = zip(*found, strict=True)
    drawn = [
        bars("succeeded", x, succeeded, "--series-1"),
        bars("failed", x, failed, "--series-2", hatched=True),
        bars("no outcome yet", x, undecided, "--soft"),
    ]
    whole = parts(asked.whole)
    answer = (
        f"{counted(asked.whole.uploaded, 'invoice')} in {counted(asked.span.days, 'day')}: {number(whole[0])} "
        f"succeeded, {number(whole[1])} failed, {number(whole[2])} without an outcome yet."
    )
    columns = [_period(asked), *_counts("Invoices", "Succeeded", "Failed", "No outcome yet")]
    return Chart(
        "volume",
        f"Invoices per {NAMES[asked.granularity]}",
        answer,
        _over_time(asked, "total_invoices", drawn, bounds([one.figures.uploaded for one in asked.points])),
        columns,
        _table(asked, lambda one: [one.uploaded, *parts(one)]),
    )


def _times(asked: Asked) -> Chart:
    x, found = _x(asked), [one.figures.percentiles(PROCESSING) for one in asked.points]
    series = {
        name: [None if one[name] is None else one[name] / 60 for one in found]  # type: ignore[operator]
        for name in SHOWN
    }
    drawn = [
        line(_share(name), x, values, COLOURS[name], dash=DASHES[name], hover="%{y:.1f} min")
        for name, values in series.items()
    ]
    whole, size = asked.whole.percentiles(PROCESSING), asked.whole.number(PROCESSING)
    answer = (
        f"Of {counted(size, 'invoice')} that became ready, half took up to {duration(whole['p50'])}, "
        f"90 % up to {duration(whole['p90'])} and 95 % up to {duration(whole['p95'])}."
        if size
        else "No invoice became ready in this range."
    )
    within = [Column(f"{_share(name)}, within", duration) for name in SHOWN]
    columns = [_period(asked), *within, *_counts("Ready")]
    if size and asked.limits:
        promised = (f"{duration(limit.total_seconds())} ({name})" for name, limit in asked.limits.items())
        answer += f" Promised: {', '.join(promised)}."
    limits = {name: limit / MINUTE for name, limit in asked.limits.items()}

    def values(one: Figures) -> list[Any]:
        spread = one.percentiles(PROCESSING)
        return [*(spread[name] for name in SHOWN), one.number(PROCESSING)]

    top = bounds(*series.values(), [*limits.values()])
    made = _over_time(asked, "average_processing_time_seconds", drawn, top, " min", **_promised(limits))
    return Chart("times", "Time from upload to ready", answer, made if size else None, columns, _table(asked, values))


def _promised(limits: Mapping[str, float]) -> dict[str, list[Json]]:
    """A line across at each limit, in minutes, with who promises it."""
    return {
        "shapes": [level(limit, "--bad") for limit in {*limits.values()}],
        "notes": [level_note(name, limit, "--bad") for name, limit in limits.items()],
    }


def _share(name: str) -> str:
    return f"{SHARES[name] * 100:.0f} %"


def _kinds(asked: Asked) -> Chart:
    found = [(kind or "no kind", n, int(total)) for kind, (n, total) in asked.whole.by_key("kind").items()]
    shown = {kind: total for kind, _, total in found[:MOST_KINDS]}
    if others := found[MOST_KINDS:]:
        shown[counted(len(others), "other")] = sum(total for _, _, total in others)
    drawn = bars("exceptions", list(shown), list(shown.values()), "--series-2")
    excepted = asked.whole.number("excepted")
    answer = "No invoice of this range has an exception."
    if found:
        kind, n, _ = found[0]
        answer = (
            f"{counted(excepted, 'invoice')} of {number(asked.whole.uploaded)} had an exception; the most frequent "
            f"kind is {kind}, with {counted(n, 'invoice')}."
        )
    columns = [
        Column("Kind"),
        Column("Exceptions", number),
        Column("Invoices", number),
        Column("Of all invoices", lambda rate: percentage(rate, less_is_better=True)),
    ]
    rows = [
        Row([kind, total, n, asked.whole.of_uploaded(n)], _exceptions(asked, kind) if kind != "no kind" else "")
        for kind, n, total in found
    ]
    made = figure([drawn], y=bounds(list(shown.values()))) if found else None
    empty = "There is no exception to show."
    return Chart("exceptions", "Exceptions by kind", answer, made, columns, rows, empty=empty)


def _exceptions(asked: Asked, kind: str) -> str:
    start, end = (at.astimezone(asked.zone).isoformat() for at in (asked.span.start, asked.span.end))
    return f"{asked.exceptions}?{urlencode({'kind': kind, 'start': start, 'end': end})}"


def _touchless(asked: Asked) -> Chart:
    x, series = _x(asked), [one.figures.straight_through_rate for one in asked.points]
    whole = asked.whole
    answer = "No invoice of this range has an outcome yet."
    if whole.decided:
        change = moved(asked.change("straight_through_rate"), " points", asked.before)
        answer = (
            f"{percentage(whole.straight_through_rate)} of {counted(whole.decided, 'invoice')} with an outcome went "
            f"straight through, without exception, review or retry: {change}."
        )
    drawn = line("straight through", x, series, "--series-3")
    columns = [_period(asked), Column("Straight through", percentage), *_counts("Invoices", "With an outcome")]
    return Chart(
        "touchless",
        "Invoices that nobody had to touch",
        answer,
        _over_time(asked, "straight_through_rate", [drawn], (0, 103), " %") if whole.decided else None,
        columns,
        _table(asked, lambda one: [one.straight_through_rate, one.number("straight_through"), one.decided]),
    )


class Cell(NamedTuple):
    invoices: int
    shade: int  # 0 for none to SHADES for the most


class Load(NamedTuple):
    """When invoices come: by hour of the day the number on each weekday, and the sentence that says it."""

    answer: str
    hours: Sequence[tuple[int, Sequence[Cell]]]
    days: Sequence[str] = DAYS


def load_table(found: Mapping[tuple[int, int], int]) -> Load | None:
    """None where nothing came."""
    if not found:
        return None
    (day, hour), most = max(found.items(), key=lambda item: item[1])
    answer = (
        f"Most come on {DAYS[day - 1]}s between {hour:02}:00 and {(hour + 1) % 24:02}:00: {number(most)} of "
        f"{counted(sum(found.values()), 'invoice')}."
    )
    cells = [
        (hour, [Cell(n := found.get((day, hour), 0), -(-n * SHADES // most)) for day in range(1, len(DAYS) + 1)])
        for hour in range(24)
    ]
    return Load(answer, cells)
