"""One objective: how much may still go wrong, why it is lost, and when it runs out."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import access
from accounts.access import Access
from accounts.downloads import cell
from accounts.models import Membership
from accounts.pages import Part, for_members
from accounts.problems import Problem
from kpis.files import chart_file
from kpis.fiscal import year_of
from kpis.params import read_moment
from kpis.plots import Chart
from kpis.spans import Chosen, chosen
from slos import behind, catalogue, detail, found, objective_charts, status, suspects, trend
from slos.attention import OneReader
from slos.behind import ALL, Outcome
from slos.detail import Detail
from slos.models import EngineState, SLIType, SLODefinition
from slos.spread import spread
from slos.spread_chart import distribution
from slos.status import Freshness, SLOStatus
from slos.without import without_exclusions

PER_PAGE = 20
MAY_EDIT = {Membership.Role.EDITOR, Membership.Role.ADMIN}
OWN = ("after",)  # the place in the list of measurements


class Shown:
    """What page, polled part and files have in common."""

    def __init__(self, request: HttpRequest, who: Access, slo_id: UUID, alerts: OneReader) -> None:
        self.request, self.who, self.now = request, who, timezone.now()
        slo = who.organization.slos.select_related("snapshot", "organization__enginestate").filter(pk=slo_id).first()
        if slo is None:
            raise Http404
        state: EngineState | None = getattr(slo.organization, "enginestate", None)
        slo.organization = who.organization
        self.slo: SLODefinition = slo
        self.range: Chosen = chosen(request.GET, year_of(who.organization), now=self.now, drop=OWN)
        span = self.range.span
        self.attention, earlier = alerts(slo, at=self.now, since=span.start)
        self.fresh = Freshness(who.organization, self.now, state.ticked_at if state else None)
        self.rows_since = state.sealed_before if state else None
        severities = self.attention.severities.get(slo.pk, frozenset())
        snapshot = getattr(slo, "snapshot", None) or status.empty_snapshot(slo, self.now)
        one = SLOStatus(slo, snapshot, self.now, None, severities)
        zone, fine = timezone.get_current_timezone(), state.fine_since if state else None
        changes = found.of_objective(slo, (span.start, span.end))
        self.detail: Detail = detail.read(
            who.organization, one, span, earlier, now=self.now, zone=zone, fine=fine, changes=changes
        )

    @property
    def charts(self) -> list[Chart]:
        return objective_charts.charts(self.detail, self.rows)

    def rows(self, outcome: Outcome, start: datetime, end: datetime, part: Mapping[str, str] = ALL) -> str:
        """The address of the rows behind a figure; empty where there are none."""
        if self.slo.is_fed:
            return ""
        name = "exceptions" if self.slo.sli_type == SLIType.EXCEPTION_RESOLUTION_TIME else "invoices"
        query = {"slo": self.slo.pk, "outcome": outcome.value, "start": _iso(start), "end": _iso(end), **part}
        return f"{reverse(name)}?{urlencode(query)}"

    def part(self) -> Part:
        context = {
            "detail": self.detail,
            "one": self.detail.one,
            "slo": self.slo,
            "charts": [self._with_file(chart) for chart in self.charts],
            "without": without_exclusions(self.detail.one, self.detail.aside),
            "open": self.attention.by_slo.get(self.slo.pk, []),
            "fresh": self.fresh,
            "range": self.range,
            "bad_rows": self.rows(Outcome.BAD, *self.detail.whole),
        }
        return Part(self.request, "slos/_objective.html", context)

    def _with_file(self, chart: Chart) -> Chart:
        address = reverse("objective-file", args=[self.slo.pk, chart.key])
        return replace(chart, file=f"{address}?{self.range.query}")

    def from_rows(self) -> dict[str, Any]:
        """What is counted from the invoices themselves, as the page is asked for."""
        start, end = self.detail.whole
        until = min(end, self.now)
        left_out = self.detail.excluded
        stand_out = behind.contributors(self.slo, start, until, now=self.now, left_out=left_out)
        measured = spread(self.slo, start, until, now=self.now, left_out=left_out)
        return {
            "spread": self._with_file(distribution(self.detail, measured)) if measured else None,
            "fields": [(field, list(self._linked(field))) for field in suspects.by_field(stand_out)],
            "rows_since": self.rows_since,
        }

    def _linked(self, field: suspects.Field) -> Iterator[tuple[suspects.Suspect, str]]:
        for one in field.suspects:
            yield one, self.rows(Outcome.BAD, *self.detail.whole, {field.name: one.value}) if one.value else ""


def _iso(at: datetime) -> str:
    return cell(at)


@require_safe
@for_members
def objective(request: HttpRequest, who: Access, slo_id: UUID, alerts: OneReader) -> HttpResponse:
    shown = Shown(request, who, slo_id, alerts)
    span = shown.range.span
    after, wrong = _place(request, who)
    page = trend.page(shown.slo, shown.slo.measurement_period, (span.start, span.end), limit=PER_PAGE, before=after)
    context = {
        "detail": shown.detail,
        "slo": shown.slo,
        "fresh": shown.fresh,
        "open_alerts": len(shown.attention.needed),
        "range": shown.range,
        "part": shown.part(),
        "now": shown.now,
        "page": page,
        "wrong": wrong,
        "next": _older(shown.range, page),
        "yaml": catalogue.as_yaml(shown.slo),
        "api": _api(request, shown),
        "may_edit": _may_edit(request, who),
        **shown.from_rows(),
    }
    return render(request, "slos/objective.html", context, status=400 if shown.range.error or wrong else 200)


@require_safe
@for_members
def objective_part(request: HttpRequest, who: Access, slo_id: UUID, alerts: OneReader) -> HttpResponse:
    shown = Shown(request, who, slo_id, alerts)
    headers = {"Data-Through": shown.fresh.through, "Open-Alerts": len(shown.attention.needed)}
    return shown.part().answer(request, headers)


@require_safe
@for_members
def objective_file(request: HttpRequest, who: Access, slo_id: UUID, key: str, alerts: OneReader) -> HttpResponse:
    """The table of a figure, with exact values."""
    shown = Shown(request, who, slo_id, alerts)
    start, end = shown.detail.whole
    files = {chart.key: chart for chart in shown.charts}
    if key == "spread":
        until, left_out = min(end, shown.now), shown.detail.excluded
        if measured := spread(shown.slo, start, until, now=shown.now, left_out=left_out):
            files[key] = distribution(shown.detail, measured)
    if key not in files:
        raise Http404
    return chart_file(request, f"{shown.slo.sli_type}-{key}.csv", files[key], now=shown.now)


def _place(request: HttpRequest, who: Access) -> tuple[datetime | None, str]:
    """Before which measurement the list begins, or what is wrong with what the address says of it."""
    given = request.GET.get("after")
    try:
        return (read_moment("after", given, who.organization.time_zone) if given else None), ""
    except Problem as problem:
        return None, str(problem.detail)


def _older(range_: Chosen, page: trend.Page) -> str:
    return f"{range_.query}&{urlencode({'after': _iso(page.rows[-1].period_start)})}" if page.more else ""


def _api(request: HttpRequest, shown: Shown) -> str:
    span = shown.range.span
    query = urlencode({"start_date": _iso(span.start), "end_date": _iso(span.end)})
    return request.build_absolute_uri(f"{reverse('api-measurements', args=[shown.slo.pk])}?{query}")


def _may_edit(request: HttpRequest, who: Access) -> bool:
    """Who may change definitions in the administration."""
    user = who.user
    roles = {one.role for one in access.memberships(request) if one.organization_id == who.organization.pk}
    return user.is_superuser or (user.is_staff and bool(roles & MAY_EDIT))
