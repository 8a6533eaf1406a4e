"""FILE.rejected.csv: every record that was not stored, with its line and the reason, safe to open in a spreadsheet."""

import csv
import os
from pathlib import Path
from types import TracebackType
from typing import TextIO

from accounts.cells import defused
from kpis.imports import Rejected

COLUMNS = ["file", "line", "id", "reason", "row"]
SHOWN = 5_000


class RejectsFile:
    """Written from the first rejected record on; the one of an earlier import is removed when there is none.

    It lies beside the imported file, or in the working directory when that folder cannot be written to.
    """

    def __init__(self, imported: Path) -> None:
        name = f"{imported.name}.rejected.csv"
        self._places = [imported.with_name(name), Path.cwd() / name]
        self._file: TextIO | None = None
        self.path: Path | None = None

    def write(self, rejected: Rejected) -> None:
        if self._file is None:
            self._file = self._open()
            csv.writer(self._file).writerow(COLUMNS)
        cells = [rejected.file, rejected.line, rejected.id, rejected.reason, rejected.raw[:SHOWN]]
        csv.writer(self._file).writerow([defused(str(cell)) for cell in cells])

    def _open(self) -> TextIO:
        for place in self._places:
            try:
                file = place.open("w", encoding="utf-8", errors="backslashreplace", newline="")
            except OSError:
                if place is self._places[-1]:
                    raise
            else:
                self.path = place
                return file
        raise AssertionError("unreachable")

    def __enter__(self) -> "RejectsFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()
        elif kind is None:
            writable = os.access(self._places[0].parent, os.W_OK)
            self._places[0 if writable else -1].unlink(missing_ok=True)
