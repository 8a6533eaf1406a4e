"""The table that the benchmarks print: ratios, each with its goal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One measured figure; `goal` is how it should compare, `met` whether it does (None: only reported)."""

    name: str
    value: str
    detail: str
    goal: str = ""
    met: bool | None = None


def paired(ours: Callable[[], float], theirs: Callable[[], float], pairs: int) -> list[tuple[float, float]]:
    """Measure two things in turn; the first pair warms up and does not count."""
    return [(ours(), theirs()) for _ in range(pairs + 1)][1:]


def ratio_row(name: str, pairs: Sequence[tuple[float, float]], unit: str, *, least: float = 0, most: float = 0) -> Row:
    """The median of the pairs' ratios against a goal: at least `least` or at most `most`; with neither, reported."""
    ratios = sorted(a / b for a, b in pairs)
    middle = median(ratios)
    ours, theirs = median(a for a, _ in pairs), median(b for _, b in pairs)
    detail = f"{ours:,.4g} / {theirs:,.4g} {unit}; {len(ratios)} pairs, {ratios[0]:.2f} to {ratios[-1]:.2f}"
    if not (least or most):
        return Row(name, f"{middle:.2f}", detail)
    goal = f">= {least}" if least else f"<= {most}"
    return Row(name, f"{middle:.2f}", detail, goal, middle >= least if least else middle <= most)


def show(rows: Sequence[Row]) -> bool:
    """Print the table; true when every goal is met."""
    table = Table("figure", "measured", "goal", "", "how")
    for row in rows:
        mark = {None: "", True: "met", False: "MISSED"}[row.met]
        table.add_row(row.name, row.value, row.goal, mark, row.detail)
    Console(width=150).print(table)
    return all(row.met is not False for row in rows)
