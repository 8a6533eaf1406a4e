"""Figures that a page writes without Plotly are figures to Plotly, and tables to everybody."""

import pytest
from django.template.loader import render_to_string
from plotly import graph_objects

from kpis import plots

X = ["2026-11-09 00:00:00", "2026-11-10 00:00:00"]
LINES = plots.figure(
    [
        plots.line("left", X, [80.0, None], "--series-1", filled=True),
        plots.line("target", X, [95.0, 95.0], "--ink", dash="dash", step=True),
    ],
    x=(X[0], X[1]),
    y=plots.bounds([80.0, None], most=100),
    suffix=" %",
    shapes=[plots.level(0, "--ink"), plots.upright(X[0], "--risk"), plots.shade(X[0], X[1], "--bad")],
    notes=[plots.note("target changed", X[0])],
)
BARS = plots.figure(
    [plots.bars("good", ["a", "b"], [3, 4], "--met"), plots.bars("bad", ["a", "b"], [1, 0], "--bad", hatched=True)],
    y=plots.bounds([3, 4]),
)


@pytest.mark.parametrize("drawn", [LINES, BARS])
def test_plotly_knows_every_property(drawn):
    assert len(graph_objects.Figure(drawn).data) == 2
    with pytest.raises(ValueError, match="wrong"):
        graph_objects.Figure({**drawn, "layout": {**drawn["layout"], "wrong": 1}})


def test_the_table_says_what_the_figure_says_and_a_missing_value_is_no_zero():
    columns = [plots.Column("Day"), plots.Column("Left", lambda value: "no data" if value is None else f"{value} %")]
    rows = [plots.Row([X[1], None], "/invoices/?a=1&b=2"), plots.Row([X[0], 80.0])]
    chart = plots.Chart("left", "Budget left", "80 % are <left>.", LINES, columns, rows, file="left.csv")
    html = render_to_string("_figure.html", {"chart": chart})
    assert '<a href="/invoices/?a=1&amp;b=2">2026-11-10 00:00:00</a></th><td>no data</td>' in html
    assert "80 % are &lt;left&gt;." in html
    assert '<script id="left-data" type="application/json">' in html
    assert "nothing to draw" not in html
    empty = plots.Chart("left", "Budget left", "No data.", None, columns, [])
    assert "nothing to draw" in render_to_string("_figure.html", {"chart": empty})


def test_an_axis_holds_every_value_and_what_it_must():
    low, high = plots.bounds([-40.0, None, 20.0], most=100)
    assert low < -40 < 100 < high
    assert plots.bounds([], [None]) == (0, 1.06)
