"""The inbox: the page, the part of it that is polled, and one act for several alerts."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from accounts import access
from accounts.access import Access
from accounts.pages import Part, for_members
from alerts import inbox, tabs
from alerts.inbox import Wanted
from alerts.models import SEVERITIES, TYPES
from alerts.tabs import Tab
from alerts.views import acting
from slos import status
from slos.models import SLODefinition
from slos.words import plural

MOST_AT_ONCE = 200
OF_SEVERAL = {"acknowledge": "acknowledged", "resolve": "resolved"}
EMPTY = {
    Tab.OPEN: "No open alerts: nothing needs you.",
    Tab.ACKNOWLEDGED: "Nobody is working on an alert.",
    Tab.SNOOZED: "No alert is snoozed.",
    Tab.RESOLVED: "No alert has been resolved yet.",
    Tab.MINE: "No alert is yours. Acknowledge one, or let it be assigned to you.",
}


OWNERS = [("", "Anybody"), ("nobody", "Nobody"), ("somebody", "Somebody"), ("me", "You")]


class Filter(forms.Form):
    q = forms.CharField(
        label="Search",
        max_length=200,
        required=False,
        widget=forms.TextInput({"type": "search", "class": "text", "autocomplete": "off"}),
    )
    severity = forms.ChoiceField(choices=[("", "Every severity"), *SEVERITIES], required=False)
    type = forms.ChoiceField(choices=[("", "Every type"), *TYPES], required=False)
    slo = forms.ModelChoiceField(
        SLODefinition.objects.none(), required=False, label="Objective", empty_label="Every objective"
    )

    owner = forms.ChoiceField(choices=OWNERS, required=False)

    def __init__(self, data: Mapping[str, Any], who: Access) -> None:
        super().__init__(data)
        self.who = who
        self.fields["slo"].queryset = who.organization.slos.order_by("name")  # type: ignore[attr-defined]

    @property
    def wanted(self) -> Wanted:
        """What cannot be understood is left out; the page says so."""
        self.is_valid()
        given = self.cleaned_data
        slo: SLODefinition | None = given.get("slo")
        owner = given.get("owner")
        return Wanted(
            given.get("severity") or None,
            given.get("type") or None,
            slo.pk if slo else None,
            text=given.get("q") or None,
            owned={"nobody": False, "somebody": True}.get(owner or ""),
            owner=self.who.user if owner == "me" else None,
        )


def _context(request: HttpRequest, who: Access) -> dict[str, Any]:
    now, tab = timezone.now(), _tab(request)
    chosen = Filter(request.GET, who)
    page = tabs.page(who.organization, who.user, tab, chosen.wanted, now=now, after=request.GET.get("after", ""))
    counts = tabs.counts(who.organization, who.user, now=now)
    rest = request.GET.copy()
    rest["after"] = page.older
    kept = {name: request.GET[name] for name in chosen.fields if request.GET.get(name)}
    return {
        "tab": tab,
        "tabs": [(one, counts[one] if counts[one] <= tabs.MOST_COUNTED else f"{tabs.MOST_COUNTED}+") for one in Tab],
        "open_alerts": counts[Tab.OPEN],
        "filter": chosen,
        "filtered": bool(kept),
        "kept": urlencode(kept),
        "rows": inbox.rows(page.alerts, who.organization, who.user, now=now),
        "older": rest.urlencode() if page.older else "",
        "query": request.GET.urlencode(),
        "empty": EMPTY[tab],
        "who": who,
        "now": now,
        "may_act": who.allows(access.WRITE),
    }


def _tab(request: HttpRequest) -> Tab:
    try:
        return Tab(request.GET.get("tab", Tab.OPEN))
    except ValueError:
        return Tab.OPEN


@require_safe
@for_members
def alerts(request: HttpRequest, who: Access) -> HttpResponse:
    context = _context(request, who)
    return render(request, "alerts/inbox.html", {**context, "part": Part(request, "alerts/_inbox.html", context)})


@require_safe
@for_members
def alerts_part(request: HttpRequest, who: Access) -> HttpResponse:
    context = _context(request, who)
    fresh = status.freshness(who.organization, now=context["now"])
    headers = {"Open-Alerts": context["open_alerts"], "Data-Through": fresh.through}
    return Part(request, "alerts/_inbox.html", {**context, "fresh": fresh}).answer(request, headers)


@require_POST
@for_members
def act_on_several(request: HttpRequest, who: Access) -> HttpResponse:
    """Each alert alone: what could not be done is said of each, the others are done."""
    act = request.POST.get("act", "")
    chosen = [pair for text in request.POST.getlist("alert")[:MOST_AT_ONCE] if (pair := _chosen(text))]
    if act not in OF_SEVERAL or not chosen:
        messages.warning(request, "Nothing was done: select alerts first.")
        return redirect(back(request))
    done = sum(_one(request, who, pk, version, act) for pk, version in chosen)
    messages.success(request, f"{done} of {len(chosen)} {plural('alert', len(chosen))} {OF_SEVERAL[act]}.")
    return redirect(back(request))


def _chosen(text: str) -> tuple[UUID, str] | None:
    """The id and the version of a ticked alert."""
    pk, _, version = text.partition(":")
    try:
        return UUID(pk), version
    except ValueError:
        return None


def _one(request: HttpRequest, who: Access, pk: UUID, version: str, act: str) -> bool:
    alert = inbox.find(who.organization, pk)
    if alert is None:
        messages.warning(request, "One of the alerts does not exist any more.")
        return False
    fields = {"act": act, "version": version, "note": request.POST.get("note", "")}
    answer = acting.act(request, who, alert, fields, now=timezone.now())
    if not answer.done:
        messages.warning(request, f"{alert.title}: {answer.text}")
    return answer.done


def back(request: HttpRequest) -> str:
    """Where the form was sent from."""
    goal = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(goal, {request.get_host()}, require_https=request.is_secure())
    return goal if safe else reverse("alerts")
