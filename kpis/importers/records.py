"""What the readers hand on: source records, finished rows, and what could not be read."""

import lzma
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# What a broken stream raises while it is read: cut off, damaged, or the disk's own errors.
STREAM_ERRORS = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


class Unusable(ValueError):
    """The file, its header or the mapping as a whole cannot be used; nothing of it was read."""


class BadValue(ValueError):
    """A value of one record does not fit; the text names the field."""


@dataclass(slots=True)
class Item:
    """One record of the source: a CSV row, a JSON object or a case of an event log.

    `scopes` are the objects to look a name up in, innermost first; `events` are in the order of their time;
    `position` counts from 1 within the surrounding list; `flat`: every value is text, empty where there is none;
    `occurred` is filled by the mapping.
    """

    file: str
    line: int
    scopes: tuple[Mapping[str, Any], ...]
    raw: str = ""
    position: int = 1
    flat: bool = False
    events: Sequence[Mapping[str, Any]] = ()
    occurred: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """One message in our own field names, ready for ingestion. `line` is the line, trace or document number."""

    file: str
    line: int
    fields: dict[str, object]
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """A piece of the file that gives no message, and why."""

    file: str
    line: int
    reason: str
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A case that has nothing to say: none of the events that the mapping names happened in it."""

    file: str
    line: int


Record = Row | Broken | Skipped


def find(scopes: Sequence[Mapping[str, Any]], name: str) -> Any:
    """The value of `name`, as it stands or as a dotted path, in the first scope that has it; else None."""
    for scope in scopes:
        value = scope.get(name)
        if value is None and "." in name:
            value = next(find_all(scope, name.split(".")), None)
        if value is not None:
            return value
    return None


def find_all(value: Any, path: Sequence[str]) -> Iterator[Any]:
    """Every value at the path, in which `*` stands for any name or index."""
    if not path:
        if value is not None:
            yield value
        return
    name, rest = path[0], path[1:]
    if name == "*":
        inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
        for each in inner:
            yield from find_all(each, rest)
    elif isinstance(value, Mapping) and name in value:
        yield from find_all(value[name], rest)


def why(error: BaseException) -> str:
    """A stream's exception in the words of the person who has the file."""
    if isinstance(error, EOFError):
        return "The file breaks off here: it is not complete."
    if isinstance(error, zlib.error | lzma.LZMAError | zipfile.BadZipFile):
        return f"The file is damaged from here on: {error}."
    return f"The file cannot be read further: {error}."
