"""GET /invoices, /invoices/{invoice_id} and /exceptions: the rows behind the figures, as JSON or as a CSV file."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.downloads import Download, cell, wants_file
from accounts.endpoint import Endpoint, success
from accounts.models import Organization
from kpis import cursors, rows
from kpis.api import facts
from kpis.cursors import Cursor
from kpis.params import Params, refusal
from kpis.rows import EXCEPTIONS, INVOICES, Entry, Listing, Row, Stored, Table

OF_A_FIGURE = ("slo_id", "outcome", "as_of")
OF_BOTH = ("days", "start_date", "end_date", "limit", "cursor", "format")
DAYS = 30
LABEL = 601  # characters of name=value
Behind = Callable[..., Listing]


def nobody(organization: Organization, table: Table, params: Params, now: datetime) -> Listing:
    """Stands for the rows behind a figure, of which this floor knows nothing."""
    raise refusal("slo_id", "unknown", "There is no such objective in your organisation.")


class Rows(Download):
    """A list of rows. What `behind` finds is asked for with `slo_id`."""

    table: Table
    behind: Behind = staticmethod(nobody)

    def get(self, request: Request) -> HttpResponseBase:
        now, table = timezone.now(), self.table
        params = Params(request._request, *known(table))
        listing = self._listing(params, now)
        if wants_file(request, params):
            lines = (cells(table, one) for one in rows.every_entry(listing))
            return self.file(f"{table.kind.plural}.csv", header(table, listing), lines, now=now)
        limit, after = params.integer("limit", 100, 1, 500), _after(params, listing)
        found = listing.page(limit + 1, after)
        shown, more = found[:limit], len(found) > limit
        data = {
            table.kind.plural: [entry(table, one) for one in shown],
            **(listing.about() if after is None else {}),
            "pagination": {
                "limit": limit,
                "next_cursor": str(shown[-1].cursor) if more else None,
                "has_more": more,
            },
        }
        return success(data, f"{len(shown)} {table.kind.plural}{', and there are more' if more else ''}.")

    def _listing(self, params: Params, now: datetime) -> Listing:
        if "slo_id" in params:
            return self.behind(self.organization, self.table, params, now=now)
        for name in OF_A_FIGURE:
            if name in params:
                raise refusal(name, "contradiction", "Belongs to slo_id: the rows behind a figure of that objective.")
        return _stored(self.organization, self.table, params, now)


def known(table: Table) -> list[str]:
    """The parameters of a list of rows."""
    ranges = [f"{name}_{side}" for name in table.kind.times for side in ("from", "to")]
    return [*table.filters, "search", "label", "status", *ranges, *OF_A_FIGURE, *OF_BOTH]


def _stored(organization: Organization, table: Table, params: Params, now: datetime) -> Stored:
    zone = organization.time_zone
    ranges = {
        name: (params.moment(f"{name}_from", zone), params.moment(f"{name}_to", zone))
        for name in table.kind.times
        if f"{name}_from" in params or f"{name}_to" in params
    }
    if any(name in params for name in ("days", "start_date", "end_date")):
        if table.begins in ranges:
            raise refusal(f"{table.begins}_from", "contradiction", "days, start_date and end_date mean this time, too.")
        span = params.span("days", DAYS, now, zone)
        ranges = {table.begins: (span.start, span.end), **ranges}
    texts = {name: value for name in table.filters if (value := params.text(name))}
    status = params.choice("status", table.status_names, "") if "status" in params else None
    search, label = params.text("search") or "", params.text("label", LABEL) or ""
    return Stored(organization, table, texts, ranges, status, search, label)


def _after(params: Params, listing: Listing) -> Cursor | None:
    given = params.text("cursor", cursors.LONGEST)
    try:
        return cursors.read(given, listing.ordered_by) if given else None
    except ValueError:
        raise refusal("cursor", "invalid", "Must be the next_cursor of the page before, of the same query.") from None


class Invoices(Rows, facts.Invoices):
    table = INVOICES


class Exceptions(Rows, facts.Exceptions):
    table = EXCEPTIONS


class Invoice(Endpoint):
    def get(self, request: Request, invoice_id: str) -> Response:
        Params(request._request)
        found = rows.invoice(self.organization, invoice_id) if "\0" not in invoice_id else None
        if found is None:
            raise Http404
        status = INVOICES.status_of(found)
        exceptions = [payload(EXCEPTIONS, row) for row in rows.exceptions_of(found)]
        return success({**payload(INVOICES, found), "exceptions": exceptions}, f"The invoice is {status}.")


def payload(table: Table, row: Row) -> dict[str, Any]:
    """A row with the fields of its messages. Unknown is null."""
    fields = {name: _plain(getattr(row, name)) for name in table.kind.columns}
    return {**fields, "status": table.status_of(row), "created_at": row.created_at, "updated_at": row.updated_at}


def entry(table: Table, one: Entry) -> dict[str, Any]:
    return {**payload(table, one.row), **{name: _plain(value) for name, value in one.counts.items()}}


def _plain(value: Any) -> Any:
    """Numbers as numbers."""
    if not isinstance(value, Decimal):
        return value
    return int(value) if value == value.to_integral_value() else float(value)


def header(table: Table, listing: Listing) -> list[str]:
    counts = [] if isinstance(listing, Stored) else ["decided_at", "good", "bad"]
    return [*table.kind.columns, "status", "created_at", "updated_at", *counts]


def cells(table: Table, one: Entry) -> Iterator[str]:
    """The same as the JSON says; decimal numbers exactly."""
    row = one.row
    fields: Mapping[str, Any] = {name: getattr(row, name) for name in table.kind.columns}
    more = (table.status_of(row), row.created_at, row.updated_at, *one.counts.values())
    return (cell(value) for value in (*fields.values(), *more))
