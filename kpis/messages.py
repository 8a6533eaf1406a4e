"""What may be said about an invoice, an exception or a system figure: fields, types and contradictions.

A row that cannot be read is read again field by field, so that every error of it is named.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import islice
from math import isfinite
from typing import Annotated, Any, Literal, TypeVar, get_args

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType, ValidationError

MAX_ERRORS = 20  # named of one row
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
FUTURE = timedelta(days=1)
MAX_LABELS = 50
MAX_DIMENSIONS, MAX_DIMENSION_BYTES = 20, 1_500  # they are part of an index, whose entries may not be long
MAX_AMOUNT = Decimal("99999999999999.99995")  # would be rounded to 100 trillion

Key = Annotated[str, Meta(min_length=1, max_length=200)]
Name = Annotated[str, Meta(max_length=200)]
Word = Annotated[str, Meta(max_length=100)]
Short = Annotated[str, Meta(max_length=50)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]
Time = Annotated[datetime, Meta(tz=True)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Labels = dict[Annotated[str, Meta(min_length=1, max_length=100)], Annotated[str, Meta(max_length=500)] | None]


class Invoice(Struct, forbid_unknown_fields=True, gc=False):
    invoice_id: Key
    vendor: Name | UnsetType | None = UNSET
    channel: Word | UnsetType | None = UNSET
    document_type: Word | UnsetType | None = UNSET
    amount: Decimal | UnsetType | None = UNSET
    currency: Currency | UnsetType | None = UNSET
    uploaded_at: Time | UnsetType | None = UNSET
    extracted_at: Time | UnsetType | None = UNSET
    validated_at: Time | UnsetType | None = UNSET
    ready_at: Time | UnsetType | None = UNSET
    approved_at: Time | UnsetType | None = UNSET
    rejected_at: Time | UnsetType | None = UNSET
    completed_at: Time | UnsetType | None = UNSET
    extraction_confidence: Decimal | UnsetType | None = UNSET
    structural_valid: bool | UnsetType | None = UNSET
    math_valid: bool | UnsetType | None = UNSET
    processing_outcome: Literal["succeeded", "failed"] | UnsetType | None = UNSET
    duplicate_flagged: bool | UnsetType | None = UNSET
    duplicate_confirmed: bool | UnsetType | None = UNSET
    duplicate_confirmed_at: Time | UnsetType | None = UNSET
    voided_at: Time | UnsetType | None = UNSET
    page_count: Count | UnsetType | None = UNSET
    retry_count: Count | UnsetType | None = UNSET
    requires_human_review: bool | UnsetType | None = UNSET
    labels: Labels | UnsetType | None = UNSET


class Exception_(Struct, forbid_unknown_fields=True, gc=False):
    exception_id: Key
    invoice_id: Key | UnsetType | None = UNSET
    kind: Word | UnsetType | None = UNSET
    severity: Short | UnsetType | None = UNSET
    opened_at: Time | UnsetType | None = UNSET
    resolved_at: Time | UnsetType | None = UNSET
    labels: Labels | UnsetType | None = UNSET


class SystemFigure(Struct, forbid_unknown_fields=True, gc=False):
    metric_name: Annotated[str, Meta(min_length=1, max_length=100)]
    value: float
    measured_at: Time
    metric_category: Word = ""
    unit: Short = ""
    dimensions: dict[Annotated[str, Meta(min_length=1, max_length=100)], Name] = {}


Message = Invoice | Exception_ | SystemFigure
T = TypeVar("T")


@dataclass(frozen=True)
class FieldError:
    field: str
    code: str
    message: str


@dataclass(frozen=True)
class Refused:
    """A row that was not stored, and why."""

    id: str | None
    errors: list[FieldError]


@dataclass(frozen=True)
class Kind:
    """One kind of message: its fields, which of them are instants, and which instants may not precede which."""

    name: str
    struct: type[Struct]
    key: str
    order: tuple[tuple[str, str], ...] = ()  # (earlier, later)

    @property
    def plural(self) -> str:
        return f"{self.name}s"

    @property
    def wrapper(self) -> str:
        """The member of a body that holds a batch: the last word of its address."""
        return "system" if self.struct is SystemFigure else self.plural

    @cached_property
    def types(self) -> dict[str, Any]:
        return {field.name: field.type for field in msgspec.structs.fields(self.struct)}

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Every field in the order of the struct; the key comes first."""
        return tuple(self.types)

    @property
    def fields(self) -> tuple[str, ...]:
        return self.columns[1:]

    @cached_property
    def times(self) -> tuple[str, ...]:
        return tuple(name for name in self.types if name.endswith("_at") or name == "at")

    @cached_property
    def batch_decoder(self) -> msgspec.json.Decoder[Any]:
        batch = msgspec.defstruct("Batch", [(self.wrapper, list[self.struct])], forbid_unknown_fields=True)  # type: ignore[name-defined]
        return msgspec.json.Decoder(batch)

    @cached_property
    def row_decoder(self) -> msgspec.json.Decoder[Any]:
        return msgspec.json.Decoder(self.struct)


INVOICE = Kind(
    "invoice",
    Invoice,
    "invoice_id",
    (("uploaded_at", "ready_at"), ("ready_at", "approved_at"), ("ready_at", "rejected_at")),
)
EXCEPTION = Kind("exception", Exception_, "exception_id", (("opened_at", "resolved_at"),))
SYSTEM = Kind("figure", SystemFigure, "metric_name")


