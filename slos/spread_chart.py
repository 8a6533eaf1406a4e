"""The figure of how the measured values of an objective are spread around its limit."""

from collections.abc import Callable, Iterator
from itertools import pairwise

from kpis import plots
from kpis.plots import Chart, Column, Row
from slos import words
from slos.detail import Detail
from slos.spread import Spread


def distribution(detail: Detail, found: Spread) -> Chart:
    """Of the measured value, with its limit."""
    timed = detail.slo.is_timed
    names = list(_bins(found, words.duration if timed else _confidence))
    numbers = list(found.counts)
    if timed:
        names, numbers = [*names, "still going on"], [*numbers, found.going_on]
    columns = [
        Column("Time taken" if timed else "Confidence"),
        Column(words.noun(detail.slo.sli_type, 2).capitalize(), words.events),
    ]
    colours = ("--met", "--bad") if timed else ("--bad", "--met")
    below = [n if k < found.below else 0 for k, n in enumerate(numbers)]
    above = [0 if k < found.below else n for k, n in enumerate(numbers)]
    labels = ("in time", "late") if timed else ("below the target", "at the target or above")
    drawn = plots.figure(
        [
            plots.bars(labels[0], names, below, colours[0], hatched=not timed),
            plots.bars(labels[1], names, above, colours[1], hatched=timed),
        ],
        y=plots.bounds(numbers), shapes=[plots.upright(found.below - 0.5, "--ink", "dash")],
        notes=[plots.note("limit" if timed else "target", found.below - 0.5, "--ink")],
    ) if found.total else None  # fmt: skip
    rows = [Row([name, number]) for name, number in zip(names, numbers, strict=True)]
    return Chart("spread", _spread_title(timed), _spread_said(detail, found), drawn, columns, rows)


def _spread_title(timed: bool) -> str:
    return "How long it took" if timed else "How sure the extraction was"


def _confidence(value: float) -> str:
    return f"{value:g}"


def _bins(found: Spread, show: Callable[[float], str]) -> Iterator[str]:
    names = [show(edge) for edge in found.edges]
    yield f"up to {names[0]}"
    yield from (_between(lower, upper) for lower, upper in pairwise(names))
    yield f"over {names[-1]}"


def _between(lower: str, upper: str) -> str:
    """The unit is said once where both have the same."""
    number, space, unit = lower.partition(words.SPACE)
    return (
        f"{number if space + unit and upper.endswith(space + unit) and ' ' not in upper else lower}\N{EN DASH}{upper}"
    )


def _spread_said(detail: Detail, found: Spread) -> str:
    if not found.total:
        return "No event has been decided in this range."
    noun = words.noun(detail.slo.sli_type, 2) if detail.slo.is_timed else "invoices"
    below = sum(found.counts[: found.below])
    if not detail.slo.is_timed:
        above = found.total - below
        return f"{above:,} of {found.total:,} {noun} were read with at least {_confidence(found.limit)}."
    going_on = f"; {found.going_on:,} of the late ones are still going on" if found.going_on else ""
    return f"{below:,} of {found.total:,} {noun} kept the limit of {words.duration(found.limit)}{going_on}."
