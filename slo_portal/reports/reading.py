"""Reads reports: the list, what late data has moved since, what became of the mail, and the lines of a file."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q

from accounts.downloads import cell
from accounts.models import Organization
from alerts.models import Message, Notification
from kpis.params import Span
from slo_portal.reports import objectives
from slo_portal.reports.asked import Asked
from slo_portal.reports.models import Report
from slos.payloads import events
from slos.windows import NOTHING

COLUMNS = ("section", "name", "figure", "value", "link")
FIGURES = ("good_events_count", "total_events_count")
SHOWN = (
    *("target_percentage", "good_events_count", "bad_events_count", "total_events_count", "achieved_percentage"),
    *("error_budget_consumed", "before_achieved_percentage"),
)


class Restated(NamedTuple):
    """A figure that late data has moved since the report was made."""

    name: str
    figure: str
    stored: float
    now: float


class Posted(NamedTuple):
    """What became of the mail to one reader."""

    target: str
    state: str
    sent_at: datetime | None
    error: str


def page(organization: Organization, limit: int, kind: str = "", after: Report | None = None) -> list[Report]:
    """The newest first; at most `limit` behind the one that is given. Without their content."""
    found = Report.objects.filter(organization=organization).defer("content").select_related("created_by")
    if kind:
        found = found.filter(kind=kind)
    if after:
        at, start = after.created_at, after.period_start
        behind = Q(created_at__lt=at) | Q(period_start__lt=start) | Q(period_start=start, pk__lt=after.pk)
        found = found.filter(behind, created_at__lte=at)
    return list(found[:limit])


def find(organization: Organization, pk: UUID) -> Report | None:
    found = Report.objects.filter(organization=organization, pk=pk).select_related("created_by").first()
    if found:
        found.organization = organization
    return found


def posted(report: Report) -> list[Posted]:
    """To whom it was mailed; empty for one that was not."""
    rows = Notification.objects.filter(organization=report.organization, dedupe_key__startswith=f"report:{report.pk}:")
    return [_posted(row) for row in rows.select_related("message").order_by("target")]


def _posted(row: Notification) -> Posted:
    message = row.message
    if message is None:
        return Posted(row.target, Notification.State(row.state).value, None, "")
    return Posted(row.target, Message.State(message.state).value, message.sent_at, message.error)


def restated(report: Report, *, now: datetime) -> list[Restated]:
    """Figures that are others today. What is counted from rows is compared while these are kept."""
    asked = Asked(report.organization, Span(report.period_start, report.period_end), report.filters, now)
    since = asked.scope.since
    if asked.only and since and since > asked.span.start:
        return []
    return [*_objectives(report, asked), *_invoices(report, asked)]


def _objectives(report: Report, asked: Asked) -> Iterator[Restated]:
    stored = {one["id"]: one for one in report.content["objectives"]}
    slos = list(asked.organization.slos.filter(pk__in=stored).order_by("name"))
    sums = objectives.counts(asked, slos, {"range": (asked.span.start, asked.span.end)})
    for slo in slos:
        found, then = sums.get(slo.pk, {}).get("range", NOTHING), stored[str(slo.pk)]
        for figure, value in zip(FIGURES, (events(found.good), found.total), strict=True):
            if value != then[figure]:
                yield Restated(then["name"], figure, then[figure], value)


def _invoices(report: Report, asked: Asked) -> Iterator[Restated]:
    [found] = asked.scope.figures([(asked.span.start, asked.span.end)], binned=False)
    then = report.content["kpis"]["volume"]["total_invoices"]
    if then != found.uploaded:
        yield Restated("Invoices", "total_invoices", then, found.uploaded)


def lines(report: Report, host: str) -> Iterator[Sequence[str]]:
    """Every figure as a row of a file; `host` goes before the links."""
    told = report.content
    for one in told["objectives"]:
        for figure in SHOWN:
            yield "objective", one["name"], figure, cell(one[figure]), host + one["bad_rows"]
        remaining = one["standing"]["remaining_percentage"] if one["standing"] else None
        yield "objective", one["name"], "budget_remaining_percentage", cell(remaining), host + one["bad_rows"]
    for one in told["kpis"]["shown"]:
        yield "kpi", one["label"], one["name"], cell(one["value"]), host + told["kpis"]["url"]
    for figure in ("opened", "acknowledged", "resolved", "still_open"):
        yield "alerts", "", figure, cell(told["alerts"][figure]), ""
    for one in told["findings"]:
        yield "finding", one["name"], one["what"], f"{one['why']} {one['next_step']}", host + one["bad_rows"]
    for one in told.get("regressions", []):
        yield "regression", one["name"], one["what"], f"{one['why']} {one['next_step']}".strip(), host + one["url"]
    for one in told["changes"]:
        yield "change", one["name"], one["what"], one["at"], ""


def brief(report: Report) -> dict[str, Any]:
    """Of one report in a list."""
    return {
        "id": report.pk,
        "kind": report.kind,
        "title": report.title,
        "headline": report.headline,
        "period_start": report.period_start,
        "period_end": report.period_end,
        "filters": report.filters,
        "created_at": report.created_at,
        "created_by": report.created_by.get_username() if report.created_by else None,
    }


def whole(report: Report, *, now: datetime) -> dict[str, Any]:
    """With its content as it was made, and what is known of it today."""
    return {
        **brief(report),
        "content": report.content,
        "restated": [one._asdict() for one in restated(report, now=now)],
        "deliveries": [one._asdict() for one in posted(report)],
        "as_of": now.astimezone(UTC),
    }
