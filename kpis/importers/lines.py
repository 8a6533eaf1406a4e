"""Lines of a stream in bounded memory, whatever their length."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from kpis.importers.records import STREAM_ERRORS, Broken, why

MAX_LINE = 1_000_000
SHOWN = 200


@dataclass(frozen=True, slots=True)
class Line:
    number: int
    text: str


def read_lines(stream: BinaryIO, file: str, encoding: str = "utf-8") -> Iterator[Line | Broken]:
    """Every line without its end.

    One that is too long, not in `encoding` or holds a NUL is Broken, and the next ones follow.
    A stream that breaks off ends with one Broken; what came before its last line end was yielded.
    """
    number = 0
    try:
        for raw in _bounded(stream):
            number += 1
            yield _line(file, number, raw, encoding)
    except STREAM_ERRORS as error:
        yield Broken(file, number + 1, why(error))


def _bounded(stream: BinaryIO) -> Iterator[bytes]:
    """Lines of at most MAX_LINE + 1 bytes; the rest of a longer one is read and dropped."""
    while line := stream.readline(MAX_LINE + 1):
        yield line
        while line and len(line) > MAX_LINE and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE + 1)


def _line(file: str, number: int, raw: bytes, encoding: str) -> Line | Broken:
    shown = raw[:SHOWN].decode("utf-8", "backslashreplace").replace("\0", "\\0")
    if len(raw) > MAX_LINE and not raw.endswith(b"\n"):
        return Broken(file, number, f"The line is longer than {MAX_LINE:,} bytes.", shown)
    if b"\0" in raw:
        hint = " This looks like UTF-16: save the file as UTF-8." if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else ""
        return Broken(file, number, f"The line holds a NUL byte.{hint}", shown)
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        return Broken(file, number, f"Byte {error.start + 1} is not {encoding}: {error.reason}.", shown)
    if number == 1:
        text = text.removeprefix("\ufeff")
    return Line(number, text.rstrip("\r\n"))
