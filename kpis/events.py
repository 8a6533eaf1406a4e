"""CloudEvents 1.0 in the JSON format, as messages about invoices and exceptions.

The subject names the row, the type the step, the time when it happened; data holds what else is known. Nothing is said
twice: data may repeat what the other attributes say, not contradict it. Extension attributes are let through.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta, Raw, Struct

from kpis.bodies import UNREADABLE, BadBody, lines, readable, split, whole
from kpis.messages import EXCEPTION, INVOICE, FieldError, Key, Kind, Refused, Time, read_json, syntax


@dataclass(frozen=True)
class Step:
    """What an event of one type says by itself: which field its time is, and fixed values of others."""

    kind: Kind
    at: str = ""
    sets: Mapping[str, object] = field(default_factory=dict)


STEPS = {
    "invoice.uploaded": Step(INVOICE, "uploaded_at"),
    "invoice.extracted": Step(INVOICE, "extracted_at"),
    "invoice.validated": Step(INVOICE, "validated_at"),
    "invoice.ready": Step(INVOICE, "ready_at"),
    "invoice.approved": Step(INVOICE, "approved_at"),
    "invoice.rejected": Step(INVOICE, "rejected_at"),
    "invoice.completed": Step(INVOICE, "completed_at", {"processing_outcome": "succeeded"}),
    "invoice.failed": Step(INVOICE, "completed_at", {"processing_outcome": "failed"}),
    "invoice.voided": Step(INVOICE, "voided_at"),
    "invoice.duplicate_flagged": Step(INVOICE, sets={"duplicate_flagged": True}),
    "invoice.duplicate_confirmed": Step(INVOICE, "duplicate_confirmed_at", {"duplicate_confirmed": True}),
    "exception.opened": Step(EXCEPTION, "opened_at"),
    "exception.resolved": Step(EXCEPTION, "resolved_at"),
}
TYPES: dict[str, Any] = {
    "specversion": str,
    "id": Annotated[str, Meta(min_length=1, max_length=200)],
    "source": Annotated[str, Meta(min_length=1, max_length=400)],
    "type": str,
    "subject": Key,
    "time": Time,
    "data": dict[str, Raw],
}


class Event(NamedTuple):
    """A message, and the event that brought it."""

    source: str
    id: str
    kind: Kind
    message: Struct


def decode(body: bytes, now: datetime) -> tuple[list[Event | Refused], bool]:
    """The events of a JSON body, and whether it was a single one. Raises BadBody."""
    body = whole(readable(body)).strip()
    if body.startswith(b"["):
        return [read(bytes(raw), now) for raw in split(body)], False
    try:
        msgspec.json.decode(body, type=dict[str, Raw])
    except UNREADABLE as error:
        raise BadBody(syntax(error)) from None
    return [read(body, now)], True


def decode_lines(body: bytes, now: datetime) -> list[Event | Refused]:
    """The events of newline-delimited JSON. Raises BadBody."""
    return [read(line, now) for line in lines(body)]


def read(raw: bytes, now: datetime) -> Event | Refused:
    """One event. The id of a refused one is the event's own."""
    try:
        given = msgspec.json.decode(raw, type=dict[str, Raw])
    except UNREADABLE as error:
        return Refused(None, [FieldError("", "syntax", syntax(error))])
    attributes: dict[str, Any] = {}
    errors = list(_attributes(given, attributes))
    event_id = attributes.get("id")
    if errors:
        return Refused(event_id, errors)
    step = STEPS[attributes["type"]]
    message = _message(step, attributes, now)
    if isinstance(message, Refused):
        return Refused(event_id, [_renamed(step, error) for error in message.errors])
    return Event(attributes["source"], attributes["id"], step.kind, message)


def _attributes(given: Mapping[str, Raw], found: dict[str, Any]) -> Iterator[FieldError]:
    """Read the attributes into `found`; null stands for one that is absent."""
    for name, type_ in TYPES.items():
        if name not in given or bytes(given[name]) == b"null":
            continue
        try:
            found[name] = msgspec.json.decode(given[name], type=type_)
        except UNREADABLE as error:
            yield FieldError(name, "type", syntax(error))
        else:
            if isinstance(found[name], str) and "\0" in found[name]:
                yield FieldError(
                    name, "text", "Contains NUL or half of a surrogate pair, which is no text; leave it out."
                )
    if found.get("specversion", "1.0") != "1.0":
        yield FieldError("specversion", "unknown", "Only CloudEvents 1.0 are understood.")
    step = STEPS.get(found.get("type", ""))
    if "type" in found and step is None:
        yield FieldError("type", "unknown", f"Known types: {', '.join(STEPS)}.")
    if "data_base64" in given:
        yield FieldError("data_base64", "unknown_field", "Send `data` as a JSON object.")
    for name in TYPES:
        optional = name == "data" or (name == "time" and step is not None and not step.at)
        if not optional and (name not in given or bytes(given[name]) == b"null"):
            yield FieldError(name, "required", "This attribute is required.")


def _message(step: Step, attributes: Mapping[str, Any], now: datetime) -> Struct | Refused:
    said = {step.kind.key: attributes["subject"], **step.sets}
    if step.at:
        said[step.at] = attributes["time"]
    data = attributes.get("data", {})
    errors = [
        FieldError(name, "contradiction", "Says something else than the event's other attributes.")
        for name in said.keys() & data.keys()
        if not _agrees(data[name], step.kind.types[name], said[name])
    ]
    if errors:
        return Refused(None, errors)
    return read_json(step.kind, msgspec.json.encode({**data, **said}), now)


def _agrees(raw: Raw, type_: Any, said: object) -> bool:
    try:
        return bool(msgspec.json.decode(raw, type=type_) == said)
    except UNREADABLE:
        return False


def _renamed(step: Step, error: FieldError) -> FieldError:
    """The error by the name under which the event holds the field."""
    if error.code == "contradiction":
        return replace(error, field=f"data.{error.field}")
    names = {step.kind.key: "subject", step.at: "time"}
    return replace(error, field=names.get(error.field, f"data.{error.field}"))
