"""Plotly figures, built by a worker and kept as JSON; no web process imports this."""

from datetime import datetime
from typing import Any

from plotly import graph_objects

from accounts.models import Organization
from slos import history, status
from slos.charts import BUDGET, DAYS
from slos.models import EngineState, Figure

LINES = 12  # more cannot be told apart
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "5px,2px")


def refresh(organization: Organization, *, now: datetime) -> bool:
    """Draw the chart of the error budgets again if what it shows may have changed; True if so."""
    stored = Figure.objects.filter(organization=organization, name=BUDGET).first()
    if stored and not _changed(organization, stored.built_at):
        return False
    content = budget_left(organization, now=now)
    Figure.objects.update_or_create(
        organization=organization, name=BUDGET, defaults={"content": content, "built_at": now}
    )
    return True


def _changed(organization: Organization, since: datetime) -> bool:
    if EngineState.objects.filter(organization=organization, figures_changed_at__gt=since).exists():
        return True
    return organization.slos.filter(updated_at__gt=since).exists()


def budget_left(organization: Organization, *, now: datetime) -> dict[str, Any]:
    """Error budget left of the worst objectives at the end of each of the last days, in percent."""
    worst = status.overview(organization, now=now).slos[:LINES]
    slos = sorted((one.slo for one in worst), key=lambda slo: slo.name)
    days = history.ends_of_days(organization, DAYS, now)
    left = history.budget_left(organization, slos, [end for _, end in days])
    dates = [start.astimezone(organization.time_zone).date().isoformat() for start, _ in days]
    figure = graph_objects.Figure(
        [
            graph_objects.Scatter(
                uid=str(slo.pk),
                name=slo.name,
                x=dates,
                y=left[slo.pk],
                mode="lines",
                line={"dash": DASHES[k % len(DASHES)], "width": 2},
                hovertemplate="%{y:.1f} %",
                connectgaps=False,
            )
            for k, slo in enumerate(slos)
        ]
    )
    figure.update_layout(
        template="none",  # the browser gives it the colours of the theme
        hovermode="x unified",
        showlegend=False,
        xaxis={"type": "date", "tickformat": "%-d %b", "hoverformat": "%A, %-d %B", "fixedrange": True},
        yaxis={"ticksuffix": " %", "zeroline": True, "fixedrange": True},
    )
    plain: dict[str, Any] = figure.to_plotly_json()
    return plain
