"""The state of the world after a sequence of messages: which are refused, and what the accepted ones leave behind."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

INVOICE, EXCEPTION = "invoice", "exception"

Row = dict[str, object]
Message = Mapping[str, object]

YEAR_2000 = datetime(2000, 1, 1, tzinfo=UTC)
ONE_DAY = timedelta(days=1)
WORDS = {"true": True, "false": False}


class Refused(ValueError):
    """The message is refused; the text names the field."""


def a_text(value: object) -> str:
    if not isinstance(value, str):
        raise Refused("not a text")
    return value


def an_id(value: object) -> str:
    if not 1 <= len(a_text(value)) <= 200:
        raise Refused("an id has 1 to 200 characters")
    return a_text(value)


def a_time(value: object) -> datetime:
    """A moment in UTC, from a datetime or an ISO 8601 text, either with an offset."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(a_text(value))
    if moment.tzinfo is None:
        raise Refused("a time without an offset")
    return moment.astimezone(UTC)


def a_flag(value: object) -> bool:
    return value if isinstance(value, bool) else WORDS[a_text(value).lower()]


def a_number(value: object) -> Decimal:
    return Decimal(str(value))


def a_share(value: object) -> Decimal:
    """A confidence; a program may send more than the 6 decimals that are kept."""
    share = a_number(value)
    if not 0 <= share <= 1:
        raise Refused("not between 0 and 1")
    return share.quantize(Decimal("0.000001"), ROUND_HALF_UP)


def a_count(value: object) -> int:
    count = int(str(value))
    if count < 0:
        raise Refused("below 0")
    return count


def an_outcome(value: object) -> str:
    if value not in ("succeeded", "failed"):
        raise Refused("neither succeeded nor failed")
    return str(value)


def some_labels(value: object) -> dict[str, str | None]:
    if not isinstance(value, Mapping):
        raise Refused("not an object")
    return {a_text(key): None if text is None else a_text(text) for key, text in value.items()}


INVOICE_TIMES = (
    "uploaded_at",
    "extracted_at",
    "validated_at",
    "ready_at",
    "approved_at",
    "rejected_at",
    "completed_at",
    "duplicate_confirmed_at",
    "voided_at",
)
EXCEPTION_TIMES = ("opened_at", "resolved_at")
TIMES = {INVOICE: INVOICE_TIMES, EXCEPTION: EXCEPTION_TIMES}
KEY = {INVOICE: "invoice_id", EXCEPTION: "exception_id"}
IN_ORDER = {
    INVOICE: [("uploaded_at", "ready_at"), ("ready_at", "approved_at"), ("ready_at", "rejected_at")],
    EXCEPTION: [("opened_at", "resolved_at")],
}
FIELDS: dict[str, dict[str, Callable[[object], object]]] = {
    INVOICE: {
        "invoice_id": an_id,
        **dict.fromkeys(("vendor", "channel", "document_type", "currency"), a_text),
        **dict.fromkeys(INVOICE_TIMES, a_time),
        **dict.fromkeys(("structural_valid", "math_valid", "duplicate_flagged", "duplicate_confirmed"), a_flag),
        "requires_human_review": a_flag,
        "amount": a_number,
        "extraction_confidence": a_share,
        "processing_outcome": an_outcome,
        **dict.fromkeys(("page_count", "retry_count"), a_count),
        "labels": some_labels,
    },
    EXCEPTION: {
        "exception_id": an_id,
        "invoice_id": an_id,
        **dict.fromkeys(("kind", "severity"), a_text),
        **dict.fromkeys(EXCEPTION_TIMES, a_time),
        "labels": some_labels,
    },
}


def read(kind: str, message: Message, now: datetime) -> Row:
    """The message with typed values; `None` stays, for it clears. Refused is raised for what the contract refuses."""
    if message.get(KEY[kind]) is None:
        raise Refused(KEY[kind])
    row: Row = {}
    for name, value in message.items():
        if name not in FIELDS[kind]:
            raise Refused(f"{name} is unknown")
        try:
            row[name] = None if value is None else FIELDS[kind][name](value)
        except (ValueError, KeyError, InvalidOperation) as error:
            raise Refused(f"{name}: {error}") from error
    refuse_times(kind, row, now)
    return row


def refuse_times(kind: str, row: Row, now: datetime) -> None:
    for name in TIMES[kind]:
        moment = row.get(name)
        if isinstance(moment, datetime) and not YEAR_2000 <= moment <= now + ONE_DAY:
            raise Refused(f"{name} is before 2000 or more than a day ahead")
    for before, after in IN_ORDER[kind]:
        first, last = row.get(before), row.get(after)
        if isinstance(first, datetime) and isinstance(last, datetime) and last < first:
            raise Refused(f"{after} is before {before}")


def merge(old: Row, new: Row) -> Row:
    """`old` with what `new` names; labels key by key, a null takes its key away."""
    merged = {**old, **new}
    if new.get("labels") is not None:
        both: dict[str, object] = {**(old.get("labels") or {}), **new["labels"]}  # type: ignore[dict-item]
        merged["labels"] = {key: text for key, text in both.items() if text is not None}
    return {name: value for name, value in merged.items() if value is not None and value != {}}


@dataclass
class World:
    """All rows of one organisation; a field that a row lacks is unknown."""

    rows: dict[str, dict[str, Row]] = field(default_factory=lambda: {INVOICE: {}, EXCEPTION: {}})

    @property
    def invoices(self) -> Iterable[Row]:
        return self.rows[INVOICE].values()

    @property
    def exceptions(self) -> Iterable[Row]:
        return self.rows[EXCEPTION].values()

    def tell(self, kind: str, message: Message, now: datetime) -> str:
        """Takes one message in; says what became of it: created, updated, unchanged or rejected."""
        try:
            new = read(kind, message, now)
        except Refused:
            return "rejected"
        key = str(new[KEY[kind]])
        old = self.rows[kind].get(key)
        merged = self.rows[kind][key] = merge(old or {}, new)
        if old is None:
            return "created"
        return "unchanged" if merged == old else "updated"

    def is_void(self, invoice_id: object) -> bool:
        return "voided_at" in self.rows[INVOICE].get(str(invoice_id), {})

    def besides(self, invoices: Collection[str]) -> "World":
        """The same without these invoices and their exceptions."""
        left = {
            kind: {key: row for key, row in rows.items() if row.get("invoice_id") not in invoices}
            for kind, rows in self.rows.items()
        }
        return World(left)
