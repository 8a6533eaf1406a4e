"""The mapping file: which part of a foreign file becomes which of our fields (docs/reference/mapping.md)."""

import codecs
import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from kpis.importers.fields import Extract, Occurrence, Reading, Spec, extractor, listed
from kpis.importers.located import Located, Malformed, load
from kpis.importers.records import BadValue, Item, Row, Skipped, Unusable, find
from kpis.messages import Kind

LABEL = "labels."


class Events(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Where an event log keeps the case, the activity and the time of an event; the defaults are XES's own names."""

    case: str | None = None
    activity: str = "concept:name"
    time: str = "time:timestamp"


class Head(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Everything but the fields' own entries."""

    kind: Literal["invoice", "exception"]
    fields: dict[str, Any]
    format: Literal["csv", "jsonl", "json", "xes"] | None = None
    delimiter: str = ","
    encoding: str = "utf-8"
    time_zone: str | None = None
    time_formats: list[str] = ["iso"]
    missing: list[str] = []
    records: Annotated_records = []  # type: ignore[valid-type]
    events: Events | None = None


@dataclass(frozen=True)
class FieldMap:
    """A mapping that was checked and can be applied."""

    head: Head
    key: str
    reading: Reading
    extracts: Mapping[str, Extract]
    activities: frozenset[str]
    columns: Mapping[str, Sequence[str]]
