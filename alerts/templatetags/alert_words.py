"""Template tags: an alert in words, shapes and colours, and those of the overview that need somebody."""

from typing import Any

from django import template

from alerts import inbox
from alerts.kinds import AlertType, Resolution, Severity
from slos import words
from slos.models import SLODefinition

register = template.Library()
MARKS = {Severity.INFO: "○", Severity.WARNING: "▲", Severity.CRITICAL: "✖", Severity.INCIDENT: "◆"}
TONES = {Severity.INFO: "none", Severity.WARNING: "risk", Severity.CRITICAL: "bad", Severity.INCIDENT: "bad"}
ENDINGS = {
    Resolution.RECOVERED: "its condition has gone",
    Resolution.SUPERSEDED: "a worse alert took its place",
    Resolution.NOT_JUDGED: "it is not watched any more",
    Resolution.ARCHIVED: "its objective was archived",
}
MEASURED = {
    AlertType.BURN_RATE_WARNING: "Burn rate",
    AlertType.ERROR_BUDGET_CONSUMED: "Budget consumed, %",
    AlertType.ERROR_BUDGET_EXHAUSTED: "Budget consumed, %",
    AlertType.CRITICAL_PERFORMANCE: "SLI, %",
    AlertType.CONSECUTIVE_FAILURES: "Misses in a row",
}


@register.filter
def mark(severity: str) -> str:
    return MARKS[Severity(severity)]


@register.filter
def tone(severity: str) -> str:
    """The class of its colour."""
    return TONES[Severity(severity)]


@register.filter
def ending(resolution: str) -> str:
    """How it ended by itself."""
    return ENDINGS.get(Resolution(resolution), "")


@register.filter
def measured(alert_type: str) -> str:
    """What the condition looked at."""
    return MEASURED.get(AlertType(alert_type), "Value")


@register.filter
def figure(value: str) -> str:
    """A number of an event's details, without what it does not need."""
    return f"{float(value):,.4g}"


@register.filter
def span(seconds: float) -> str:
    return words.ago(seconds)


@register.filter
def promised(slo: SLODefinition) -> str:
    return words.promise(slo.target_percentage, slo.target_value if slo.is_timed else None, slo.limit_unit)


@register.inclusion_tag("alerts/_attention.html", takes_context=True)
def needs_attention(context: dict[str, Any]) -> dict[str, Any]:
    """The worst alerts that nobody has taken on, to acknowledge at once."""
    attention, who, now = context["attention"], context["who"], context["overview"].now
    rows = inbox.rows(attention.worst, who.organization, who.user, now=now) if attention.worst else []
    kept = {name: context[name] for name in ("who", "may_act", "csrf_token")}
    return {"rows": rows, "count": attention.needed, "now": now, **kept}
