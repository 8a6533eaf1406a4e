"""All objectives of an organisation, to look for one."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import Access
from accounts.pages import Part, for_members
from slos import status, words
from slos.attention import BriefReader
from slos.models import SLODefinition
from slos.status import Overview, SLOStatus

PER_PAGE = 50
PAGE = "page"
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


def _show(request: HttpRequest, who: Access, alerts: BriefReader) -> tuple[dict[str, Any], Part, dict[str, object]]:
    now = timezone.now()
    attention = alerts(who.organization, who.user, now=now)
    found: Overview = status.overview(who.organization, now=now, severities=attention.severities, latest={})
    wanted = Wanted(request.GET)
    valid = wanted.is_valid()
    rows = [one for one in found.slos if valid and wanted.matches(one.slo, _key(one))]
    context = {
        "overview": found,
        "attention": attention,
        "wanted": wanted,
        "page": Paginator(rows, PER_PAGE).get_page(request.GET.get(PAGE)),
        "paused": [slo for slo in found.paused if valid and wanted.matches(slo, words.PAUSED.key)],
    }
    part = Part(request, "slos/_objectives.html", context)
    query = urlencode({name: value for name, value in request.GET.items() if name in (*wanted.fields, PAGE)})
    page = {**context, "part": part, "fresh": found, "open_alerts": attention.needed, "query": query}
    return page, part, {"Data-Through": found.through, "Open-Alerts": attention.needed}


@require_safe
@for_members
def objectives(request: HttpRequest, who: Access, alerts: BriefReader) -> HttpResponse:
    page, _, _ = _show(request, who, alerts)
    return render(request, "slos/objectives.html", page, status=200 if page["wanted"].is_valid() else 400)


@require_safe
@for_members
def objectives_part(request: HttpRequest, who: Access, alerts: BriefReader) -> HttpResponse:
    _, part, headers = _show(request, who, alerts)
    return part.answer(request, headers)
