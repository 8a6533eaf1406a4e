"""Figures of pages: as Plotly takes them, as the table beside them, and as the sentence that says the same. Pure.

Colours are the browser's business: `meta` of a trace and `name` of a shape or a note name a token of the style sheet.
Moments are written by the wall clock of the organisation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

Json = dict[str, Any]
Value = float | None


class Column(NamedTuple):
    """A column of the table; `show` makes text of a value."""

    label: str
    show: Callable[[Any], str] = str


class Row(NamedTuple):
    """Values in the order of the columns, and the address of what is behind them."""

    values: Sequence[Any]
    link: str = ""


@dataclass(frozen=True)
class Chart:
    """One figure of a page. `key` stands in its ids and in the address of its file; `figure` is None without data."""

    key: str
    title: str
    answer: str
    figure: Json | None
    columns: Sequence[Column]
    rows: Sequence[Row]
    empty: str = "There is nothing to draw in this range."
    file: str = ""  # the address of its CSV file

    @property
    def shown(self) -> list[tuple[list[str], str]]:
        """The rows as text, each with its link."""
        return [
            ([one.show(value) for one, value in zip(self.columns, row.values, strict=True)], row.link)
            for row in self.rows
        ]


def line(
    name: str,
    x: Sequence[str],
    y: Sequence[Value],
    colour: str,
    *,
    dash: str = "solid",
    step: bool = False,
    filled: bool = False,
    hover: str = "%{y:.1f}",
) -> Json:
    """A line with gaps where there is no value; one that steps keeps its value until the next moment."""
    trace: Json = {"type": "scatter", "mode": "lines", "name": name, "x": list(x), "y": list(y), "meta": colour}
    trace |= {"line": {"dash": dash, "shape": "hv" if step else "linear"}, "connectgaps": False, "hovertemplate": hover}
    return trace | ({"fill": "tozeroy"} if filled else {})


def bars(
    name: str, x: Sequence[str], y: Sequence[Value], colour: str, *, hatched: bool = False, hover: str = "%{y:,}"
) -> Json:
    trace: Json = {"type": "bar", "name": name, "x": list(x), "y": list(y), "meta": colour, "hovertemplate": hover}
    return trace | ({"marker": {"pattern": {"shape": "/"}}} if hatched else {})


def level(y: float, colour: str, dash: str = "dash") -> Json:
    """A line across the whole figure."""
    line = {"dash": dash, "width": 1.5}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y, "name": colour, "line": line}


def upright(x: str | float, colour: str, dash: str = "dot") -> Json:
    """A line from the bottom to the top."""
    line = {"dash": dash, "width": 1.5}
    return {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": x, "x1": x, "name": colour, "line": line}


def shade(start: str, end: str, colour: str) -> Json:
    """A time that is set apart."""
    shape = {"type": "rect", "yref": "paper", "y0": 0, "y1": 1, "x0": start, "x1": end, "name": colour}
    return shape | {"layer": "below", "opacity": 0.16, "line": {"width": 0}}


def note(text: str, x: str | float, colour: str = "--soft", *, before: bool = False) -> Json:
    """Words beside the top of an upright line, after or before it."""
    place = {"x": x, "yref": "paper", "y": 1, "yanchor": "top"}
    place |= {"xanchor": "right", "xshift": -3} if before else {"xanchor": "left", "xshift": 3}
    return {"text": text, "name": colour, "showarrow": False, "font": {"size": 11}, **place}


def turn(x: str, word: str, *, before: bool) -> tuple[Json, Json]:
    """The mark where a series has changed, and its word."""
    colour = "--bad" if word == "worse" else "--soft"
    return upright(x, colour, "dashdot"), note(word, x, colour, before=before)


def low_note(text: str, x: str | float, colour: str = "--soft", *, before: bool = False) -> Json:
    """Words beside the foot of a shaded time."""
    return note(text, x, colour, before=before) | {"y": 0, "yanchor": "bottom"}


def level_note(text: str, y: float, colour: str = "--soft", *, below: bool = False) -> Json:
    """Words on a line across, or below it, at its beginning."""
    place = {"xref": "paper", "x": 0, "xanchor": "left", "xshift": 3, "y": y, "yanchor": "top" if below else "bottom"}
    return {"text": text, "name": colour, "showarrow": False, "font": {"size": 11}, **place}


def figure(
    traces: Sequence[Json],
    *,
    y: tuple[float, float],
    x: tuple[str, str] | None = None,
    suffix: str = "",
    shapes: Sequence[Json] = (),
    notes: Sequence[Json] = (),
) -> Json:
    """Traces over time from x[0] to x[1], or over categories where `x` is None."""
    across: Json = {"type": "category", "automargin": True} if x is None else _dates(*x)
    up = {"range": list(y), "ticksuffix": suffix, "zeroline": True, "fixedrange": True, "separatethousands": True}
    layout: Json = {
        "hovermode": "x unified",
        "barmode": "stack",
        "xaxis": across | {"fixedrange": True},
        "yaxis": up,
        "shapes": list(shapes),
        "annotations": list(notes),
    }
    return {"data": list(traces), "layout": layout}


def _dates(start: str, end: str) -> Json:
    short = datetime.fromisoformat(end) - datetime.fromisoformat(start) < timedelta(days=2)
    ticks = "%-d %b %H:%M" if short else "%-d %b"
    return {"type": "date", "range": [start, end], "tickformat": ticks, "hoverformat": "%A, %-d %B, %H:%M"}


def bounds(*series: Sequence[Value], least: float = 0, most: float = 1) -> tuple[float, float]:
    """From the lowest to the highest value, `least` and `most` at any rate, and a little room."""
    known = [value for values in series for value in values if value is not None]
    low, high = min([*known, least]), max([*known, most])
    room = (high - low) * 0.06
    return (low - room if low < 0 else low), high + room


def clock(at: datetime) -> str:
    """A local moment as Plotly reads it."""
    return at.strftime("%Y-%m-%d %H:%M:%S")
