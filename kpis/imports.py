"""An import: the records of a file become stored rows, chunk by chunk, by the path that the API takes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from django.db import transaction
from msgspec import Struct

from accounts.models import Organization
from kpis.importers import Broken, Record, Row, Skipped
from kpis.ingest import Result, store
from kpis.messages import Kind, Refused, problems, read_fields
from kpis.models import ImportedFile

CHUNK_ROWS = 2_000
CHUNK_BYTES = 8_000_000
WEEK = timedelta(weeks=1)


@dataclass(frozen=True)
class Rejected:
    """One record that was not stored: where it stands, and why."""

    file: str
    line: int
    id: str
    reason: str
    raw: str


@dataclass
class Totals:
    """Counts of records; read = created + updated + unchanged + skipped + rejected."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    rejected: int = 0

    def __iadd__(self, other: "Totals | Result") -> "Totals":
        for name in ("created", "updated", "unchanged", "rejected"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        if isinstance(other, Totals):
            self.read += other.read
            self.skipped += other.skipped
        return self


class Import:
    """The import of one file into one organisation. Every chunk is one transaction; `dry_run` takes each back again."""

    def __init__(
        self,
        kind: Kind,
        organization: Organization,
        *,
        now: datetime,
        shift: timedelta = timedelta(0),
        dry_run: bool = False,
        reject: Callable[[Rejected], None] = lambda rejected: None,
    ) -> None:
        self.kind, self.organization, self.now = kind, organization, now
        self.shift, self.dry_run, self.reject = shift, dry_run, reject
        self.totals = Totals()

    def run(self, records: Iterable[Record]) -> Iterator[Totals]:
        """Store the records; the totals so far, after each chunk and at the end."""
        for chunk in _chunks(self._rows(records)):
            self._store(chunk)
            yield self.totals
        yield self.totals

    def _rows(self, records: Iterable[Record]) -> Iterator[Row]:
        for record in records:
            self.totals.read += 1
            if isinstance(record, Skipped):
                self.totals.skipped += 1
            elif isinstance(record, Broken):
                self.totals.rejected += 1
                self.reject(Rejected(record.file, record.line, "", record.reason, record.raw))
            else:
                yield record

    def _moved(self, message: Struct | Refused) -> Struct | Refused:
        """The message shifted, and checked again: a remembered shift may come from a mapping that read fewer times."""
        if isinstance(message, Refused):
            return message
        for name, at in _times(self.kind, message):
            setattr(message, name, at + self.shift)
        errors = list(problems(self.kind, message, self.now))
        return Refused(getattr(message, self.kind.key), errors) if errors else message

    def _store(self, rows: list[Row]) -> None:
        messages = [read_fields(self.kind, row.fields, self.now) for row in rows]
        if self.shift:
            messages = [self._moved(message) for message in messages]
        with transaction.atomic():
            result = store(self.kind, self.organization, messages, now=self.now)
            transaction.set_rollback(self.dry_run)
        self.totals += result
        for error in result.errors:
            row = rows[error.index]
            reason = " ".join(f"{each.field}: {each.message}" if each.field else each.message for each in error.errors)
            self.reject(Rejected(row.file, row.line, error.id or "", reason, row.raw or _text(row)))


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    size = 0
    for row in rows:
        chunk.append(row)
        size += len(row.raw)
        if len(chunk) >= CHUNK_ROWS or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _text(row: Row) -> str:
    return msgspec.json.encode(row.fields, enc_hook=str).decode()


# --- moving an old log to the present ----------------------------------------------------------------------
def remembered_shift(organization: Organization, sha256: str) -> timedelta | None:
    """By how much this file was moved when it was imported before; None if it never was."""
    found = ImportedFile.objects.filter(organization=organization, sha256=sha256).first()
    return found.shift_weeks * WEEK if found else None


def remember_shift(organization: Organization, sha256: str, shift: timedelta) -> timedelta:
    """Keep the shift of a file; the one that holds, when another import of it was faster."""
    found, _ = ImportedFile.objects.get_or_create(
        organization=organization, sha256=sha256, defaults={"shift_weeks": shift // WEEK}
    )
    return found.shift_weeks * WEEK


def shift_to(now: datetime, kind: Kind, records: Iterable[Record]) -> timedelta | None:
    """The whole weeks that bring the last moment of the records as near to `now` as it goes without passing it.

    Records that ingestion would refuse do not count: they are where the wild dates are. None when no time is left.
    """
    messages = (read_fields(kind, record.fields, now) for record in records if isinstance(record, Row))
    last = max((at for message in messages for _, at in _times(kind, message)), default=None)
    return None if last is None else (now - last) // WEEK * WEEK


def _times(kind: Kind, message: Struct | Refused) -> Iterator[tuple[str, datetime]]:
    for name in () if isinstance(message, Refused) else kind.times:
        at = getattr(message, name)
        if at:
            yield name, at
