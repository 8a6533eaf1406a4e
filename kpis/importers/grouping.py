"""Rows of an event log brought together by case, however they are spread over the file.

An external merge sort: runs of rows are sorted in memory, laid on disk, and merged. Memory is bounded by one run and
one case.
"""

import heapq
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import groupby
from operator import itemgetter

import msgspec

from kpis.importers.lines import SHOWN
from kpis.importers.records import Broken, Item

RUN_BYTES = 32_000_000
ROW_OVERHEAD = 200  # what a small row costs in memory beside its text
MAX_EVENTS = 100_000  # rows of one case

Entry = tuple[str, int, bytes]  # case, place in the source, the row packed as [file, line, fields]
_ENTRY = msgspec.json.Decoder(tuple[str, int, msgspec.Raw])
_ROW = msgspec.json.Decoder(tuple[str, int, dict[str, object]])


def by_case(
    items: Iterable[Item | Broken], case: Callable[[Item], str | None], columns: Iterable[str]
) -> Iterator[Item | Broken]:
    """One item per case with its rows as events, in the order of the source and with only `columns` kept.

    Broken ones come first.
    """
    with ExitStack() as files:
        sorter = _Sorter(files, frozenset(columns))
        for place, item in enumerate(items):
            if isinstance(item, Broken):
                yield item
            elif key := case(item):
                sorter.add(key, place, item)
            else:
                yield Broken(item.file, item.line, "The row names no case.", item.raw[:SHOWN])
        yield from _cases(sorter.merged())


class _Sorter:
    """Collects rows and gives them back sorted by case and place."""

    def __init__(self, files: ExitStack, columns: frozenset[str]) -> None:
        self._files, self._columns = files, columns
        self._runs: list[Iterable[Entry]] = []
        self._run: list[Entry] = []
        self._size = 0

    def add(self, case: str, place: int, item: Item) -> None:
        fields = {name: value for name, value in item.scopes[0].items() if name in self._columns}
        row = msgspec.json.encode((item.file, item.line, fields))
        self._run.append((case, place, row))
        self._size += len(row) + ROW_OVERHEAD
        if self._size > RUN_BYTES:
            self._spill()

    def _spill(self) -> None:
        file = self._files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
        lines = (msgspec.json.encode((case, place, msgspec.Raw(row))) for case, place, row in sorted(self._run))
        file.writelines(line + b"\n" for line in lines)
        file.seek(0)
        self._runs.append((case, place, bytes(row)) for case, place, row in map(_ENTRY.decode, file))
        self._run, self._size = [], 0

    def merged(self) -> Iterator[Entry]:
        return heapq.merge(*self._runs, sorted(self._run))


def _cases(entries: Iterable[Entry]) -> Iterator[Item | Broken]:
    for case, group in groupby(entries, key=itemgetter(0)):
        rows: list[tuple[str, int, dict[str, object]]] = []
        for _, _, packed in group:
            if len(rows) <= MAX_EVENTS:
                rows.append(_ROW.decode(packed))
        file, line, _ = rows[0]
        if len(rows) > MAX_EVENTS:
            yield Broken(file, line, f"Case {case!r} has more than {MAX_EVENTS:,} rows.")
        else:
            yield Item(file, line, (), events=[fields for _, _, fields in rows])
