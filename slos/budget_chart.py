"""The figure of an objective's error budget: what is left of it, and where it goes."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from kpis import plots
from kpis.plots import Chart, Column, Json, Row
from slos import ahead, words
from slos.chart_axes import allowed, end_place, ended, ends_now, horizon, left_out_said, marks, place, seconds
from slos.detail import Detail
from slos.forecast import Ahead
from slos.models import Window

FLOOR = -100  # percent; below it one bad day would flatten all others


def budget(detail: Detail) -> Chart:
    """What is left of the budget; for a calendar window the bad events against those allowed, which never fall."""
    rolling = detail.slo.window == Window.ROLLING
    columns = [
        Column("End of"),
        Column("Budget left", words.percentage),
        Column("Bad in the window", words.events),
        Column("Allowed", words.events),
    ]
    rows = [
        Row([ended(detail, point), detail.left(point.window), point.window.bad, allowed(detail, point.window)])
        for point in reversed(detail.points)
    ]
    known = any(point.window.total for point in detail.points)
    drawn = (_left(detail) if rolling else _against_allowance(detail)) if known else None
    return Chart("budget", "Error budget left", _budget_said(detail) + left_out_said(detail), drawn, columns, rows)


def _left(detail: Detail) -> Json:
    x, y = [end_place(detail, point) for point in detail.points], [detail.left(point.window) for point in detail.points]
    seen = [value and max(value, FLOOR - 20) for value in y]  # nothing is drawn far below the axis
    traces = [plots.line("budget left", x, seen, "--series-1", filled=True, hover="%{customdata:.1f} %")]
    traces[0]["customdata"] = y
    end = horizon(detail)
    known = ahead.shown(detail.forecast, end) if ends_now(detail) else ()
    worst = [100 * day.left.low for day in known]
    low, high = plots.bounds([value and max(value, FLOOR) for value in [*y, *worst]], most=100)
    left = detail.one.remaining_percentage
    if ends_now(detail) and left is not None and left > 0:
        until = detail.shown_now + detail.one.window.length
        traces.append(_falling(detail, "spent evenly", left, until, end, "--soft", "dot"))
    if len(known) > 1:
        traces += _expected(detail, known)
    elif ends_now(detail) and left is not None and left > 0 and detail.outlook.at:
        traces.append(_falling(detail, "at this pace", left, detail.outlook.at, end, "--series-2", "dash"))
    shapes, notes = marks(detail)
    return plots.figure(
        traces, x=(place(detail, detail.whole[0]), place(detail, end)), y=(low, high), suffix=" %",
        shapes=[plots.level(0, "--bad", "solid"), *shapes], notes=notes,
    )  # fmt: skip


def _expected(detail: Detail, days: Sequence[Ahead]) -> list[Json]:
    """A dashed line, and the band of four of five outcomes."""
    x = [place(detail, day.at) for day in days]
    low, middle, high = (
        [round(100 * max(value, FLOOR / 100 - 0.2), 4) for value in values]
        for values in zip(*((day.left.low, day.left.middle, min(day.left.high, 1.0)) for day in days), strict=True)
    )
    band = plots.line("likely range", [*reversed(x), *x], [*reversed(low), *high], "--series-2")
    band |= {"fill": "toself", "hoverinfo": "skip", "line": {"width": 0}}
    del band["hovertemplate"]
    return [band, plots.line("expected", x, middle, "--series-2", dash="dash", hover="%{y:.1f} %")]


def _falling(detail: Detail, name: str, left: float, to: datetime, end: datetime, colour: str, dash: str) -> Json:
    """A straight line from what is left now to nothing at `to`, as far as the figure reaches."""
    start, stop = detail.shown_now, min(to, end)
    rest = left * (1 - (stop - start) / (to - start))
    x = [place(detail, start), place(detail, stop)]
    return plots.line(name, x, [left, round(rest, 4)], colour, dash=dash, hover="%{y:.1f} %")


def _against_allowance(detail: Detail) -> Json:
    x = [end_place(detail, point) for point in detail.points]
    bad = [float(point.window.bad) for point in detail.points]
    most = [float(allowed(detail, point.window)) for point in detail.points]
    shapes, notes = marks(detail)
    if ends_now(detail) and detail.outlook.at:
        shapes.append(plots.upright(place(detail, detail.outlook.at), "--series-2", "dash"))
    return plots.figure(
        [
            plots.line("bad so far", x, bad, "--series-2", step=True, hover="%{y:,.4~g}"),
            plots.line("allowed so far", x, most, "--series-1", dash="dot", hover="%{y:,.1f}"),
        ],
        x=(place(detail, detail.whole[0]), place(detail, horizon(detail))),
        y=plots.bounds(bad, most),
        shapes=shapes,
        notes=notes,
    )


def _budget_said(detail: Detail) -> str:
    one = detail.one
    if one.remaining_percentage is None:
        return "No event has been decided in the window: there is no budget to spend yet."
    rest = words.budget_left(detail.slo.sli_type, one.remaining_bad, one.allowed_bad)
    said = [f"Now {words.percentage(one.remaining_percentage)} of the budget is left: {rest}.", _runs_out_said(detail)]
    if ends_now(detail):
        said.append(ahead.said(detail.forecast))
    rise = detail.rise
    if rise:
        gone = f"{words.events(rise.bad.bad)} bad {words.noun(detail.slo.sli_type, rise.bad.bad)}"
        said.append(
            f"Over the last day it rose by {rise.points:.1f} points, as {gone} of {detail.local(rise.left):%-d %b}"
            " left the window."
        )
    lowest = min((left for point in detail.points if (left := detail.left(point.window)) is not None), default=0.0)
    if lowest < FLOOR and detail.slo.window == Window.ROLLING:
        said.append(f"The axis ends at {words.number(Decimal(FLOOR))} %; the table goes on.")
    return " ".join(filter(None, said))


def _runs_out_said(detail: Detail) -> str:
    found = detail.outlook
    if found.used_up or not found.known:
        return ""
    if found.at is None:
        return f"At the pace of the last {found.pace} it lasts."
    return (
        f"At the pace of the last {found.pace} nothing is left on"
        f" {detail.local(found.at):%-d %b, about %H:00}, in {words.duration(seconds(found.at - detail.shown_now))}."
    )
