"""Memory does not grow with the file: the peak of a large file is that of a small one."""

import gzip
import io
import tracemalloc
import zipfile
from collections.abc import Iterable, Iterator

import pytest

from kpis.importers import Translator, parse_mapping, read_records
from kpis.messages import EXCEPTION, INVOICE
from tests.kpis.files import EVENT, OWN

ALLOWED = 4_000_000  # bytes above what a tenth of the file takes; each file has more than twice that
PAD = "x" * 900
LOG = parse_mapping(
    "kind: invoice\nevents: {}\nfields:\n  invoice_id: concept:name\n  ready_at: {first: Ready}", INVOICE
)
CASES = parse_mapping("kind: exception\nevents: {case: number}\nfields: {exception_id: number, kind: pad}", EXCEPTION)


class Stream(io.RawIOBase):
    """A file that is made while it is read."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces, self._rest = iter(pieces), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        taken, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


def csv_rows(count: int) -> Iterator[bytes]:
    yield b"invoice_id,vendor\n"
    for number in range(count):
        yield f"I{number},{PAD}\n".encode()


def case_rows(count: int) -> Iterator[bytes]:
    yield b"number,pad\n"
    for number in range(count):
        yield f"C{number % 7},{number}{PAD}\n".encode() if number < 100 else f"C{number},{number}{PAD}\n".encode()


def json_lines(count: int) -> Iterator[bytes]:
    for number in range(count):
        yield f'{{"invoice_id": "I{number}", "vendor": "{PAD}"}}\n'.encode()


def traces(count: int) -> Iterator[bytes]:
    yield b"<log>"
    event = EVENT.format("Ready", "2024-01-01T10:00:00Z")
    for number in range(count):
        pad = f'<string key="pad" value="{PAD}"/>'
        yield f'<trace><string key="concept:name" value="{number}"/>{pad}{event}</trace>'.encode()
    yield b"</log>"


def endless_quote(count: int) -> Iterator[bytes]:
    yield b'invoice_id,vendor\nA,"'
    yield from (b"y" * 1_000 + b"\n" for _ in range(count))


def one_line(count: int) -> Iterator[bytes]:
    yield b"invoice_id,vendor\nA,"
    yield from (b"z" * 1_000 for _ in range(count))
    yield b"\nB,good\n"


def endless_attribute(count: int) -> Iterator[bytes]:
    yield b'<log><trace><string key="'
    yield from (b"z" * 1_000 for _ in range(count))


def peak(name: str, pieces: Iterable[bytes], translator: Translator) -> tuple[int, int]:
    """Bytes of Python memory at the highest point of reading, and the number of records."""
    tracemalloc.start()
    try:
        raw = io.BufferedReader(Stream(pieces))
        count = sum(1 for _ in read_records(raw, name, translator))
        return tracemalloc.get_traced_memory()[1], count
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("name", "make", "translator"),
    [
        ("a.csv", csv_rows, OWN),
        ("a.jsonl", json_lines, OWN),
        ("a.xes", traces, LOG),
        ("a.csv", case_rows, CASES),
        ("a.csv", endless_quote, OWN),
        ("a.csv", one_line, OWN),
    ],
)
def test_memory_does_not_grow_with_the_file(
    name: str, make: object, translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kpis.importers.grouping.RUN_BYTES", 1_000_000)

    small, few = peak(name, make(1_000), translator)  # type: ignore[operator]
    large, many = peak(name, make(12_000), translator)  # type: ignore[operator]

    assert large < small + ALLOWED
    assert many > few * 5 or make is one_line


def test_an_element_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kpis.importers.xes.MAX_TRACE", 2_000_000)

    highest, count = peak("a.xes", endless_attribute(20_000), LOG)

    assert highest < 12_000_000
    assert count == 1


@pytest.mark.parametrize("name", ["a.csv.gz", "a.zip"])
def test_a_bomb_of_200_megabytes_takes_no_more_than_a_line(name: str) -> None:
    packed = io.BytesIO()
    zeros = bytes(1_000_000)
    if name.endswith("zip"):
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.csv", "w") as member:
            write_bomb(member, zeros)
    else:
        with gzip.GzipFile(fileobj=packed, mode="w", compresslevel=1) as member:
            write_bomb(member, zeros)
    packed.seek(0)

    tracemalloc.start()
    records = list(read_records(packed, name, OWN))
    highest = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert highest < 10_000_000
    assert [type(record).__name__ for record in records] == ["Row", "Broken", "Row"]


def write_bomb(member: object, zeros: bytes) -> None:
    member.write(b"invoice_id\nA\n")  # type: ignore[attr-defined]
    for _ in range(200):
        member.write(zeros)  # type: ignore[attr-defined]
    member.write(b"\nB\n")  # type: ignore[attr-defined]
