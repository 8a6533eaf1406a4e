"""CSV: one item per record, with a broken line costing only itself."""

import csv
from collections import deque
from collections.abc import Callable, Iterator
from typing import BinaryIO

from kpis.importers.lines import MAX_LINE, SHOWN, Line, read_lines
from kpis.importers.records import Broken, Item, Unusable

MAX_JOINED = 100  # lines of one record with line ends inside quotes


def read_csv(
    stream: BinaryIO, file: str, check: Callable[[list[str]], None], *, delimiter: str = ",", encoding: str = "utf-8"
) -> Iterator[Item | Broken]:
    """The records below the header. `check` raises Unusable for a header that does not fit."""
    records = _Records(read_lines(stream, file, encoding), file, delimiter)
    header = records.header()
    check(header)
    while (cells := records.next(len(header))) is not None:
        if isinstance(cells, Broken):
            yield cells
        else:
            yield Item(file, records.line, (dict(zip(header, cells, strict=True)),), raw=records.raw, flat=True)


class _Records:
    """Reads record by record.

    A quote that is opened and never closed would swallow the lines that follow, so a record of several lines is
    believed only when it comes out with the header's width; else its first line alone is broken.
    """

    def __init__(self, lines: Iterator[Line | Broken], file: str, delimiter: str) -> None:
        self._lines, self._file, self._delimiter = lines, file, delimiter
        self._held: deque[Line | Broken] = deque()
        self.line, self.raw = 0, ""

    def header(self) -> list[str]:
        first = self.next(0)
        if first is None:
            raise Unusable("The file is empty: it has no header line.")
        if isinstance(first, Broken):
            raise Unusable(f"Line {first.line}, the header: {first.reason}")
        names = [name.strip() for name in first]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise Unusable(f"Line {self.line}, the header: column {twice[0]!r} stands there twice.")
        return names

    def next(self, width: int) -> list[str] | Broken | None:
        """The cells of the next record, the next broken line, or None at the end. Width 0: any."""
        first = self._pull()
        while isinstance(first, Line) and not first.text.strip():
            first = self._pull()
        if not isinstance(first, Line):
            return first
        taken = [first]
        try:
            cells = next(csv.reader(self._feed(taken), delimiter=self._delimiter, strict=True))
            reason = "" if len(cells) == width or not width else f"{len(cells)} columns; the header has {width}."
        except csv.Error as error:
            cells, reason = [], f"Not CSV: {error}."
        if reason and len(taken) > 1:
            self._held.extendleft(reversed(taken[1:]))
            reason = "A quote is opened in this line and not closed where it should be."
        self.line, self.raw = first.number, "\n".join(line.text for line in taken)
        return Broken(self._file, first.number, reason, first.text[:SHOWN]) if reason else cells

    def _pull(self) -> Line | Broken | None:
        return self._held.popleft() if self._held else next(self._lines, None)

    def _feed(self, taken: list[Line]) -> Iterator[str]:
        yield taken[0].text + "\n"
        size = len(taken[0].text)
        while len(taken) < MAX_JOINED and size < MAX_LINE:
            line = self._pull()
            if not isinstance(line, Line):
                if line is not None:
                    self._held.appendleft(line)
                return
            taken.append(line)
            size += len(line.text)
            yield line.text + "\n"
