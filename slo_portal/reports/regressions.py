"""What changed by more than chance in the range of a report, what changed with it, and what to do next."""

from django.urls import reverse

from kpis.found import Told
from slo_portal.reports.asked import Asked
from slo_portal.reports.findings import STEPS
from slos import found
from slos.models import SLODefinition

MOST = 20
KPI_STEPS = {
    "total_invoices": "ask who sends less, and whether every source still does",
    "processing_success_rate": STEPS["processing_success_rate"],
    "straight_through_rate": "see which step people had to touch, and what took it out of their hands before",
    "exception_rate": "take the most frequent kind of exception, and find where it begins",
    "first_time_validation_rate": STEPS["validation_pass_rate"],
    "average_processing_time_seconds": STEPS["time_to_ready"],
    "average_approval_time_seconds": STEPS["approval_latency"],
    "average_cycle_time_seconds": "see which of the steps has become longer, on the page of the KPIs",
}


def told(asked: Asked) -> list[dict[str, object]]:
    """What is worse first. Of a part of the work nothing is known."""
    if asked.only:
        return []
    slos = list(asked.organization.slos.active())
    by_id = {str(slo.pk): slo for slo in slos}
    rows = found.told(asked.organization, (asked.span.start, asked.until), slos, asked.kpis())
    news = [one for one in rows if one.row.start >= asked.span.start or one.row.found_at >= asked.span.start]
    worst = sorted(news, key=lambda one: one.row.worse is not True)[:MOST]
    return [_told(one, by_id.get(one.row.series)) for one in worst]


def _told(one: Told, slo: SLODefinition | None) -> dict[str, object]:
    step = STEPS[slo.sli_type] if slo else KPI_STEPS[one.row.series]
    return {
        "name": one.label,
        "kind": one.row.kind,
        "direction": one.word,
        "what": f"{one.said[0].upper()}{one.said[1:]}.",
        "why": one.cause,
        "next_step": f"Next step: {step}." if one.row.worse else "",
        "start": one.row.start,
        "before": one.row.before,
        "after": one.row.after,
        "confidence": one.row.confidence,
        "url": one.url or reverse("kpi-changes"),
    }