def problems(kind: Kind, message: Struct, now: datetime) -> Iterator[FieldError]:
    """What the types cannot say: ranges of times and numbers, and what the message contradicts in itself."""
    latest = now + FUTURE
    for field in kind.times:
        at = getattr(message, field)
        if at and not EARLIEST <= at <= latest:
            reason = "lies before the year 2000" if at < EARLIEST else "lies more than a day in the future"
            yield FieldError(field, "range", f"{at.isoformat()} {reason}.")
    for earlier, later in kind.order:
        start, end = getattr(message, earlier), getattr(message, later)
        if start and end and end < start:
            yield FieldError(later, "order", f"{later} lies before {earlier}.")
    if isinstance(message, Invoice):
        yield from _numbers(message)
    if isinstance(message, SystemFigure):
        yield from _figure(message)
    labels = getattr(message, "labels", None)
    if labels and len(labels) > MAX_LABELS:
        yield FieldError("labels", "range", f"At most {MAX_LABELS} labels.")


def _numbers(message: Invoice) -> Iterator[FieldError]:
    confidence, amount = message.extraction_confidence, message.amount
    if isinstance(confidence, Decimal) and not (confidence.is_finite() and 0 <= confidence <= 1):
        yield FieldError("extraction_confidence", "range", "Must lie between 0 and 1.")
    if isinstance(amount, Decimal) and not (amount.is_finite() and abs(amount) < MAX_AMOUNT):
        yield FieldError("amount", "range", "Must be below 100 trillion.")


def _figure(message: SystemFigure) -> Iterator[FieldError]:
    if not isfinite(message.value):
        yield FieldError("value", "range", "Must be a finite number.")
    size = sum(len(text.encode()) for pair in message.dimensions.items() for text in pair)
    if len(message.dimensions) > MAX_DIMENSIONS or size > MAX_DIMENSION_BYTES:
        limit = f"At most {MAX_DIMENSIONS} dimensions of {MAX_DIMENSION_BYTES:,} bytes together."
        yield FieldError("dimensions", "range", limit)


def nul_bytes(kind: Kind, message: Struct) -> Iterator[FieldError]:
    """Text cannot hold the character NUL in the database."""
    for field in kind.types:
        value = getattr(message, field)
        texts = [*value, *value.values()] if isinstance(value, dict) else [value]
        if any(isinstance(text, str) and "\0" in text for text in texts):
            yield FieldError(field, "text", "Contains NUL or half of a surrogate pair, which is no text; leave it out.")


def checked(kind: Kind, rows: Sequence[Struct], now: datetime, text: bool) -> list[Struct | Refused]:
    def check(message: Struct) -> Struct | Refused:
        errors = list(problems(kind, message, now))
        if text:
            errors += nul_bytes(kind, message)
        return Refused(getattr(message, kind.key), errors) if errors else message

    return [check(message) for message in rows]


TEXT_NUMBER = re.compile(rb'"(?:amount|extraction_confidence)"\s*:\s*"')  # msgspec would read it as a number


def read_json(kind: Kind, raw: bytes, now: datetime) -> Struct | Refused:
    """One row of JSON text."""
    if not TEXT_NUMBER.search(raw):
        try:
            return checked(kind, [kind.row_decoder.decode(raw)], now, True)[0]
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            pass
    try:
        fields = msgspec.json.decode(raw, type=dict[str, Raw])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return Refused(None, [FieldError("", "syntax", syntax(error))])
    return _field_by_field(kind, fields, _read_value)


def _read_value(value: Raw, type_: Any) -> Any:
    if Decimal in get_args(type_) and bytes(value).startswith(b'"'):
        raise ValidationError("Expected a number, got `str`")
    return msgspec.json.decode(value, type=type_)


def read_fields(kind: Kind, fields: Mapping[str, object], now: datetime) -> Struct | Refused:
    """One row of plain values; text is read as the field's type. A number is no time: seconds since when, where?"""
    numbers = any(_maybe_a_number(fields.get(name)) for name in kind.times)
    try:
        if not numbers:
            return checked(kind, [msgspec.convert(fields, kind.struct, strict=False)], now, True)[0]
    except ValidationError:
        pass
    return _field_by_field(
        kind, fields, lambda value, type_: msgspec.convert(value, type_, strict="datetime" in str(type_))
    )


def _maybe_a_number(value: object) -> bool:
    """True of whatever a lenient reader could take for seconds; a time written out has a hyphen behind its year."""
    return isinstance(value, int | float | Decimal) or (isinstance(value, str) and value[4:5] != "-")


def _field_by_field(kind: Kind, fields: Mapping[str, Any], read: Callable[[Any, Any], Any]) -> Refused:
    errors = list(islice(_field_errors(kind, fields, read), MAX_ERRORS))
    key = None
    if kind.key in fields and all(error.field != kind.key for error in errors):
        key = read(fields[kind.key], kind.types[kind.key])
    return Refused(key, errors or [FieldError("", "syntax", "Not readable as an object of plain values.")])


def _field_errors(kind: Kind, fields: Mapping[str, Any], read: Callable[[Any, Any], Any]) -> Iterator[FieldError]:
    known = f" Known: {', '.join(kind.types)}."
    for name, value in fields.items():
        if name not in kind.types:
            a = "an" if kind.name[0] in "aeiou" else "a"
            yield FieldError(name[:100], "unknown_field", f"Not a field of {a} {kind.name}.{known}")
            known = ""  # once is enough
            continue
        try:
            read(value, kind.types[name])
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            yield FieldError(name, "type", syntax(error))
    for field in msgspec.structs.fields(kind.struct):
        if field.required and field.name not in fields:
            yield FieldError(field.name, "required", "This field is required.")


def syntax(error: Exception) -> str:
    """What a decoder found wrong, as a sentence."""
    if isinstance(error, RecursionError):
        return "Nested too deeply."
    if isinstance(error, UnicodeDecodeError):
        return "Not valid UTF-8."
    return str(error).split(" - at ")[0].removesuffix(".") + "."
