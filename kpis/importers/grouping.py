"""Rows of an event log brought together by case, however they are spread over the file.

An external merge sort: runs of rows are sorted in memory, laid on disk, and merged. Memory is bounded by one run and
one case.
"""

import heapq
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import IO

import msgspec

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
    keep = set(columns)
    runs: list[Iterable[Entry]] = []
    run: list[Entry] = []
    size = 0
    for place, item in enumerate(items):
        if isinstance(item, Broken):
            yield item
        elif not (key := case(item)):
            yield Broken(item.file, item.line, "The row names no case.", item.raw[:200])
        else:
            fields = {name: value for name, value in item.scopes[0].items() if name in keep}
            run.append((key, place, msgspec.json.encode((item.file, item.line, fields))))
            size += len(run[-1][2]) + ROW_OVERHEAD
            if size > RUN_BYTES:
                runs.append(_spill(sorted(run)))
                run, size = [], 0
    runs.append(sorted(run))
    yield from _cases(heapq.merge(*runs))


def _spill(run: list[Entry]) -> Iterator[Entry]:
    file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the iterator that reads it
    file.writelines(msgspec.json.encode((case, place, msgspec.Raw(row))) + b"\n" for case, place, row in run)
    file.seek(0)
    return ((case, place, bytes(row)) for case, place, row in map(_ENTRY.decode, file))


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
