"""Bodies of requests as rows, read within bounds of memory.

A whole batch is decoded at once; only when that fails is each row looked at alone, so that good rows pass.
"""

import io
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from kpis.messages import TEXT_NUMBER, Kind, Refused, checked, read_json, syntax

MAX_ROWS = 5_000
MAX_VALUES = 400_000  # in one body: MAX_ROWS rows with every field and label, and a bound for the memory they take
UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
T = TypeVar("T")


class BadBody(ValueError):
    """The body as a whole cannot be read; nothing was stored."""


class TooMuch(BadBody):
    """More than one body may hold."""


# Halves of surrogate pairs, behind an even number of backslashes; whole pairs are group 2.
HALVES = re.compile(
    rb"(?<!\\)((?:\\\\)*+)(?:"
    rb"((?:\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})++)"
    rb"|(?:\\u[dD](?:[c-fC-F][0-9a-fA-F]{2}|[89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])))++)"
)


def decode(kind: Kind, body: bytes, now: datetime) -> tuple[list[Struct | Refused], bool]:
    """The rows of a JSON body, and whether it was a single object. Raises BadBody."""
    body = readable(body)
    if body.count(b"{") > 2 * MAX_ROWS + 1 or TEXT_NUMBER.search(body):
        return _decode_rows(kind, body, now)
    try:
        rows = getattr(kind.batch_decoder.decode(body), kind.wrapper)
    except UNREADABLE:
        return _decode_rows(kind, body, now)
    return checked(kind, _few(rows), now, b"\\u0000" in body), False


def readable(body: bytes) -> bytes:
    """The body without a byte order mark. Raises BadBody if it is not UTF-8 at first sight, empty or too much."""
    body = body.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in body[:4] or body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise BadBody("This looks like UTF-16 or UTF-32; send UTF-8.")
    if not body.strip():
        raise BadBody("The body is empty.")
    if body.count(b",") > MAX_VALUES:
        raise TooMuch(f"A body may hold up to {MAX_ROWS:,} rows with {MAX_VALUES:,} values; send several.")
    return body


def _few(rows: Sequence[T]) -> Sequence[T]:
    if len(rows) > MAX_ROWS:
        raise TooMuch(f"A body may hold up to {MAX_ROWS:,} rows, this one holds {len(rows):,}; send several.")
    return rows


def split(body: bytes) -> Sequence[Raw]:
    """The elements of a JSON array, unread. Raises BadBody."""
    try:
        return _few(msgspec.json.decode(body, type=list[Raw]))
    except UNREADABLE as error:
        raise BadBody(syntax(error)) from None


def whole(body: bytes) -> bytes:
    """JSON without halves of surrogate pairs: NUL stands for them, so that only the rows that hold them are refused."""
    return HALVES.sub(lambda match: match[0] if match[2] else match[1] + b"\\u0000", body)


def _decode_rows(kind: Kind, body: bytes, now: datetime) -> tuple[list[Struct | Refused], bool]:
    body = whole(body).lstrip()
    if body.startswith(b"["):
        return [read_json(kind, bytes(row), now) for row in split(body)], False
    try:
        envelope = msgspec.json.decode(body, type=dict[str, Raw])
    except UNREADABLE as error:
        raise BadBody(syntax(error)) from None
    if kind.wrapper not in envelope:
        return [read_json(kind, body, now)], True
    if len(envelope) > 1:
        other = sorted(set(envelope) - {kind.wrapper})[0][:50]
        raise BadBody(f"Beside `{kind.wrapper}` the body may hold nothing: {other!r}.")
    return [read_json(kind, bytes(row), now) for row in split(bytes(envelope[kind.wrapper]))], False


def lines(body: bytes) -> Iterator[bytes]:
    """The lines of newline-delimited JSON that hold anything. Raises BadBody, at the first line too many as well."""
    found = 0
    for line in io.BytesIO(readable(body)):
        if line.strip():
            found += 1
            if found > MAX_ROWS:
                raise TooMuch(f"A body may hold up to {MAX_ROWS:,} rows; send several.")
            yield whole(line)


def decode_lines(kind: Kind, body: bytes, now: datetime) -> list[Struct | Refused]:
    """The rows of newline-delimited JSON; a broken line refuses only itself. Raises BadBody."""
    return [read_json(kind, line, now) for line in lines(body)]
