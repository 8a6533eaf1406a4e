"""What a page adds to a stored figure: the present, from the same figures as its tiles and tables. Needs no Plotly."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from slos import words
from slos.models import Figure
from slos.status import Overview, SLOStatus

BUDGET = "budget-left"
DAYS = 30
FLOOR = -100  # percent; below it one bad objective would flatten all others


@dataclass(frozen=True)
class BudgetChart:
    """The figure for Plotly, and the same as a table: a column per objective, a row per day, newest first."""

    figure: dict[str, Any]
    names: Sequence[str]
    days: Sequence[tuple[date, Sequence[float | None]]]
    cut: bool  # some points lie below the axis


def budget_chart(overview: Overview) -> BudgetChart | None:
    """The stored history and, as its last point, what each objective has left now; None before it is drawn."""
    stored = Figure.objects.filter(organization=overview.organization, name=BUDGET).first()
    if stored is None:
        return None
    shown = {str(one.slo.pk): one for one in overview.slos}
    today = overview.now.astimezone(overview.organization.time_zone).date().isoformat()
    traces = {trace["uid"]: trace for trace in stored.content["data"] if trace["uid"] in shown}
    for uid, trace in traces.items():
        _end_with(trace, shown[uid], today)
    ordered = [traces[uid] for uid in shown if uid in traces]
    lowest = min((y for trace in ordered for y in trace["y"] if y is not None), default=0)
    layout = stored.content["layout"]
    layout["yaxis"]["range"] = [max(lowest, FLOOR) - 5 if lowest < 0 else 0, 103]
    return BudgetChart(
        {"data": ordered, "layout": layout}, [trace["name"] for trace in ordered], _rows(ordered), lowest < FLOOR
    )


def _end_with(trace: dict[str, Any], one: SLOStatus, today: str) -> None:
    trace["name"] = one.slo.name
    trace["x"] = [*trace["x"], today]
    trace["y"] = [*trace["y"], one.remaining_percentage]
    trace["meta"] = words.state(one.status, one.consumed_percentage, one.too_few).key


def _rows(traces: Sequence[dict[str, Any]]) -> list[tuple[date, list[float | None]]]:
    days = traces[0]["x"] if traces else []
    columns = [dict(zip(trace["x"], trace["y"], strict=True)) for trace in traces]
    return [(date.fromisoformat(day), [column.get(day) for column in columns]) for day in reversed(days)]
