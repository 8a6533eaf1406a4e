"""XES event logs: one item per trace, in memory that does not grow with the file."""

from collections.abc import Iterator
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element  # a type only; parsing is defusedxml's

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse

from kpis.importers.records import STREAM_ERRORS, Broken, Item, Unusable, why

MAX_TRACE = 16_000_000


class _TooLarge(ValueError):
    pass


class _Guard:
    """Counts what was read since the last trace: an element that never ends must not fill the memory."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self.since = stream, 0

    def read(self, size: int = -1) -> bytes:
        piece = self._stream.read(size)
        self.since += len(piece)
        if self.since > MAX_TRACE:
            raise _TooLarge(f"More than {MAX_TRACE:,} bytes without the end of a trace.")
        return piece


def read_xes(stream: BinaryIO, file: str) -> Iterator[Item | Broken]:
    """Every trace with its attributes and its events', in the order of the file. `line` counts the traces from 1.

    XML cannot be read on after an error, so the first one ends the file with one Broken. Raises Unusable for other XML.
    """
    number = 0
    try:
        for trace in _traces(_Guard(stream)):
            number += 1
            events = [_attributes(child) for child in trace if _name(child) == "event"]
            yield Item(file, number, (_attributes(trace),), events=events)
    except ParseError as error:
        line, column = error.position
        yield Broken(file, number + 1, f"Not well-formed XML at line {line}, column {column + 1}: {error.msg}.")
    except DefusedXmlException as error:
        yield Broken(file, number + 1, f"XML that declares entities is not read: {error}.")
    except _TooLarge as error:
        yield Broken(file, number + 1, str(error))
    except STREAM_ERRORS as error:
        yield Broken(file, number + 1, why(error))
    except Unusable:
        raise
    except (LookupError, ValueError) as error:
        yield Broken(file, number + 1, f"The encoding that the XML names cannot be read: {error}.")


def _traces(guard: _Guard) -> Iterator[Element]:
    root: Element | None = None
    for event, element in iterparse(guard, events=("start", "end")):
        if root is None:
            root = element
            if _name(root) != "log":
                raise Unusable(f"Not an XES log: its root element is <{_name(root)[:50]}>, not <log>.")
        elif event == "end" and _name(element) == "trace":
            yield element
            root.clear()
            guard.since = 0


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _attributes(element: Element) -> dict[str, Any]:
    """The element's own attributes, `<string key= value=>` and its like; nested ones are left out."""
    pairs = ((child.get("key"), child.get("value")) for child in element)
    return {key: value for key, value in pairs if key is not None and value is not None}
