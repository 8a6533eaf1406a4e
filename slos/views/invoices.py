"""Which invoices exactly: the rows behind a figure, all that is stored, and the whole life of one of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import Access
from accounts.pages import for_members
from kpis import cursors, rows
from kpis.cursors import Cursor
from kpis.life import life
from kpis.models import InvoiceMetric
from kpis.rows import EXCEPTIONS, INVOICES, Entry, Listing, Row, Stored, Table
from slos.drilldown import Figure, table_of
from slos.recount import rows_since
from slos.searching import Wanted, file_query
from slos.verdicts import MOST_COUNTS, Verdict, verdicts

PER_PAGE = 50
MOST_COUNTED = 10_000
Verdicts = Mapping[int, Sequence[Verdict]]


@dataclass(frozen=True)
class Line:
    """One row of the list: what it counts for in the figure, or which objectives it hurt."""

    row: Row
    status: str
    verdict: Verdict | None
    hurt: Sequence[Verdict]
    invoice: int | None  # the key of its page


@require_safe
@for_members
def invoices(request: HttpRequest, who: Access) -> HttpResponse:
    return _explorer(request, who, INVOICES)


@require_safe
@for_members
def exceptions(request: HttpRequest, who: Access) -> HttpResponse:
    return _explorer(request, who, EXCEPTIONS)


def _explorer(request: HttpRequest, who: Access, table: Table) -> HttpResponse:
    """A figure whose rows are of the other kind is shown at their address, one without rows at its objective's."""
    now, wanted = timezone.now(), Wanted(request.GET, who.organization, table)
    valid = wanted.is_valid()
    slo = wanted.cleaned_data.get("slo")
    if slo and (counted := table_of(slo)) is not table:
        if counted is None:
            return redirect("objective", slo.pk)
        return redirect(f"{reverse(counted.kind.plural)}?{request.GET.urlencode()}")
    context = {
        "wanted": wanted,
        "kind": table.kind,
        "here": reverse(table.kind.plural),
        "others": [one.kind.plural for one in (INVOICES, EXCEPTIONS)],
        "now": now,
    }
    if valid:
        found = _found(request, wanted, table, now)
        if found is not None:
            return render(request, "slos/invoices.html", {**context, **found})
        wanted.add_error(None, "This page of the list does not exist: begin with its first one.")
    return render(request, "slos/invoices.html", context, status=400)


def _found(request: HttpRequest, wanted: Wanted, table: Table, now: datetime) -> dict[str, Any] | None:
    """The page that is asked for and what is said of it; None for a cursor that is none."""
    listing, given = wanted.listing(now=now), request.GET.get("after", "")
    try:
        after = cursors.read(given[: cursors.LONGEST], listing.ordered_by) if given else None
    except ValueError:
        return None
    entries = listing.page(PER_PAGE + 1, after)
    shown, more = entries[:PER_PAGE], len(entries) > PER_PAGE
    return {
        "lines": _lines(wanted, table, listing, shown, now),
        "next": _query(wanted, shown[-1].cursor) if more else "",
        "first": wanted.query if after else "",
        "after": after,
        "file": f"{reverse(f'api-{table.kind.plural}')}?{file_query(listing)}",
        **_said(listing, wanted.organization.time_zone),
    }


def _query(wanted: Wanted, cursor: Cursor) -> str:
    return urlencode({**wanted.given, "after": str(cursor)})


def _said(listing: Listing, zone: ZoneInfo) -> dict[str, Any]:
    """How many there are, and of which figure."""
    if isinstance(listing, Figure):
        about, span = listing.about(), listing.span
        read = {"figure": listing, "sums": about["figure"], "rows_since": about["counted_since"]}
        return read | {"period": period(span.start, span.end, zone)}
    if not isinstance(listing, Stored):
        raise TypeError(listing)
    count = listing.count(MOST_COUNTED + 1)
    counted = {"count": count, "many": count > MOST_COUNTED, "most": MOST_COUNTED, "timed": bool(listing.ranges)}
    return counted | {"rows_since": rows_since(listing.organization)}


def _lines(wanted: Wanted, table: Table, listing: Listing, shown: Sequence[Entry], now: datetime) -> list[Line]:
    found = [entry.row for entry in shown]
    slo = listing.slo if isinstance(listing, Figure) else None
    judged: Verdicts = {}
    if slo is None:
        slos = [one for one in wanted.slos.values() if one.is_active]
        judged = verdicts(table, wanted.organization, slos, found, now=now, most=MOST_COUNTS)
    pages = _pages(wanted, table, found)
    return [
        Line(
            row=entry.row,
            status=table.status_of(entry.row),
            verdict=Verdict(slo, entry.row, now, entry.counts["decided_at"], entry.counts["good"]) if slo else None,
            hurt=[one for one in judged.get(entry.row.pk, ()) if one.outcome == "bad"],
            invoice=pages.get(entry.row.invoice_id or ""),
        )
        for entry in shown
    ]


def _pages(wanted: Wanted, table: Table, found: Sequence[Row]) -> Mapping[str, int]:
    """The keys of the invoices, by their numbers."""
    if table is INVOICES:
        return {row.invoice_id: row.pk for row in found if row.invoice_id}
    numbers = {row.invoice_id for row in found if row.invoice_id}
    known = InvoiceMetric.objects.filter(organization=wanted.organization, invoice_id__in=numbers)
    return dict(known.values_list("invoice_id", "pk")) if numbers else {}


def period(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """[start, end) as one reads it, by the clock of the organisation."""
    first, last = start.astimezone(zone), end.astimezone(zone)
    day = "%-d %b" if first.year == last.year else "%-d %b %Y"
    if first.date() == last.date():
        return f"{first:{day}, %H:%M} to {last:%H:%M}"
    return f"{first:{day}, %H:%M} to {last:{day}, %H:%M}"


@require_safe
@for_members
def invoice(request: HttpRequest, who: Access, pk: int) -> HttpResponse:
    found = InvoiceMetric.objects.filter(organization=who.organization, pk=pk).first()
    if found is None:
        raise Http404
    now, problems = timezone.now(), rows.exceptions_of(found)
    slos = list(who.organization.slos.filter(is_active=True).order_by("name"))
    of_exceptions = verdicts(EXCEPTIONS, who.organization, slos, problems, now=now)
    context = {
        "invoice": found,
        "status": INVOICES.status_of(found),
        "steps": life(found, problems),
        "verdicts": verdicts(INVOICES, who.organization, slos, [found], now=now)[found.pk],
        "exceptions": [(one, EXCEPTIONS.status_of(one), of_exceptions[one.pk]) for one in problems],
        "file": f"{reverse('api-invoices')}?{urlencode({'invoice_id': found.invoice_id})}",
        "now": now,
    }
    return render(request, "slos/invoice.html", context)
