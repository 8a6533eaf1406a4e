"""All objectives of an organisation, to look for one."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import Access
from accounts.pages import Part, for_members
from slos import status, words
from slos.attention import Reader
from slos.models import SLODefinition
from slos.status import Overview, SLOStatus

STATES = (words.MET, words.AT_RISK, words.CRITICAL, words.NOTHING_YET, words.PAUSED)
LABELS = {words.CRITICAL: "Budget used up or critical", words.NOTHING_YET: "No data or too few to judge"}


class Wanted(forms.Form):
    """All optional: part of a name or an owner, and how it stands."""

    q = forms.CharField(
        label="Name or owner",
        max_length=200,
        required=False,
        widget=forms.TextInput({"type": "search", "autocomplete": "off", "class": "text"}),
    )
    state = forms.ChoiceField(
        choices=[("", "Every state"), *((one.key, LABELS.get(one, one.word)) for one in STATES)], required=False
    )

    def matches(self, slo: SLODefinition, key: str) -> bool:
        wanted = self.cleaned_data.get("q", "").casefold()
        named = wanted in slo.name.casefold() or wanted in slo.slos_owner.casefold()
        return named and self.cleaned_data.get("state") in ("", key)


def _key(one: SLOStatus) -> str:
    return words.state(one.status, one.consumed_percentage, one.too_few).key


def _show(request: HttpRequest, who: Access, alerts: Reader) -> tuple[dict[str, Any], Part, dict[str, object]]:
    now = timezone.now()
    attention = alerts(who.organization, at=now, since=now)
    found: Overview = status.overview(who.organization, now=now, severities=attention.severities)
    wanted = Wanted(request.GET)
    valid = wanted.is_valid()
    context = {
        "overview": found,
        "attention": attention,
        "wanted": wanted,
        "rows": [one for one in found.slos if valid and wanted.matches(one.slo, _key(one))],
        "paused": [slo for slo in found.paused if valid and wanted.matches(slo, words.PAUSED.key)],
    }
    part = Part(request, "slos/_objectives.html", context)
    query = urlencode({name: value for name, value in request.GET.items() if name in wanted.fields})
    page = {**context, "part": part, "fresh": found, "open_alerts": len(attention.needed), "query": query}
    return page, part, {"Data-Through": found.through, "Open-Alerts": len(attention.needed)}


@require_safe
@for_members
def objectives(request: HttpRequest, who: Access, alerts: Reader) -> HttpResponse:
    page, _, _ = _show(request, who, alerts)
    return render(request, "slos/objectives.html", page, status=200 if page["wanted"].is_valid() else 400)


@require_safe
@for_members
def objectives_part(request: HttpRequest, who: Access, alerts: Reader) -> HttpResponse:
    _, part, headers = _show(request, who, alerts)
    return part.answer(request, headers)
