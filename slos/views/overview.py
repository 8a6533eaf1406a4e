"""The overview: the page and the part of it that is polled are one and the same include."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import access
from accounts.access import Access
from accounts.pages import Part, for_members
from slos import charts, status
from slos.attention import Brief, BriefReader
from slos.views.objectives import PER_PAGE

Shown = tuple[status.Overview, Brief, Part]


def _show(request: HttpRequest, who: Access, alerts: BriefReader) -> Shown:
    now = timezone.now()
    attention = alerts(who.organization, who.user, now=now)
    figures = status.overview(who.organization, now=now, severities=attention.severities, latest={})
    context = {
        "overview": figures,
        "rows": figures.slos[:PER_PAGE],
        "attention": attention,
        "chart": charts.budget_chart(figures),
        "who": who,
        "may_act": who.allows(access.WRITE),
    }
    return figures, attention, Part(request, "slos/_overview.html", context)


@require_safe
@for_members
def overview(request: HttpRequest, who: Access, alerts: BriefReader) -> HttpResponse:
    figures, attention, part = _show(request, who, alerts)
    context = {"overview": figures, "fresh": figures, "part": part, "open_alerts": attention.needed}
    return render(request, "slos/overview.html", context)


@require_safe
@for_members
def overview_part(request: HttpRequest, who: Access, alerts: BriefReader) -> HttpResponse:
    """Every answer says how far the figures reach."""
    figures, attention, part = _show(request, who, alerts)
    return part.answer(request, {"Data-Through": figures.through, "Open-Alerts": attention.needed})
