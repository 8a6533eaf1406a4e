"""From a source record to a message: by a mapping, or because the file speaks our own field names."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from kpis.importers.fields import Extract, Occurrence
from kpis.importers.reading import Reading
from kpis.importers.records import BadValue, Item, Row, Skipped, Unusable, find
from kpis.messages import Kind

LABEL = "labels."
BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


class Events(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Where an event log keeps the case, the activity and the time of an event; the defaults are XES's own names."""

    case: str | None = None
    activity: str = "concept:name"
    time: str = "time:timestamp"


@dataclass(frozen=True)
class Layout:
    """How the file is to be read, before any field is looked at."""

    format: str | None = None
    delimiter: str = ","
    encoding: str = "utf-8"
    records: Sequence[str] = ()
    events: Events | None = None


class Translator(Protocol):
    @property
    def layout(self) -> Layout: ...

    def check_header(self, header: Sequence[str]) -> None:
        """Raises Unusable when the columns of a CSV file do not fit."""

    def translate(self, item: Item) -> Row | Skipped:
        """Raises BadValue."""


@dataclass(frozen=True)
class OwnNames:
    """The translator of a file that speaks our own field names.

    In CSV labels are columns called `labels.NAME`, an empty cell says nothing, and `null` clears the field.
    """

    kind: Kind
    layout: Layout = Layout()

    def check_header(self, header: Sequence[str]) -> None:
        unknown = [name for name in header if name not in self.kind.types and not name.startswith(LABEL)]
        if unknown:
            raise Unusable(
                f"Line 1, the header: {unknown[0]!r} is not a field of an {self.kind.name}. "
                f"Known: {', '.join(self.kind.types)}, {LABEL}NAME. For other names give a mapping (--mapping)."
            )
        if self.kind.key not in header:
            raise Unusable(f"Line 1, the header: the column {self.kind.key!r} is missing.")

    def translate(self, item: Item) -> Row:
        source = item.scopes[0]
        if item.flat:
            cells = {name: value.strip() for name, value in source.items()}
            source = nested({name: None if value == "null" else value for name, value in cells.items() if value})
        return Row(item.file, item.line, dict(source), item.raw)


def nested(flat: Mapping[str, object]) -> dict[str, object]:
    """`labels.x` becomes an entry x of `labels`, as text or None."""
    fields: dict[str, object] = {}
    labels: dict[str, str | None] = {}
    for name, value in flat.items():
        if name.startswith(LABEL):
            labels[name.removeprefix(LABEL)] = None if value is None else str(value)
        else:
            fields[name] = value
    return {**fields, "labels": labels} if labels else fields


@dataclass(frozen=True)
class FieldMap:
    """The translator of a mapping file that was checked."""

    layout: Layout
    reading: Reading
    extracts: Mapping[str, Extract]
    activities: frozenset[str]
    columns: Mapping[str, Sequence[str]]  # what each key of the mapping reads; one of them must be there

    def check_header(self, header: Sequence[str]) -> None:
        for key, names in self.columns.items():
            if not any(name in header or name.split(".")[0] in header for name in names):
                raise Unusable(
                    f"Line 1, the header: no column {' or '.join(map(repr, names))}, which the mapping reads "
                    f"for {key}. The header has: {', '.join(header)[:500]}."
                )

    def kept(self) -> set[str]:
        """The columns that the mapping reads at all."""
        return {part for names in self.columns.values() for name in names for part in (name, name.split(".")[0])}

    def translate(self, item: Item) -> Row | Skipped:
        if self.layout.events:
            self._place(item, self.layout.events)
            if self.activities and not item.occurred:
                return Skipped(item.file, item.line)
        values: dict[str, object] = {}
        errors = []
        for name, extract in self.extracts.items():
            try:
                value = extract(item)
            except BadValue as error:
                errors.append(f"{name}: {error}.")
                continue
            if value is not None:
                values[name] = value
        if errors:
            raise BadValue(" ".join(errors))
        return Row(item.file, item.line, nested(values), item.raw)

    def _place(self, item: Item, names: Events) -> None:
        """Put the events in the order of their times, one without a time behind its neighbour; note what occurred."""
        timeline = []
        latest = BEFORE_ALL
        for event in item.events:
            at = self._time(event, names.time)
            activity = event.get(names.activity)
            if activity in self.activities:
                if at is None:
                    raise BadValue(f"the event {activity!r} has no time.")
                item.occurred[activity] = _seen(item.occurred.get(activity), at)
            latest = at or latest
            timeline.append((latest, event))
        item.events = [event for _, event in sorted(timeline, key=lambda placed: placed[0])]

    def _time(self, event: Mapping[str, object], name: str) -> datetime | None:
        text = self.reading.known(find((event,), name))
        if text is None:
            return None
        try:
            return self.reading.instant(str(text))
        except BadValue as error:
            raise BadValue(f"{name}: {error}.") from None


def _seen(before: Occurrence | None, at: datetime) -> Occurrence:
    if before is None:
        return Occurrence(1, at, at)
    return Occurrence(before.times + 1, min(before.first, at), max(before.last, at))


def columns_of(names: Iterable[str]) -> list[str]:
    """The names that are columns; `#` is the record's position."""
    return [name for name in names if name != "#"]
