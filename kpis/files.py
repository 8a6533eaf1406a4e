"""The table of a figure as a file."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse

from accounts.downloads import cell, table_file
from kpis.plots import Chart


def chart_file(request: HttpRequest, name: str, chart: Chart, *, now: datetime) -> HttpResponse:
    """With exact values, under the labels of the page."""
    rows = (map(cell, row.values) for row in chart.rows)
    return table_file(request, name, [one.label for one in chart.columns], rows, now=now)
