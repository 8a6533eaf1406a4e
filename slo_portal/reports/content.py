"""The content of a report, from the figures that every other face shows. It is stored as it is made here."""

from datetime import timedelta
from typing import Any

from kpis import flow, payloads, summary
from kpis.words import duration, number, percentage
from slo_portal.reports import findings, happened, objectives, regressions
from slo_portal.reports.asked import Asked

RECENT = timedelta(days=2)
FORM = 1  # of the content, for whoever reads old ones
KPIS = (  # the figures that are shown, in this order: of `volume`, `performance` or the whole
    ("total_invoices", "Invoices"),
    ("processing_success_rate", "Succeeded"),
    ("straight_through_rate", "Straight through"),
    ("exception_rate", "With an exception"),
    ("first_time_validation_rate", "Right at the first validation"),
    ("average_processing_time_seconds", "Upload to ready, on average"),
    ("average_approval_time_seconds", "Ready to approved, on average"),
)
Told = dict[str, Any]


def content(asked: Asked, *, with_misses: bool = False) -> Told:
    """Of a range; `with_misses` names each bad event of the objectives that have too few to be judged by."""
    found = objectives.results(asked)
    alerts = happened.alerts(asked)
    return {
        "form": FORM,
        "headline": findings.headline(found, alerts),
        "period": asked.span.as_data(),
        "time_zone": asked.organization.time_zone.key,
        "filters": dict(asked.only),
        "data_through": asked.scope.data_through(),
        "counted_since": asked.scope.since if asked.only else None,
        "objectives": [objectives.told(asked, one) for one in found],
        "findings": findings.findings(asked, found),
        "regressions": regressions.told(asked),
        "misses": findings.misses(asked, found) if with_misses else [],
        "budgets": objectives.budgets(asked, found),
        "kpis": kpis(asked),
        "capacity": capacity(asked),
        "alerts": alerts,
        "incidents": happened.incidents(asked),
        "changes": [*happened.exclusions(asked), *happened.changes(asked)],
    }


def capacity(asked: Asked) -> Told | None:
    """When the backlog outgrows what is done in a week, of a range that ends now."""
    if asked.now - asked.until > RECENT:
        return None
    return flow.as_data(asked.scope, summary.backlog(asked.scope, now=asked.now).invoices)


def kpis(asked: Asked) -> Told:
    """What /kpis/summary says of the range, and its main figures with those of the period before, in words too."""
    compared, _ = summary.compared(asked.scope, [(asked.span.start, asked.span.end)])
    figures, earlier = compared.figures, compared.before["previous"]
    comparison = payloads.comparison(figures, earlier[1], earlier[0]) if earlier else None
    values = {**payloads.volume(figures), **payloads.performance(figures)}
    values["straight_through_rate"] = figures.straight_through_rate
    headline = payloads.headline(figures, asked.span, earlier[1] if earlier else None)
    return {
        "volume": payloads.volume(figures),
        "performance": payloads.performance(figures),
        **headline,
        **payloads.details(figures),
        "shown": [_shown(name, label, values[name], comparison) for name, label in KPIS],
        "url": asked.kpis(),
        "rows": asked.invoices(),
    }


def _shown(name: str, label: str, value: float | None, comparison: Told | None) -> Told:
    before = comparison["figures"][name] if comparison else {"before": None, "change": None}
    return {
        "name": name,
        "label": label,
        "value": value,
        "shown": in_words(name, value),
        "before": before["before"],
        "before_shown": in_words(name, before["before"]),
        "change": before["change"],
    }


def in_words(name: str, value: float | None) -> str:
    if name.endswith("_seconds"):
        return duration(value)
    if name.endswith("_rate"):
        return percentage(value, less_is_better=name == "exception_rate")
    return number(int(value or 0))
