"""JSON: one item per line of JSON lines, or per record found inside one document."""

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import msgspec

from kpis.importers.lines import SHOWN, Line, read_lines
from kpis.importers.records import STREAM_ERRORS, Broken, Item, Unusable, why

MAX_DOCUMENT = 64_000_000


def read_json_lines(stream: BinaryIO, file: str, records: Sequence[str]) -> Iterator[Item | Broken]:
    """One object per line; a line that is not one is Broken."""
    for line in read_lines(stream, file):
        if isinstance(line, Broken):
            yield line
        elif line.text.strip():
            yield from _line(file, line, records)


def _line(file: str, line: Line, records: Sequence[str]) -> Iterator[Item | Broken]:
    try:
        document = decode(line.text)
        items = list(_items(file, document, records))
    except ValueError as error:
        yield Broken(file, line.number, str(error), line.text[:SHOWN])
        return
    for item in items:
        item.line = line.number
        item.raw = line.text
        yield item


def read_json(stream: BinaryIO, file: str, records: Sequence[str]) -> Iterator[Item | Broken]:
    """The records of one document, numbered from 1. Raises Unusable."""
    try:
        text = stream.read(MAX_DOCUMENT + 1)
    except STREAM_ERRORS as error:
        raise Unusable(why(error)) from None
    if len(text) > MAX_DOCUMENT:
        raise Unusable(f"A JSON document of more than {MAX_DOCUMENT:,} bytes is too large: write it as JSON lines.")
    try:
        items = _items(file, decode(text), records)
        first = next(items, None)
    except ValueError as error:
        raise Unusable(str(error)) from None
    if first is not None:
        yield first
        yield from items
    elif records:
        yield Broken(file, 1, f"The document holds no record at {' or '.join(records)}.")


def decode(text: str | bytes) -> Any:
    """The value of a JSON text. Raises ValueError in plain words."""
    try:
        return msgspec.json.decode(text)
    except RecursionError:
        raise ValueError("Nested too deeply.") from None
    except UnicodeDecodeError:
        raise ValueError("Not valid UTF-8.") from None
    except msgspec.DecodeError as error:
        raise ValueError(f"Not JSON: {error}.") from None


def _items(file: str, document: Any, records: Sequence[str]) -> Iterator[Item]:
    if not records:
        records = ["[]"] if isinstance(document, list) else [""]
    root = document if isinstance(document, dict) else {"": document}
    if root is not document and not isinstance(document, list):
        raise ValueError("Not a JSON object.")
    number = 0
    for path in records:
        for scopes, position in _walk((root,), 1, path.split(".") if path else []):
            number += 1
            yield Item(file, number, scopes, position=position)


def _walk(
    scopes: tuple[dict[str, Any], ...], position: int, path: Sequence[str]
) -> Iterator[tuple[tuple[dict[str, Any], ...], int]]:
    """Every object at the path (`a.b[].c`, [] for each element), with the objects around it and its position."""
    if not path:
        yield scopes, position
        return
    name = path[0].removesuffix("[]")
    value = scopes[0].get(name)
    if path[0].endswith("[]"):
        for number, each in enumerate(value if isinstance(value, list) else [], start=1):
            if isinstance(each, dict):
                yield from _walk((each, *scopes), number, path[1:])
    elif isinstance(value, dict):
        yield from _walk((value, *scopes), position, path[1:])
