"""One alert: the page, the part of it that is polled, and what people do with it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts import access
from accounts.access import Access
from accounts.models import User
from accounts.pages import Part, for_members
from alerts import behind, inbox, runbooks, silences, tabs
from alerts.models import SLOAlert
from alerts.views import acting
from alerts.views.acting import Answer
from alerts.views.lists import back

MOST_MEMBERS = 200


def _find(who: Access, pk: UUID) -> SLOAlert:
    found = inbox.find(who.organization, pk)
    if found is None:
        raise Http404
    return found


def _context(who: Access, alert: SLOAlert, now: datetime, answer: Answer | None = None) -> dict[str, Any]:
    events = inbox.timeline(alert)
    decisive = behind.decisive(events)
    members = User.objects.filter(memberships__organization=who.organization, is_active=True).order_by("username")
    return {
        "alert": alert,
        "answer": answer,
        "why": decisive.details if decisive else None,
        "rows": behind.query(alert, decisive),
        "events": events[::-1],
        "told": inbox.told(alert),
        "incident": inbox.incident(alert),
        "runbook": runbooks.as_html(alert.slo.runbook) if alert.slo and alert.slo.runbook else "",
        "earlier": inbox.earlier(alert),
        "silence": silences.active(who.organization, now=now).of(alert.slo_id),
        "may_undo": inbox.may_undo(alert, who.user, now=now),
        "may_act": who.allows(access.WRITE),
        "members": list(members[:MOST_MEMBERS]),
        "who": who,
        "now": now,
    }


def _page(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    part = Part(request, "alerts/_alert.html", context)
    return render(request, "alerts/alert.html", {**context, "part": part}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
def alert(request: HttpRequest, who: Access, pk: UUID) -> HttpResponse:
    found, now = _find(who, pk), timezone.now()
    if request.method != "POST":
        return _page(request, _context(who, found, now))
    answer = acting.act(request, who, found, request.POST.dict(), now=now)
    if request.htmx:  # type: ignore[attr-defined]
        return _fragment(request, who, _find(who, pk), answer, now)
    if answer.done:
        messages.success(request, f"{answer.text} {found.title}")
        return redirect(back(request))
    return _page(request, _context(who, _find(who, pk), now, answer), answer.status)


@require_safe
@for_members
def alert_part(request: HttpRequest, who: Access, pk: UUID) -> HttpResponse:
    now = timezone.now()
    frame = tabs.frame(who.organization, now=now)
    headers = {"Open-Alerts": frame.open_alerts, "Data-Through": frame.fresh.through}
    context = _context(who, _find(who, pk), now)
    return Part(request, "alerts/_alert.html", {**context, "fresh": frame.fresh}).answer(request, headers)


def _fragment(request: HttpRequest, who: Access, found: SLOAlert, answer: Answer, now: datetime) -> HttpResponse:
    """What takes the place of the form: the row of a list, or the whole alert."""
    view = request.POST.get("view", "")
    if view not in {"row", "brief"}:
        template, context = "alerts/_alert.html", _context(who, found, now, answer)
    else:
        (row,) = inbox.rows([found], who.organization, who.user, now=now)
        template, context = (
            "alerts/_row.html",
            {"row": row, "brief": view == "brief", "answer": answer, "who": who, "now": now},
        )
        context |= {"may_act": who.allows(access.WRITE), "next": back(request)}
    return HttpResponse(render_to_string(template, context, request), status=answer.status)
