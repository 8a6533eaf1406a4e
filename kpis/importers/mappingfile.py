"""The mapping file itself: read, checked as a whole, every error with its key and line (docs/reference/mapping.md)."""

import codecs
import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from kpis.importers.fields import Extract, Spec, extractor, listed
from kpis.importers.located import Located, Malformed, load
from kpis.importers.mapping import LABEL, Events, FieldMap, Layout, columns_of
from kpis.importers.reading import Reading
from kpis.importers.records import Unusable
from kpis.messages import Kind

DELIVERED = Path(__file__).parent.parent / "mappings"
_UNKNOWN = re.compile("unknown field `(.+)`")
_PATH = re.compile(r"\.(\w+)|\[(\d+)\]")


class Head(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The whole file; the entries under `fields` are looked at one by one."""

    kind: Literal["invoice", "exception"]
    fields: dict[str, Any]
    format: Literal["csv", "jsonl", "json", "xes"] | None = None
    delimiter: str = ","
    encoding: str = "utf-8"
    time_zone: str | None = None
    time_formats: list[str] = msgspec.field(default_factory=lambda: ["iso"])
    missing: list[str] = []
    records: list[str] = []
    events: Events | None = None


def delivered() -> list[str]:
    """The names of the mappings that come with the portal."""
    return sorted(path.stem for path in DELIVERED.glob("*.yml"))


def read_mapping(name: str, kind: Kind) -> FieldMap:
    """The mapping in the file `name`, or the delivered one called so. Raises Unusable with every error in it."""
    path = Path(name)
    if not path.is_file():
        path = DELIVERED / f"{name.removesuffix('.yml')}.yml"
    if not path.is_file():
        raise Unusable(f"No mapping file {name!r}, and none delivered so called; those are {', '.join(delivered())}.")
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"The mapping {name} cannot be read: {error}.") from None
    return parse_mapping(text, kind, path.name)


def parse_mapping(text: str, kind: Kind, name: str = "mapping") -> FieldMap:
    """Raises Unusable with every error in the text."""
    try:
        located = load(text)
    except Malformed as error:
        raise Unusable(f"{name}: {error}.") from None
    checker = _Checker(located, kind)
    result = checker.field_map()
    if result is None:
        raise Unusable("\n".join(f"{name}: {error}." for error in checker.errors))
    return result


@dataclass
class _Checker:
    located: Located
    kind: Kind
    errors: list[str] = field(default_factory=list)
    activities: set[str] = field(default_factory=set)
    columns: dict[str, Sequence[str]] = field(default_factory=dict)

    def wrong(self, path: Sequence[Hashable], message: str) -> None:
        self.errors.append(f"{self.located.where(path)}: {message}")

    def field_map(self) -> FieldMap | None:
        head = self.convert((), self.located.value, Head)
        if not isinstance(head, Head):
            return None
        self.check_head(head)
        reading = self.reading(head)
        extracts = dict(self.extracts(head, reading))
        if self.errors:
            return None
        self.columns |= self.event_columns(head.events)
        layout = Layout(head.format, head.delimiter, head.encoding, head.records, head.events)
        return FieldMap(layout, reading, extracts, frozenset(self.activities), self.columns)

    def convert(self, path: tuple[Hashable, ...], value: object, type_: Any) -> Any:
        try:
            return msgspec.convert(value, type_)
        except msgspec.ValidationError as error:
            message, _, at = str(error).partition(" - at ")
            inner = [name or int(index) for name, index in _PATH.findall(at)]
            if unknown := _UNKNOWN.search(message):
                inner.append(unknown[1])
                message = "unknown key"
            if "got `bool`" in message or "got `int`" in message or "got `float`" in message:
                message += "; put it in quotes"
            self.wrong((*path, *inner), message)
            return None

    def check_head(self, head: Head) -> None:
        if head.kind != self.kind.name:
            self.wrong(["kind"], f"this mapping makes {head.kind}s; import_{self.kind.plural} needs {self.kind.plural}")
        if len(head.delimiter) != 1 or head.delimiter in '"\r\n':
            self.wrong(["delimiter"], 'must be one character, such as ";" or "\\t"')
        try:
            usable = "a\n".encode(head.encoding) == b"a\n" and codecs.lookup(head.encoding).name
        except (LookupError, UnicodeError, ValueError):
            usable = ""
        if not usable:
            self.wrong(["encoding"], "unknown, or not one that holds ASCII as it is; save the file as UTF-8")
        for index, path in enumerate(head.records):
            if not re.fullmatch(r"(\[\]|[^.\[\]]+(\[\])?)(\.[^.\[\]]+(\[\])?)*", path):
                self.wrong(["records", index], "must be names joined by dots, with [] behind a list: a.b[].c")
        if self.kind.key not in head.fields:
            self.wrong(["fields"], f"{self.kind.key} is missing")

    def reading(self, head: Head) -> Reading:
        zone = None
        try:
            zone = ZoneInfo(head.time_zone) if head.time_zone is not None else None
        except (KeyError, ValueError, OSError):
            self.wrong(["time_zone"], f"{head.time_zone!r} is not a time zone, such as UTC or Europe/Berlin")
        for index, format in enumerate(head.time_formats):
            if format != "iso" and "%" not in format:
                self.wrong(["time_formats", index], "must be `iso` or a format such as %d/%m/%Y %H:%M")
        return Reading(frozenset({"", *head.missing}), head.time_formats, zone)

    def extracts(self, head: Head, reading: Reading) -> Iterator[tuple[str, Extract]]:
        for name, entry in head.fields.items():
            label = name.startswith(LABEL) and len(name) > len(LABEL)
            if not label and (name not in self.kind.types or name == "labels"):
                self.wrong(["fields", name], f"not a field of an {self.kind.name}. Known: {self.known()}")
                continue
            extract = self.extract(("fields", name), name, entry, head, reading)
            if extract:
                yield name, extract

    def known(self) -> str:
        return ", ".join([*(name for name in self.kind.types if name != "labels"), f"{LABEL}NAME"])

    def extract(
        self, path: tuple[Hashable, ...], name: str, entry: object, head: Head, reading: Reading
    ) -> Extract | None:
        spec = self.convert(path, {"from": entry} if isinstance(entry, str) else entry, Spec)
        if not isinstance(spec, Spec):
            return None
        if problem := spec.check() or self.misplaced(spec, head.events):
            self.wrong(path, problem)
            return None
        self.activities |= spec.activities
        if names := columns_of(listed(spec.from_)):
            self.columns[".".join(map(str, path))] = names
        # A part of a join is text, whatever the field is.
        entries = enumerate(spec.join or [])
        parts = [self.extract((*path, "join", index), "", part, head, reading) for index, part in entries]
        return extractor(name, spec, [part for part in parts if part], reading)

    def misplaced(self, spec: Spec, events: Events | None) -> str:
        if spec.activities and events is None:
            return "`first`, `last` and `if` name events: say under `events` where the log keeps them"
        if spec.mean and events:
            return "`mean` reads one record; it has no meaning in an event log"
        return ""

    def event_columns(self, events: Events | None) -> dict[str, Sequence[str]]:
        if events is None or events.case is None:
            return {}
        found: dict[str, Sequence[str]] = {"events.case": [events.case]}
        if self.activities:
            found["events.activity"] = [events.activity]
        if self.activities or events.time != Events().time:
            found["events.time"] = [events.time]
        return found
