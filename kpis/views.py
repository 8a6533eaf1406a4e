"""The page about KPIs: how much work, how fast, how clean, compared with the period before."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import Access
from accounts.downloads import cell
from accounts.models import Organization
from accounts.pages import for_members
from kpis import charts, flow, found, payloads, summary, trends
from kpis.charts import Asked
from kpis.counting import FILTERS
from kpis.files import chart_file
from kpis.fiscal import year_of
from kpis.rollups import Reach
from kpis.series import KPIS
from kpis.spans import Chosen, chosen
from kpis.summary import Compared, Scope
from kpis.trends import Point
from kpis.words import NO_DATA, duration, moved, moved_by, number, percentage

LABELS = {"vendor": "Vendor", "channel": "Channel", "document_type": "Document type"}
SHARES = {
    "processing_success_rate": "Succeeded",
    "straight_through_rate": "Straight through",
    "exception_rate": "With an exception",
}
LONGEST = 200
Limits = Callable[[Organization], Mapping[str, timedelta]]


class Tile(NamedTuple):
    """A figure of the summary: its name in the API, its value there, and both in words."""

    label: str
    name: str
    value: float | None
    shown: str
    change: str
    on_weekdays: str = ""  # but for what is of now: against the same weekdays earlier


class Part(NamedTuple):
    """One vendor, channel or document type, and the address of this page for it alone."""

    name: str
    query: str
    data: Mapping[str, Any]


class Weekdays(NamedTuple):
    """The same weekdays earlier, as the API compares with them."""

    start: datetime
    end: datetime
    weeks: int
    figures: Mapping[str, Any]


class Shown:
    """What the page and its files have in common."""

    def __init__(self, request: HttpRequest, who: Access, reach: Reach, limits: Limits | None = None) -> None:
        self.now = timezone.now()
        self.range: Chosen = chosen(request.GET, year_of(who.organization), now=self.now, drop=())
        only = {name: value for name in FILTERS if (value := request.GET.get(name, "").replace("\0", "")[:LONGEST])}
        self.scope = Scope(who.organization, only, reach(who.organization))
        self.by = request.GET.get("by", "")
        span = self.range.span
        self.granularity = charts.granularity_of(span)
        periods = trends.cut(self.scope, self.granularity, (span.start, span.end))
        compared, figures = summary.compared(self.scope, [cut for _, cut in periods])
        self.compared: Compared = compared
        self.data = payloads.summary_of(self.scope, span, compared, self.now)
        points = [Point(*period, cut, one) for (period, cut), one in zip(periods, figures, strict=True)]
        self.asked = Asked(
            self.scope, span, self.granularity, points, compared.figures, self.data["comparison"]["previous"],
            self.now, reverse("invoices"), reverse("exceptions"),
            limits(who.organization) if limits else {}, self._changes(),
        )  # fmt: skip

    @cached_property
    def weekdays(self) -> Weekdays | None:
        """None where they lie before all time."""
        found = self.compared.before["same_weekdays"]
        if found is None:
            return None
        span = self.range.span
        start, end = found[0]
        figures = self.data["comparison"]["same_weekdays"]["figures"]
        return Weekdays(start, end, round((span.start - start) / summary.WEEK), figures)

    def _changes(self) -> list[found.Told]:
        """Of all the work; what changed in a part of it is not looked for."""
        if self.scope.only:
            return []
        span = self.range.span
        rows = found.listed(self.scope.organization, (span.start, span.end), KPIS)
        return [found.tell_kpi(row, "", self.scope.zone) for row in rows]

    def query(self, **more: str) -> str:
        """Of this page with something else in its address; what is empty is left out."""
        given = {**dict(self.range.others), **more}
        fixed = {"start": self.range.start, "end": self.range.end} if self.range.key == "custom" else {}
        return urlencode({name: value for name, value in given.items() if value} | {"range": self.range.key} | fixed)

    def tiles(self) -> list[Tile]:
        total, data = self.data["volume"]["total_invoices"], self.data["performance"]
        seconds = data["average_processing_time_seconds"]
        rates = {**data, "straight_through_rate": self.data["straight_through_rate"]}
        shares = [
            self._tile(label, name, rates[name], percentage(rates[name], less_is_better=name == "exception_rate"))
            for name, label in SHARES.items()
        ]
        return [
            self._tile("Invoices", "total_invoices", total, number(total), "", places=0),
            *shares,
            self._tile("Average until ready", "average_processing_time_seconds", seconds, duration(seconds), " min"),
            self._backlog(),
        ]

    def _tile(
        self, label: str, name: str, value: float | None, shown: str, unit: str = " points", places: int = 1
    ) -> Tile:
        """With what has changed; seconds are compared in minutes."""
        per = 60 if name.endswith("_seconds") else 1
        change = self.asked.change(name)
        before = moved(None if change is None else change / per, unit, self.asked.before, places)
        change = self.weekdays.figures[name]["change"] if self.weekdays else None
        since = NO_DATA if change is None else moved_by(change / per, unit, places) or "no change"
        return Tile(label, name, value, shown, before, since)

    def _backlog(self) -> Tile:
        found = self.data["backlog"]
        oldest = found["oldest_age_seconds"]
        age = "nothing waits" if oldest is None else f"the oldest for {duration(oldest)}"
        return Tile("Open now", "open_invoices", found["open_invoices"], number(found["open_invoices"]), age)

    def capacity(self) -> Mapping[str, Any]:
        """When the backlog outgrows what is done in a week."""
        return flow.as_data(self.scope, self.data["backlog"]["open_invoices"])

    def parts(self) -> tuple[Sequence[Part], bool]:
        if self.by not in FILTERS:
            return [], False
        span = self.range.span
        found, more = summary.parts(self.scope, (span.start, span.end), self.by)
        listed = [
            Part(name or "none", self.query(**{self.by: name, "by": ""}) if name else "", payloads.part(name, figures))
            for name, figures in found.items()
        ]
        return listed, more


@require_safe
@for_members
def kpis(request: HttpRequest, who: Access, reach: Reach, limits: Limits) -> HttpResponse:
    shown = Shown(request, who, reach, limits)
    span, (parts, more) = shown.range.span, shown.parts()
    capacity = {} if parts or shown.scope.only else shown.capacity()
    files = f"?{shown.range.query}"
    context = {
        "range": shown.range,
        "tiles": shown.tiles(),
        "weekdays": shown.weekdays,
        "grade": shown.data["summary"]["success_rate_grade"],
        "trend": shown.data["summary"]["performance_trend"],
        "charts": [
            replace(one, file=reverse("kpi-file", args=[one.key]) + files) for one in charts.charts(shown.asked)
        ],
        "capacity": capacity.get("said", ""),
        "told": shown.asked.changes,
        "looked": bool(capacity) and capacity["reason"] != flow.NOT_YET,
        "changes_at": f"{reverse('kpi-changes')}?{shown.range.query}",
        "load": charts.load_table(summary.load(shown.scope, (span.start, span.end))),
        "only": [(LABELS[name], value, shown.query(**{name: ""})) for name, value in shown.scope.only.items()],
        "since": shown.scope.since if shown.scope.only or parts else None,
        "by": LABELS.get(shown.by, ""),
        "groupings": [(label, shown.query(by=name), name == shown.by) for name, label in LABELS.items()],
        "ungrouped": shown.query(by=""),
        "parts": parts,
        "more_parts": more,
        "total": shown.data["volume"]["total_invoices"],
        "api": f"{reverse('api-kpis')}?{_api_query(shown)}",
    }
    return render(request, "kpis/kpis.html", context, status=400 if shown.range.error else 200)


def _api_query(shown: Shown) -> str:
    span = shown.range.span
    return urlencode({"start_date": cell(span.start), "end_date": cell(span.end), **shown.scope.only})


@require_safe
@for_members
def kpi_file(request: HttpRequest, who: Access, key: str, reach: Reach) -> HttpResponse:
    """The table of a figure, with exact values."""
    shown = Shown(request, who, reach)
    chart = next((one for one in charts.charts(shown.asked) if one.key == key), None)
    if chart is None:
        raise Http404
    return chart_file(request, f"kpis-{key}.csv", chart, now=shown.now)
