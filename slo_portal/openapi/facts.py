"""What the addresses of facts answer."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kpis import messages
from kpis.events import STEPS
from kpis.rows import EXCEPTIONS, INVOICES
from slo_portal.openapi.common import Count, FieldError, Id, Pages, Part, Parts, Span, Time, Told, of
from slos.behind import Outcome
from slos.models import Period, SLIType, Unit

Labels = dict[str, str]


class RefusedRow(Told):
    """One row that was not stored, by its place in the batch and its id, if that could be read."""

    index: Count
    errors: list[FieldError]
    invoice_id: str | UnsetType | None = UNSET
    exception_id: str | UnsetType | None = UNSET
    metric_name: str | UnsetType | None = UNSET
    event_id: str | UnsetType | None = UNSET
    slo: str | UnsetType | None = UNSET


class Stored(Told):
    """What became of the rows of a batch."""

    received: Count
    created: Count
    updated: Count
    unchanged: Count
    rejected: Count
    errors: list[RefusedRow]


class Event(msgspec.Struct, omit_defaults=True):
    """A CloudEvent 1.0. Extension attributes are let through."""

    specversion: of(["1.0"])  # type: ignore[valid-type]
    id: Annotated[str, Meta(min_length=1, max_length=200)]
    source: Annotated[str, Meta(min_length=1, max_length=400)]
    type: of(STEPS)  # type: ignore[valid-type]
    subject: Annotated[str, Meta(min_length=1, max_length=200, description="invoice_id, or exception_id.")]
    time: Time | UnsetType = UNSET
    data: dict[str, Any] | UnsetType = UNSET


class Objective(Told):
    """The objective whose figure was asked for."""

    id: Id
    name: str
    description: str
    sli_type: of(SLIType.values)  # type: ignore[valid-type]
    target_percentage: float
    target_value: float
    target_unit: of(Unit.values)  # type: ignore[valid-type]
    measurement_period: of(Period.values)  # type: ignore[valid-type]
    slos_owner: str


class Sums(Told):
    good_events_count: Part
    bad_events_count: Part
    total_events_count: Count
    pending_events_count: Count


class Decided(Told):
    """Only with slo_id: what a row counts for."""

    decided_at: Annotated[Time | UnsetType, Meta(description="Of a pending row, its deadline.")] = UNSET
    good: Annotated[float | UnsetType | None, Meta(description="The good part of 1; null while pending.")] = UNSET
    bad: Annotated[float | UnsetType | None, Meta(description="The bad part of 1; null while pending.")] = UNSET


class PartsAndKind(Parts):
    """Kinds are those of exceptions."""

    kind: str = ""


class OfAFigure(Told, kw_only=True):
    """Only with slo_id, beside the first page."""

    slo: Objective | UnsetType = UNSET
    outcome: of(Outcome) | UnsetType = UNSET  # type: ignore[valid-type]
    period: Span | UnsetType = UNSET
    filters: PartsAndKind | UnsetType = UNSET
    figure: Sums | UnsetType = UNSET
    as_of: Time | UnsetType = UNSET
    counted_since: Time | UnsetType | None = UNSET
    pagination: Pages


def _row(name: str, kind: messages.Kind, statuses: list[str]) -> type[Decided]:
    """The fields of a message, each of them there, and what the portal adds."""
    fields = [(field, _stored(kind, field)) for field in kind.columns]
    more = [("status", of(statuses)), ("created_at", Time), ("updated_at", Time)]
    return msgspec.defstruct(name, [*fields, *more], bases=(Decided,), module=__name__, kw_only=True)  # type: ignore[return-value]


def _stored(kind: messages.Kind, field: str) -> Any:
    if field == kind.key:
        return str
    if field == "labels":
        return Labels
    type_ = str(kind.types[field])
    plain = (("datetime", Time), ("Decimal", float), ("bool", bool), ("int", int), ("str", str))
    if "Literal" in type_:
        return of(["succeeded", "failed"]) | None
    return next(found for word, found in plain if word in type_) | None


def _with(name: str, base: type, member: str, row: Any) -> Any:
    """`base` and a list of rows."""
    return msgspec.defstruct(name, [(member, list[row])], bases=(base,), module=__name__, kw_only=True)


Invoice = _row("InvoiceRow", messages.INVOICE, INVOICES.status_names)
ExceptionRow = _row("ExceptionRow", messages.EXCEPTION, EXCEPTIONS.status_names)
OneInvoice = _with("OneInvoice", Invoice, "exceptions", ExceptionRow)
Invoices = _with("Invoices", OfAFigure, "invoices", Invoice)
Exceptions = _with("Exceptions", OfAFigure, "exceptions", ExceptionRow)
