"""What may be said about an invoice, an exception or a system figure: fields, types and contradictions.

A whole batch is decoded at once; only when that fails is each row looked at alone, and each field of a bad row, so
that good rows pass and every error of a bad row is named.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType, ValidationError

MAX_ROWS = 5_000
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
FUTURE = timedelta(days=1)
MAX_LABELS = 50

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
    vendor: Name | None | UnsetType = UNSET
    channel: Word | None | UnsetType = UNSET
    document_type: Word | None | UnsetType = UNSET
    amount: Decimal | None | UnsetType = UNSET
    currency: Currency | None | UnsetType = UNSET
    uploaded_at: Time | None | UnsetType = UNSET
    extracted_at: Time | None | UnsetType = UNSET
    validated_at: Time | None | UnsetType = UNSET
    ready_at: Time | None | UnsetType = UNSET
    approved_at: Time | None | UnsetType = UNSET
    rejected_at: Time | None | UnsetType = UNSET
    completed_at: Time | None | UnsetType = UNSET
    extraction_confidence: Decimal | None | UnsetType = UNSET
    structural_valid: bool | None | UnsetType = UNSET
    math_valid: bool | None | UnsetType = UNSET
    processing_outcome: Literal["succeeded", "failed"] | None | UnsetType = UNSET
    duplicate_flagged: bool | None | UnsetType = UNSET
    duplicate_confirmed: bool | None | UnsetType = UNSET
    duplicate_confirmed_at: Time | None | UnsetType = UNSET
    voided_at: Time | None | UnsetType = UNSET
    page_count: Count | None | UnsetType = UNSET
    retry_count: Count | None | UnsetType = UNSET
    requires_human_review: bool | None | UnsetType = UNSET
    labels: Labels | None | UnsetType = UNSET


class Exception_(Struct, forbid_unknown_fields=True, gc=False):
    exception_id: Key
    invoice_id: Key | None | UnsetType = UNSET
    kind: Word | None | UnsetType = UNSET
    severity: Short | None | UnsetType = UNSET
    opened_at: Time | None | UnsetType = UNSET
    resolved_at: Time | None | UnsetType = UNSET
    labels: Labels | None | UnsetType = UNSET


class SystemFigure(Struct, forbid_unknown_fields=True, gc=False):
    metric_name: Annotated[str, Meta(min_length=1, max_length=100)]
    value: float
    measured_at: Time
    metric_category: Word = ""
    unit: Short = ""
    dimensions: Labels = {}


Message = Invoice | Exception_ | SystemFigure


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
        return tuple(name for name in self.types if name.endswith("_at"))

    @cached_property
    def batch_decoder(self) -> msgspec.json.Decoder[Any]:
        batch = msgspec.defstruct("Batch", [(self.plural, list[self.struct])], forbid_unknown_fields=True)  # type: ignore[name-defined]
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
    labels = getattr(message, "labels", None)
    if labels and len(labels) > MAX_LABELS:
        yield FieldError("labels", "range", f"At most {MAX_LABELS} labels.")


def _numbers(message: Invoice) -> Iterator[FieldError]:
    confidence, amount = message.extraction_confidence, message.amount
    if isinstance(confidence, Decimal) and not (confidence.is_finite() and 0 <= confidence <= 1):
        yield FieldError("extraction_confidence", "range", "Must lie between 0 and 1.")
    if isinstance(amount, Decimal) and not (amount.is_finite() and abs(amount) < 10**14):
        yield FieldError("amount", "range", "Must be below 100 trillion.")


def nul_bytes(kind: Kind, message: Struct) -> Iterator[FieldError]:
    """Text cannot hold the character NUL in the database."""
    for field in kind.types:
        value = getattr(message, field)
        texts = [*value, *value.values()] if isinstance(value, dict) else [value]
        if any(isinstance(text, str) and "\0" in text for text in texts):
            yield FieldError(field, "text", "Contains the character NUL; leave it out.")


class BadBody(ValueError):
    """The body as a whole cannot be read; nothing was stored."""


def decode(kind: Kind, body: bytes, now: datetime) -> tuple[list[Struct | Refused], bool]:
    """The rows of a JSON body, and whether it was a single object. Raises BadBody."""
    try:
        rows = getattr(kind.batch_decoder.decode(body), kind.plural)
        return _checked(kind, rows, now, b"\\u0000" in body), False
    except ValidationError:
        return _decode_rows(kind, body, now)
    except UnicodeDecodeError:
        return _decode_rows(kind, body, now)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadBody(_syntax(error)) from None


def _decode_rows(kind: Kind, body: bytes, now: datetime) -> tuple[list[Struct | Refused], bool]:
    try:
        envelope = msgspec.json.decode(body, type=dict[str, Raw])
        if kind.plural not in envelope:
            return [read_json(kind, body, now)], True
        rows = msgspec.json.decode(envelope[kind.plural], type=list[Raw])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadBody(_syntax(error)) from None
    if len(envelope) > 1:
        raise BadBody(
            f"Beside `{kind.plural}` the body may hold nothing: {sorted(set(envelope) - {kind.plural})[0][:50]!r}."
        )
    return [read_json(kind, bytes(row), now) for row in rows], False


def decode_lines(kind: Kind, body: bytes, now: datetime) -> list[Struct | Refused]:
    """The rows of newline-delimited JSON; a broken line refuses only itself."""
    return [read_json(kind, line, now) for line in body.split(b"\n") if line.strip()]


def _checked(kind: Kind, rows: Sequence[Struct], now: datetime, text: bool) -> list[Struct | Refused]:
    def check(message: Struct) -> Struct | Refused:
        errors = list(problems(kind, message, now))
        if text:
            errors += nul_bytes(kind, message)
        return Refused(getattr(message, kind.key), errors) if errors else message

    return [check(message) for message in rows]


def read_json(kind: Kind, raw: bytes, now: datetime) -> Struct | Refused:
    """One row of JSON text."""
    try:
        return _checked(kind, [kind.row_decoder.decode(raw)], now, True)[0]
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        pass
    try:
        fields = msgspec.json.decode(raw, type=dict[str, Raw])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return Refused(None, [FieldError("", "syntax", _syntax(error))])
    return _field_by_field(kind, fields, lambda value, type_: msgspec.json.decode(value, type=type_))


def read_fields(kind: Kind, fields: Mapping[str, object], now: datetime) -> Struct | Refused:
    """One row of plain values; text is read as the field's type. A number is no time: seconds since when, where?"""
    numbers = any(_maybe_a_number(fields.get(name)) for name in kind.times)
    try:
        if not numbers:
            return _checked(kind, [msgspec.convert(fields, kind.struct, strict=False)], now, True)[0]
    except ValidationError:
        pass
    return _field_by_field(
        kind, fields, lambda value, type_: msgspec.convert(value, type_, strict="datetime" in str(type_))
    )


def _maybe_a_number(value: object) -> bool:
    """True of whatever a lenient reader could take for seconds; a time written out has a hyphen behind its year."""
    return isinstance(value, int | float | Decimal) or (isinstance(value, str) and value[4:5] != "-")


def _field_by_field(kind: Kind, fields: Mapping[str, Any], read: Callable[[Any, Any], Any]) -> Refused:
    errors, key = [], None
    for name, value in fields.items():
        if name not in kind.types:
            errors.append(
                FieldError(
                    name[:100], "unknown_field", f"Not a field of an {kind.name}. Known: {', '.join(kind.types)}."
                )
            )
            continue
        try:
            read_value = read(value, kind.types[name])
            key = read_value if name == kind.key else key
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            errors.append(FieldError(name, "type", _syntax(error)))
    required = [field.name for field in msgspec.structs.fields(kind.struct) if field.required]
    errors += [FieldError(name, "required", "This field is required.") for name in required if name not in fields]
    return Refused(key, errors or [FieldError("", "syntax", "Not readable as an object of plain values.")])


def _syntax(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "Nested too deeply."
    if isinstance(error, UnicodeDecodeError):
        return "Not valid UTF-8."
    return str(error).split(" - at ")[0].removesuffix(".") + "."
