"""The stored invoices and exceptions as lists: filtered, in a fixed order, read page by page however long they are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from accounts.models import Organization
from kpis.cursors import Cursor
from kpis.messages import EXCEPTION, INVOICE, Kind
from kpis.models import InvoiceException, InvoiceMetric

OF_AN_INVOICE = ("vendor", "channel", "document_type")
BATCH = 1_000
MOST_EXCEPTIONS = 100  # told of one invoice
Row = InvoiceMetric | InvoiceException


@dataclass(frozen=True)
class Table:
    """One kind of row. `statuses` are (name, field, value; None: any), the first that holds of a row is its status."""

    kind: Kind
    model: type[Model]
    begins: str  # the time that says to which period a row belongs
    texts: tuple[str, ...]  # its fields that can be asked for
    statuses: tuple[tuple[str, str, str | None], ...]

    @property
    def filters(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.texts, *OF_AN_INVOICE)))

    @property
    def status_names(self) -> list[str]:
        return [name for name, _, _ in self.statuses]

    def status_of(self, row: Row) -> str:
        values = ((name, getattr(row, field), value) for name, field, value in self.statuses)
        return next(name for name, found, value in values if found is not None and value in (None, found))

    def with_status(self, status: str) -> Q:
        """No earlier one holds."""
        place = self.status_names.index(status)
        *earlier, this = [
            Q(**({f"{field}__isnull": False} if value is None else {field: value}))
            for _, field, value in self.statuses[: place + 1]
        ]
        for other in earlier:
            this &= ~other
        return this

    def with_text(self, name: str, value: str) -> Q | Exists:
        if name in self.texts:
            return Q(**{name: value})
        same = {"organization": OuterRef("organization"), "invoice_id": OuterRef("invoice_id")}
        return Exists(InvoiceMetric.objects.filter(**same, **{name: value}))

    def found_by(self, search: str, label: str) -> Q:
        """A part of the number, in either case; and a label by its name, or with its value as name=value."""
        found = Q(**{f"{self.kind.key}__icontains": search}) if search else Q()
        name, equals, value = label.partition("=")
        if not name:
            return found
        return found & (Q(labels__contains={name: value}) if equals else Q(labels__has_key=name))


INVOICES = Table(
    INVOICE,
    InvoiceMetric,
    "uploaded_at",
    ("invoice_id", *OF_AN_INVOICE),
    (
        ("voided", "voided_at", None),
        ("rejected", "rejected_at", None),
        ("failed", "processing_outcome", "failed"),
        ("completed", "completed_at", None),
        ("approved", "approved_at", None),
        ("ready", "ready_at", None),
        ("validated", "validated_at", None),
        ("extracted", "extracted_at", None),
        ("uploaded", "uploaded_at", None),
        ("announced", "invoice_id", None),
    ),
)
EXCEPTIONS = Table(
    EXCEPTION,
    InvoiceException,
    "opened_at",
    ("exception_id", "invoice_id", "kind", "severity"),
    (("resolved", "resolved_at", None), ("open", "opened_at", None), ("announced", "exception_id", None)),
)


@dataclass(frozen=True)
class Entry:
    """A row in a list; `counts` is what it counts for in a figure."""

    row: Row
    cursor: Cursor
    counts: Mapping[str, Any] = field(default_factory=dict)


class Listing(Protocol):
    """Rows in an order."""

    @property
    def table(self) -> Table: ...

    @property
    def ordered_by(self) -> type[datetime] | type[str]:
        """The type of the cursor's key."""

    def about(self) -> Mapping[str, Any]:
        """What is said beside the rows, with the first page."""

    def page(self, limit: int, after: Cursor | None) -> Sequence[Entry]:
        """At most `limit` rows after the one of `after`."""


@dataclass(frozen=True)
class Stored:
    """Rows as they are stored: by the time of the first range that is asked for, else by their id."""

    organization: Organization
    table: Table
    texts: Mapping[str, str]
    ranges: Mapping[str, tuple[datetime | None, datetime | None]]  # [from, to) by field
    status: str | None
    search: str = ""
    label: str = ""
    newest: bool = False  # first

    @property
    def by(self) -> str:
        return next(iter(self.ranges), self.table.kind.key)

    @property
    def ordered_by(self) -> type[datetime] | type[str]:
        return datetime if self.ranges else str

    def about(self) -> Mapping[str, Any]:
        return {}

    @cached_property
    def _rows(self) -> QuerySet[Any]:
        rows = self.table.model._default_manager.filter(organization=self.organization)
        for name, value in self.texts.items():
            rows = rows.filter(self.table.with_text(name, value))
        for name, (start, end) in self.ranges.items():
            bounds = {f"{name}__gte": start, f"{name}__lt": end}
            known: dict[str, Any] = {bound: moment for bound, moment in bounds.items() if moment is not None}
            rows = rows.filter(**(known or {f"{name}__isnull": False}))
        rows = rows.filter(self.table.found_by(self.search, self.label))
        return rows.filter(self.table.with_status(self.status)) if self.status else rows

    def page(self, limit: int, after: Cursor | None) -> Sequence[Entry]:
        rows, by = self._rows, self.by
        beyond, sign = ("lt", "-") if self.newest else ("gt", "")
        if after is not None:  # the first bound says what the second one does, but an index can use it
            rows = rows.filter(
                Q(**{f"{by}__{beyond}e": after.key}),
                Q(**{f"{by}__{beyond}": after.key}) | Q(**{by: after.key, f"pk__{beyond}": after.id}),
            )
        rows = rows.order_by(f"{sign}{by}", f"{sign}pk")[:limit]
        return [Entry(row, Cursor(getattr(row, by), row.pk)) for row in rows]

    def count(self, most: int) -> int:
        """How many rows there are, up to `most`."""
        return self._rows.order_by()[:most].count()


def every_entry(listing: Listing) -> Iterator[Entry]:
    """The whole list, in batches: neither memory nor a statement grows with its length."""
    after: Cursor | None = None
    while batch := listing.page(BATCH, after):
        yield from batch
        after = batch[-1].cursor


def invoice(organization: Organization, invoice_id: str) -> InvoiceMetric | None:
    return InvoiceMetric.objects.filter(organization=organization, invoice_id=invoice_id).first()


def exceptions_of(invoice: InvoiceMetric) -> list[InvoiceException]:
    """The first ones, in the order of their opening."""
    same = InvoiceException.objects.filter(organization_id=invoice.organization_id, invoice_id=invoice.invoice_id)
    return list(same.order_by("opened_at", "pk")[:MOST_EXCEPTIONS])
