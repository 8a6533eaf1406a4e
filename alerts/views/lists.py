"""The inbox: the page and the part of it that is polled."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.forms.utils import flatatt
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from accounts import access
from accounts.access import Access
from accounts.pages import Part, for_members
from alerts import inbox, tabs
from alerts.inbox import Wanted
from alerts.models import SEVERITIES, TYPES
from alerts.tabs import Tab

EMPTY = {
    Tab.OPEN: "No open alerts: nothing needs you.",
    Tab.ACKNOWLEDGED: "Nobody is working on an alert.",
    Tab.SNOOZED: "No alert is snoozed.",
    Tab.RESOLVED: "No alert has been resolved yet.",
    Tab.MINE: "No alert is yours. Acknowledge one, or let it be assigned to you.",
}


HOUR, DAY = timedelta(hours=1), timedelta(days=1)
AGES: dict[str, tuple[str, timedelta | None, timedelta | None]] = {  # in words, over, at most
    "": ("Every age", None, None),
    "hour": ("Up to an hour", None, HOUR),
    "day": ("Up to a day", None, DAY),
    "over-day": ("Over a day", DAY, None),
    "over-week": ("Over a week", 7 * DAY, None),
}
OWNERS = [("", "Anybody"), ("nobody", "Nobody"), ("somebody", "Somebody"), ("me", "You")]


class LongSelect(forms.Select):
    """Django renders a template for each option: of 500 they would take longer than all the rest of the page."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        options = ((flatatt({"value": key, "selected": key == (value or "")}), label) for key, label in self.choices)
        html = format_html_join("", "<option{}>{}</option>", options)
        return format_html("<select{}>{}</select>", flatatt(self.build_attrs({"name": name}, attrs)), html)


class Filter(forms.Form):
    q = forms.CharField(
        label="Search",
        max_length=200,
        required=False,
        widget=forms.TextInput({"type": "search", "class": "text", "autocomplete": "off"}),
    )
    severity = forms.ChoiceField(choices=[("", "Every severity"), *SEVERITIES], required=False)
    type = forms.ChoiceField(choices=[("", "Every type"), *TYPES], required=False)
    slo = forms.ChoiceField(required=False, label="Objective", widget=LongSelect)
    owner = forms.ChoiceField(choices=OWNERS, required=False)
    age = forms.ChoiceField(choices=[(key, words) for key, (words, *_) in AGES.items()], required=False)

    def __init__(self, data: Mapping[str, Any], who: Access) -> None:
        super().__init__(data)
        self.who = who
        self.fields["slo"].choices = self._objectives  # type: ignore[attr-defined]

    def _objectives(self) -> list[tuple[str, str]]:
        return [("", "Every objective"), *((str(pk), name) for pk, name in self._known)]

    @cached_property
    def _known(self) -> list[tuple[UUID, str]]:
        return list(self.who.organization.slos.order_by("name").values_list("pk", "name"))

    def wanted(self, now: datetime) -> Wanted:
        """As of a moment. What cannot be understood is left out; the page says so."""
        self.is_valid()
        given = self.cleaned_data
        slo, owner = given.get("slo"), given.get("owner")
        _, least, most = AGES[given.get("age") or ""]
        return Wanted(
            given.get("severity") or None,
            given.get("type") or None,
            UUID(slo) if slo else None,
            text=given.get("q") or None,
            owned={"nobody": False, "somebody": True}.get(owner or ""),
            owner=self.who.user if owner == "me" else None,
            since=now - most if most else None,
            before=now - least if least else None,
        )


def context_of(request: HttpRequest, who: Access) -> dict[str, Any]:
    """What the page and its polled part show. `shown` in the address are the alerts that the reader has before him."""
    now, asked = timezone.now(), request.GET.copy()
    shown = tabs.read_keys("".join(asked.pop("shown", [])[:1]))
    tab, chosen = tab_of(asked), Filter(asked, who)
    after = asked.get("after", "")
    page = tabs.page(who.organization, who.user, tab, chosen.wanted(now), now=now, after=after, shown=shown)
    counts = tabs.counts(who.organization, who.user, now=now)
    older = asked.copy()
    older["after"] = page.older
    kept = {name: asked[name] for name in chosen.fields if asked.get(name)}
    return {
        "tab": tab,
        "tabs": [(one, counts[one] if counts[one] <= tabs.MOST_COUNTED else f"{tabs.MOST_COUNTED}+") for one in Tab],
        "open_alerts": counts[Tab.OPEN],
        "filter": chosen,
        "filtered": bool(kept),
        "kept": urlencode(kept),
        "rows": inbox.rows(page.alerts, who.organization, who.user, now=now),
        "shown": tabs.write_keys(page.alerts),
        "newer": page.newer,
        "matching": 0 if after else page.matching,
        "most_at_once": tabs.MOST_AT_ONCE,
        "moment": now.isoformat(),
        "older": older.urlencode() if page.older else "",
        "query": asked.urlencode(),
        "empty": EMPTY[tab],
        "who": who,
        "now": now,
        "may_act": who.allows(access.WRITE),
    }


def tab_of(asked: Mapping[str, str]) -> Tab:
    try:
        return Tab(asked.get("tab", Tab.OPEN))
    except ValueError:
        return Tab.OPEN


@require_safe
@for_members
def alerts(request: HttpRequest, who: Access) -> HttpResponse:
    context = context_of(request, who)
    return render(request, "alerts/inbox.html", {**context, "part": Part(request, "alerts/_inbox.html", context)})


@require_safe
@for_members
def alerts_part(request: HttpRequest, who: Access) -> HttpResponse:
    context = context_of(request, who)
    fresh = tabs.frame(who.organization, now=context["now"]).fresh
    headers = {"Open-Alerts": context["open_alerts"], "Data-Through": fresh.through}
    return Part(request, "alerts/_inbox.html", {**context, "fresh": fresh}).answer(request, headers)


def back(request: HttpRequest) -> str:
    """Where the form was sent from."""
    goal = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(goal, {request.get_host()}, require_https=request.is_secure())
    return goal if safe else reverse("alerts")
