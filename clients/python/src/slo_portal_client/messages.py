"""What a workflow says to the portal: the fields of its contract, and how they are written down."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypedDict
from uuid import uuid4

KEYS = {"invoices": "invoice_id", "exceptions": "exception_id", "counts": "slo"}  # what a row of an address names
MAX_BYTES = 200_000  # of one message; the largest that the portal takes in is smaller

Step = Literal["uploaded", "extracted", "validated", "ready", "approved", "rejected", "completed", "failed", "voided"]
EventType = Literal[
    "invoice.uploaded",
    "invoice.extracted",
    "invoice.validated",
    "invoice.ready",
    "invoice.approved",
    "invoice.rejected",
    "invoice.completed",
    "invoice.failed",
    "invoice.voided",
    "invoice.duplicate_flagged",
    "invoice.duplicate_confirmed",
    "exception.opened",
    "exception.resolved",
]


class InvoiceFields(TypedDict, total=False):
    """None clears a field, what is left out stays. Times need an offset; confidence is 0..1."""

    vendor: str | None
    channel: str | None
    document_type: str | None
    amount: Decimal | float | None
    currency: str | None
    uploaded_at: datetime | None
    extracted_at: datetime | None
    validated_at: datetime | None
    ready_at: datetime | None
    approved_at: datetime | None
    rejected_at: datetime | None
    completed_at: datetime | None
    extraction_confidence: Decimal | float | None
    structural_valid: bool | None
    math_valid: bool | None
    processing_outcome: Literal["succeeded", "failed"] | None
    duplicate_flagged: bool | None
    duplicate_confirmed: bool | None
    duplicate_confirmed_at: datetime | None
    voided_at: datetime | None
    page_count: int | None
    retry_count: int | None
    requires_human_review: bool | None
    labels: Mapping[str, str | None] | None


class ExceptionFields(TypedDict, total=False):
    """None clears a field, what is left out stays. Times need an offset."""

    invoice_id: str | None
    kind: str | None
    severity: str | None
    opened_at: datetime | None
    resolved_at: datetime | None
    labels: Mapping[str, str | None] | None


@dataclass(frozen=True)
class FieldError:
    """Why a message was refused: the field at fault ("" for all of it), a code, a sentence."""

    field: str
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class PortalError(Exception):
    """Only raised by a portal that was made with strict=True."""


class CannotSend(PortalError, ValueError):
    """A message that cannot be written down, so that it was not taken."""

    def __init__(self, errors: tuple[FieldError, ...]) -> None:
        super().__init__("; ".join(map(str, errors)))
        self.errors = errors


@dataclass(frozen=True)
class Message:
    """One row for one address: invoices, exceptions, counts or events. `id` stays the same however often it is sent."""

    path: str
    id: str
    row: bytes  # JSON

    def record(self) -> bytes:
        """As it is stored, in one line."""
        return f"{self.path} {self.id} ".encode() + self.row

    @classmethod
    def read(cls, record: bytes) -> "Message":
        """Raises ValueError for what `record` did not write."""
        path, id_, row = record.split(b" ", 2)
        message = cls(path.decode(), id_.decode(), row)
        if path not in (b"invoices", b"exceptions", b"counts", b"events") or not isinstance(message.fields, dict):
            raise ValueError("not a message")
        return message

    @property
    def fields(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.row)
        return found

    @property
    def about(self) -> tuple[str, str]:
        """The row of the portal that it names: later messages about it may not overtake this one."""
        fields = self.fields
        if self.path in KEYS:
            return self.path, str(fields.get(KEYS[self.path]))
        return str(fields.get("type")).partition(".")[0] + "s", str(fields.get("subject"))


def row(path: str, fields: Mapping[str, object]) -> Message:
    """A message of the fields of an invoice, an exception or a count. Raises CannotSend."""
    return _small_enough(Message(path, uuid4().hex, written(fields)))


def event(attributes: Mapping[str, object], data: Mapping[str, object]) -> Message:
    """A CloudEvent. Its id is among the attributes. Raises CannotSend."""
    text = written({"specversion": "1.0", **attributes})[:-1] + b',"data":' + written(data) + b"}"
    return _small_enough(Message("events", uuid4().hex, text))


def written(fields: Mapping[str, object]) -> bytes:
    """A JSON object. Raises CannotSend with every field that cannot be written."""
    pieces, errors = [], []
    for name, value in fields.items():
        try:
            pieces.append(f"{json.dumps(name)}:{_json(value)}".encode())
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            errors.append(FieldError(name, "type", str(error)))
    if errors:
        raise CannotSend(tuple(errors))
    return b"{" + b",".join(pieces) + b"}"


def _json(value: object) -> str:
    return json.dumps(value, default=_plain, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise ValueError("A time needs an offset; datetime.now(UTC) has one.")
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)  # its shortest text is the same number, up to 15 digits
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"Cannot be written as JSON: {type(value).__name__}.")


def _small_enough(message: Message) -> Message:
    if len(message.row) > MAX_BYTES:
        raise CannotSend((FieldError("", "size", f"More than {MAX_BYTES:,} bytes in one message."),))
    return message


def batches(messages: Iterable[Message]) -> list[list[Message]]:
    """As few requests, one path each, as keep the order of what is said about one row."""
    found: list[list[Message]] = []
    open_: dict[str, int] = {}  # path -> its last batch
    named: dict[tuple[str, str], int] = {}  # row -> the last batch that names it
    for message in messages:
        about = message.about
        if named.get(about, -1) > open_.get(message.path, -1) or message.path not in open_:
            open_[message.path] = len(found)
            found.append([])
        named[about] = open_[message.path]
        found[named[about]].append(message)
    return found
