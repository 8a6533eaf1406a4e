"""What the charts of an objective share: their axes, the marks on them, and the first cells of their tables."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from kpis import plots
from kpis.plots import Column, Json
from slos import words
from slos.behind import Outcome
from slos.budget import Counts
from slos.detail import Detail, Point

Behind = Callable[[Outcome, datetime, datetime], str]  # the address of the rows of a time; "" if there is none
AHEAD = 0.2  # of the range, to see where the budget goes
NAMES = {"hourly": "hour", "daily": "day", "weekly": "week"}
FORMATS = {"hourly": "%-d %b %Y, %H:%M", "daily": "%-d %b %Y", "weekly": "%-d %b %Y"}
COUNTED = (Column("Good", words.events), Column("Bad", words.events), Column("All", words.events))


def left_out(detail: Detail) -> tuple[list[Json], list[Json]]:
    """What is not counted as shaded times, the first of each kind with its word."""
    start, end = detail.whole
    shapes: list[Json] = []
    words_at: dict[str, datetime] = {}
    for one in detail.left_out:
        if one.start and one.end and one.start < end and one.end > start:
            first = max(one.start, start)
            shapes.append(plots.shade(place(detail, first), place(detail, min(one.end, end)), "--ink"))
            words_at.setdefault(one.word, first)
    late = start + (end - start) / 2
    notes = [plots.low_note(word, place(detail, at), before=at > late) for word, at in words_at.items()]
    return shapes, notes


def left_out_said(detail: Detail) -> str:
    """After another sentence; empty where everything counts."""
    start, end = detail.whole
    times = [one for one in detail.left_out if one.start and one.end and one.start < end and one.end > start]
    if not times:
        return ""
    kinds = ", ".join(dict.fromkeys(one.word.lower() for one in times))
    often = "One time is" if len(times) == 1 else f"{len(times)} times are"
    return f" {often} left out: {kinds}."


def marks(detail: Detail) -> tuple[list[Json], list[Json]]:
    """Alerts and what is left out as shaded times, incidents by name; new promises and changes as upright lines."""
    start, end = detail.whole
    told = [
        one for one in detail.alerts if one.breached_at < end and (one.resolved_at is None or one.resolved_at > start)
    ]
    shapes = [
        plots.shade(
            place(detail, max(alert.breached_at, start)),
            place(detail, min(alert.resolved_at or detail.shown_now, end)),
            "--risk" if alert.severity == "warning" else "--bad",
        )
        for alert in told
    ]
    new = [edit for edit in detail.history.edits if edit.judges and start <= edit.at < end]
    shapes += [plots.upright(place(detail, edit.at), "--ink") for edit in new]
    late = start + (end - start) / 2
    notes = [plots.note("new promise", place(detail, edit.at), before=edit.at > late) for edit in new]
    for began in (max(one.breached_at, start) for one in told if one.severity == "incident"):
        notes.append(plots.note("incident", place(detail, began), "--bad", before=began > late))
    for one in detail.changes:
        if start <= one.row.start < end:
            shape, word = plots.turn(place(detail, one.row.start), one.word, before=one.row.start > late)
            shapes, notes = [*shapes, shape], [*notes, word]
    unseen, kinds = left_out(detail)
    return [*shapes, *unseen], [*notes, *kinds]


def ends_now(detail: Detail) -> bool:
    return bool(detail.points) and detail.points[-1].going_on


def horizon(detail: Detail) -> datetime:
    start, end = detail.whole
    if not ends_now(detail):
        return end
    return detail.shown_now + (detail.shown_now - start) * AHEAD


def across(detail: Detail, *, room: bool = False) -> tuple[str, str]:
    """The range of the axis; with room for the halves of the first and the last bar."""
    start, end = detail.whole
    half = (detail.points[0].end - start) / 2 if room and detail.points else timedelta(0)
    last = detail.points[-1].start + half if room and detail.points else min(end, detail.shown_now)
    return place(detail, start - half), place(detail, max(last, start + timedelta(minutes=1)))


def place(detail: Detail, at: datetime) -> str:
    return plots.clock(detail.local(at))


def end_place(detail: Detail, point: Point) -> str:
    return place(detail, point.at)


def begun(detail: Detail, point: Point) -> str:
    week = "week of " if detail.unit == "weekly" else ""
    return f"{week}{detail.local(point.start):{FORMATS[detail.unit]}}"


def ended(detail: Detail, point: Point) -> str:
    return f"{begun(detail, point)} (now)" if point.going_on else begun(detail, point)


def allowed(detail: Detail, counts: Counts) -> Decimal:
    return detail.slo.budget * counts.total


def counted(point: Point) -> tuple[Decimal, Decimal, int]:
    return point.decided.good, point.decided.bad, point.decided.total


def bad_rows(point: Point, behind: Behind) -> str:
    return behind(Outcome.BAD, point.start, point.end) if point.decided.bad else ""


def seconds(length: timedelta) -> float:
    return length.total_seconds()
