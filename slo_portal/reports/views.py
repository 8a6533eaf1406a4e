"""What to show in Monday's meeting: the reports that there are, one of them, and a form for any other range."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import WRITE, Access
from accounts.models import Organization
from accounts.pages import for_members
from accounts.problems import Problem
from kpis.counting import FILTERS
from kpis.periods import period_of
from slo_portal.reports import reading, writing
from slo_portal.reports.models import Report
from slo_portal.reports.wishes import part_of, span_of

PER_PAGE = 50
DATE = forms.TextInput({"placeholder": "YYYY-MM-DD", "autocomplete": "off"})
TEXT = forms.TextInput({"autocomplete": "off"})


class Wish(forms.Form):
    """A range and a part of the work, as somebody types them; they are read as those of the API."""

    start_date = forms.CharField(label="From", max_length=40, widget=DATE)
    end_date = forms.CharField(label="Until, not included", max_length=40, widget=DATE)
    vendor = forms.CharField(max_length=200, required=False, widget=TEXT)
    channel = forms.CharField(max_length=200, required=False, widget=TEXT)
    document_type = forms.CharField(label="Document type", max_length=200, required=False, widget=TEXT)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
def reports(request: HttpRequest, who: Access) -> HttpResponse:
    now, wish, wrong = timezone.now(), Wish(request.POST or None), ""
    if request.method == "POST":
        if not who.allows(WRITE):
            return render(request, "403.html", status=403)
        made = _made(wish, who, now)
        if isinstance(made, Report):
            return redirect("report", made.pk)
        wrong = made
    context = {**_listed(request, who.organization, now), "form": wish, "wrong": wrong, "may_write": who.allows(WRITE)}
    return render(request, "reports/reports.html", context, status=400 if wrong else 200)


def _made(wish: Wish, who: Access, now: datetime) -> Report | str:
    """The report, or why there is none."""
    if not wish.is_valid():
        return "See what is said beside the field."
    given = wish.cleaned_data
    try:
        span = span_of(given, who.organization, now=now)
        only = part_of({name: given[name] for name in FILTERS if given[name]})
    except Problem as problem:
        error = problem.errors[0]
        wish.add_error(str(error["field"]).removeprefix("filters."), str(error["message"]))
        return "See what is said beside the field."
    return writing.write(who.organization, span, only, by=who.user, now=now)


def _listed(request: HttpRequest, organization: Organization, now: datetime) -> dict[str, Any]:
    kind = request.GET.get("kind", "")
    kind = kind if kind in Report.Kind.values else ""
    after = _after(request, organization)
    found = reading.page(organization, PER_PAGE + 1, kind, after)
    shown = found[:PER_PAGE]
    _, midnight = period_of("daily", now, organization.time_zone)
    return {
        "reports": shown,
        "newest": shown[0] if shown and not after else None,
        "first": midnight + writing.WAITS,
        "soon": not shown and bool(writing.due(organization, "daily", now=now)),
        "next": shown[-1].pk if len(found) > PER_PAGE else "",
        "after": after,
        "kind": kind,
        "kinds": Report.Kind.choices,
    }


def _after(request: HttpRequest, organization: Organization) -> Report | None:
    """The report behind which the page begins; without one that can be read the list begins anew."""
    try:
        return reading.find(organization, UUID(request.GET.get("after", "")))
    except ValueError:
        return None


@require_safe
@for_members
def report(request: HttpRequest, who: Access, pk: UUID) -> HttpResponse:
    now, found = timezone.now(), reading.find(who.organization, pk)
    if found is None:
        raise Http404
    context = {
        "report": found,
        "told": found.content,
        "restated": reading.restated(found, now=now),
        "posted": reading.posted(found),
        "host": "",
    }
    return render(request, "reports/report.html", context)
