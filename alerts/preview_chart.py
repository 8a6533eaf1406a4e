"""The figure of a preview: what was good of each week by the proposed definition, beside the saved one."""

from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from alerts.preview import Preview, Week
from kpis import plots
from kpis.plots import Chart, Column, Json, Row
from slos import words
from slos.budget import Counts, percent
from slos.models import SLODefinition

KEPT = {True: "✔ met", False: "✖ missed", None: "○ no data"}
EDGE = timedelta(days=1)  # so that no mark is cut, and a single week has an axis
PROPOSED, SAVED = "--series-1", "--series-2"


def weeks(found: Preview, saved: SLODefinition | None) -> Chart:
    """Weeks of the organisation's calendar, by their first day; `saved` is None for an objective that is new."""
    slo = found.status.slo
    columns = [
        Column("Week from"), Column("Events", words.events), Column("Good, proposed", words.percentage),
        *([Column("Good, saved", words.percentage)] if saved else []),
        Column("Bad", words.events), Column("Allowed", words.events), Column("Target", KEPT.__getitem__),
    ]  # fmt: skip
    zone = slo.organization.time_zone
    rows = [_row(week, zone, saved is not None) for week in found.weeks]
    known = [k for k, week in enumerate(found.weeks) if week.proposed.total or (week.saved and week.saved.total)]
    drawn = _drawn(found.weeks[known[0] : known[-1] + 1], slo, saved) if known else None
    return Chart("weeks", "Week by week", _said(found.weeks, saved), drawn, columns, rows)


def _row(week: Week, zone: ZoneInfo, beside: bool) -> Row:
    before = [_good(week.saved)] if beside else []
    counts = week.proposed
    day = f"{week.start.astimezone(zone):%Y-%m-%d}"
    return Row([day, counts.total, _good(counts), *before, counts.bad, week.allowed, week.met])


def _good(counts: Counts | None) -> float | None:
    return percent(counts.ratio) if counts else None


def _drawn(found: Sequence[Week], slo: SLODefinition, saved: SLODefinition | None) -> Json:
    """From the first to the last week with events: a line that ends in a gap would have no label."""
    days = [week.start.astimezone(slo.organization.time_zone) for week in found]
    x = [f"{day:%Y-%m-%d}" for day in days]
    proposed, before = [_good(week.proposed) for week in found], [_good(week.saved) for week in found]
    same = saved is not None and proposed == before
    traces = [_line("as proposed and saved" if same else "as proposed", x, proposed, PROPOSED)]
    if saved and not same:
        traces.insert(0, _line("as saved", x, before, SAVED, dash="dash"))
    targets = {"target": float(slo.target_percentage)}
    if saved and saved.target_percentage != slo.target_percentage:
        targets["saved target"] = float(saved.target_percentage)
    lowest = min(value for value in [*proposed, *before, *targets.values()] if value is not None)
    shapes, notes = zip(*(_target(name, y, max(targets.values())) for name, y in targets.items()), strict=True)
    room = max(100 - lowest, 0.01) / 8
    return plots.figure(
        traces,
        x=(plots.clock(days[0] - EDGE), plots.clock(days[-1] + EDGE)),
        y=(lowest - room, 100 + room),
        suffix=" %",
        shapes=shapes,
        notes=notes,
    )


def _target(name: str, y: float, highest: float) -> tuple[Json, Json]:
    """The line of a target and its words, below it where another lies above."""
    colour = "--ink" if name == "target" else "--soft"
    return plots.level(y, colour, "dot"), plots.level_note(f"{name} {y:g} %", y, colour, below=y < highest)


def _line(name: str, x: Sequence[str], y: Sequence[float | None], colour: str, dash: str = "solid") -> Json:
    """With a mark at each week: one between two that are empty would not be seen."""
    return plots.line(name, x, y, colour, dash=dash, hover="%{y:.4~f} %") | {"mode": "lines+markers"}


def _said(found: Sequence[Week], saved: SLODefinition | None) -> str:
    counted = [week for week in found if week.proposed.total]
    if not counted:
        return "No event is known in these weeks."
    kept = sum(bool(week.met) for week in counted)
    said = f"It would have been met in {kept} of {len(counted)} {words.plural('week', len(counted))} with events"
    if saved is None:
        return f"{said}."
    before = [week.saved for week in found if week.saved and week.saved.total]
    held = sum(counts.bad <= saved.budget * counts.total for counts in before)
    return f"{said}; as saved in {held} of {len(before)}."
