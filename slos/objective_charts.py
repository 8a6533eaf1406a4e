"""The figures of an objective's page: each drawn, said in a sentence and held in a table, all from one read model.

Any range may be asked for, so they cannot wait for a worker; they are written without Plotly, as plain data.
"""

from collections.abc import Sequence

from kpis import plots
from kpis.plots import Chart, Column, Json, Row
from slos import words
from slos.budget import Counts, burn_rate
from slos.budget_chart import budget
from slos.chart_axes import (
    COUNTED,
    NAMES,
    Behind,
    across,
    bad_rows,
    begun,
    counted,
    end_place,
    ended,
    ends_now,
    left_out,
    left_out_said,
    marks,
    place,
    seconds,
)
from slos.detail import Detail, Look


def charts(detail: Detail, behind: Behind) -> list[Chart]:
    """Those that need no row of an invoice: budget, SLI, burn rate, volume."""
    return [budget(detail), sli(detail, behind), burns(detail), volume(detail, behind)]


def sli(detail: Detail, behind: Behind) -> Chart:
    points = detail.points
    columns = [
        Column(NAMES[detail.unit].capitalize()),
        Column("SLI", words.percentage),
        Column("Target", words.percentage),
        *COUNTED,
    ]
    rows = [
        Row([begun(detail, point), point.achieved, point.target, *counted(point)], bad_rows(point, behind))
        for point in reversed(points)
    ]
    x = [place(detail, point.start) for point in points]
    y, targets = [point.achieved for point in points], [point.target for point in points]
    known = [value for value in y if value is not None]
    drawn = None
    if known:
        low = min([*known, *targets])
        room = max((100 - low) * 0.08, 0.02)
        shapes, notes = marks(detail)
        drawn = plots.figure(
            [
                plots.line("SLI", x, y, "--series-1", hover="%{y:.2f} %"),
                plots.line("target", x, targets, "--ink", dash="dash", step=True, hover="%{y} %"),
            ],
            x=across(detail), y=(max(0, low - room), 100 + room), suffix=" %", shapes=shapes, notes=notes,
        )  # fmt: skip
        if len(known) < 3:  # one or two values make no line
            drawn["data"][0]["mode"] = "lines+markers"
    return Chart("sli", "SLI against its target", _sli_said(detail) + left_out_said(detail), drawn, columns, rows)


def _sli_said(detail: Detail) -> str:
    known = [point for point in detail.points if point.met is not None]
    if not known:
        return "No event has been decided in this range."
    unit, met = NAMES[detail.unit], sum(bool(point.met) for point in known)
    said = f"The target was kept in {met} of {len(known)} {words.plural(unit, len(known))} with events."
    worst = min(known, key=lambda point: point.achieved or 0)
    if worst.met:
        return said
    return f"{said} The worst was {begun(detail, worst)} with {words.percentage(worst.achieved)}."


def burns(detail: Detail) -> Chart:
    """How fast the budget was spent, over each look-back of the rules."""
    names = [f"over {words.duration(seconds(look.length))}" for look in detail.looks]
    columns = [Column("End of"), *(Column(f"Burn rate {name}", words.burn_rate) for name in names)]
    series = [[_burn(detail, point.burns[k]) for point in detail.points] for k in range(len(names))]
    rows = [
        Row([ended(detail, point), *(values[k] for values in series)])
        for k, point in reversed(list(enumerate(detail.points)))
    ]
    x = [end_place(detail, point) for point in detail.points]
    styles = zip(("--series-2", "--series-3", "--series-1"), ("solid", "dot", "dash"), strict=True)
    traces = [
        plots.line(name, x, values, colour, dash=dash, hover="%{y:.2f}")
        for name, values, (colour, dash) in zip(names, series, styles, strict=False)
    ]
    limits = {look.threshold: look for look in detail.looks if look.threshold is not None}
    unseen, kinds = left_out(detail)
    known = any(value is not None for values in series for value in values)
    top = max(limits, default=1) * 1.15
    drawn = plots.figure(
        traces,
        x=across(detail),
        y=plots.bounds(*series, most=top),
        shapes=[*(_limit(threshold, look) for threshold, look in limits.items()), *unseen],
        notes=[
            *(
                plots.level_note(look.severity, threshold, below=threshold < max(limits))
                for threshold, look in limits.items()
            ),
            *kinds,
        ],
    )
    return Chart("burn", "Burn rate", _burns_said(detail, names), drawn if known else None, columns, rows)


def _limit(threshold: float, look: Look) -> Json:
    return plots.level(threshold, "--risk" if look.severity == "warning" else "--bad")


def _burns_said(detail: Detail, names: Sequence[str]) -> str:
    if not ends_now(detail):
        rates = [rate for point in detail.points if (rate := _burn(detail, point.burns[0])) is not None]
        highest = f"The highest burn rate {names[0]} was {words.burn_rate(max(rates))}" if rates else "No data"
    else:
        now = [_burn(detail, counts) for counts in detail.points[-1].burns]
        told = [f"{words.burn_rate(rate)} {name}" for name, rate in zip(names, now, strict=True) if rate is not None]
        highest = f"The budget burns at {', '.join(told)}" if told else "No event was decided lately"
    limits = (
        f"{look.severity} above {words.burn_rate(look.threshold)} {name}"
        for name, look in zip(names, detail.looks, strict=True)
        if look.threshold is not None
    )
    return f"{highest}; at 1 it just lasts. Limits: {', '.join(limits)}."


def _burn(detail: Detail, counts: Counts) -> float | None:
    burn = burn_rate(counts, detail.slo.budget)
    return None if burn is None else float(round(burn, 4))


def volume(detail: Detail, behind: Behind) -> Chart:
    unit, points = NAMES[detail.unit], detail.points
    columns = [Column(unit.capitalize()), *COUNTED]
    rows = [Row([begun(detail, point), *counted(point)], bad_rows(point, behind)) for point in reversed(points)]
    x = [place(detail, point.start) for point in points]
    good, bad = [float(point.decided.good) for point in points], [float(point.decided.bad) for point in points]
    total = detail.decided
    unseen, kinds = left_out(detail)
    drawn = plots.figure(
        [plots.bars("good", x, good, "--met"), plots.bars("bad", x, bad, "--bad", hatched=True)],
        x=across(detail, room=True), y=plots.bounds([point.decided.total for point in points]),
        shapes=unseen, notes=kinds,
    ) if total.total else None  # fmt: skip
    return Chart("volume", f"Good and bad per {unit}", _volume_said(detail, total), drawn, columns, rows)


def _volume_said(detail: Detail, total: Counts) -> str:
    if not total.total:
        return "No event has been decided in this range."
    kind, unit = detail.slo.sli_type, NAMES[detail.unit]
    said = f"{words.events(total.bad)} of {words.events(total.total)} {words.noun(kind, total.total)} were bad"
    worst = max(detail.points, key=lambda point: point.decided.bad)
    if not worst.decided.bad or len(detail.points) < 2:
        return f"{said}."
    return f"{said}; the worst {unit} was {begun(detail, worst)} with {words.events(worst.decided.bad)}."
