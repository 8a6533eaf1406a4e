"""The one path on which facts come in: API, events, imports and simulation all end here.

A batch is merged in one transaction: copied to a temporary table, compared with the stored rows, which are locked in
key order, and written where it differs. The instants that the old and the new row name are marked in the same
transaction, so that the next tick counts their buckets again.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, TypeVar

from django.db import OperationalError, connection, transaction
from msgspec import Struct
from psycopg.types.json import Jsonb

from accounts.models import Organization
from kpis import feeds
from kpis.failpoints import fp
from kpis.merge import Merge
from kpis.messages import EXCEPTION, INVOICE, SYSTEM, FieldError, Kind, Refused, read_fields
from kpis.models import InvoiceException, InvoiceMetric, SeenEvent, SystemMetric
from kpis.rounds import rounds

MODELS = {INVOICE.name: InvoiceMetric, EXCEPTION.name: InvoiceException}
RETRIED = {"40P01", "40001"}  # deadlock, serialization failure
ATTEMPTS = 4
T = TypeVar("T")
Write = Callable[[Kind, Organization, Sequence[Any], datetime], Iterator[tuple[int, int]]]  # rows (created, updated)


@dataclass(frozen=True)
class RowError:
    index: int
    id: str | None
    errors: list[FieldError]


@dataclass
class Result:
    """What became of a batch, in rows."""

    received: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    errors: list[RowError] = field(default_factory=list)

    def count(self, stored: Sequence[tuple[int, int]]) -> None:
        """What was stored, as (created, updated); the rest of what was good changed nothing."""
        self.created = sum(created for created, _ in stored)
        self.updated = sum(updated for _, updated in stored)
        self.unchanged = self.received - self.rejected - self.created - self.updated

    def as_data(self, key: str) -> dict[str, object]:
        """For JSON, with the rows' id under its own name."""
        rows = [
            {"index": row.index, key: row.id, "errors": [asdict(each) for each in row.errors]} for row in self.errors
        ]
        return {**vars(self), "errors": rows}


class Rejected(Exception):
    """An all-or-none batch with a refused row; nothing was stored."""

    def __init__(self, result: Result) -> None:
        super().__init__(f"{result.rejected} rows were refused; nothing was stored")
        self.result = result


def store_rows(
    kind: Kind, organization: Organization, rows: Sequence[Mapping[str, object]], *, now: datetime
) -> Result:
    """Store rows of plain values (text is read as the field's type), as an import has them."""
    return store(kind, organization, [read_fields(kind, row, now) for row in rows], now=now)


def store(
    kind: Kind,
    organization: Organization,
    rows: Sequence[Struct | Refused],
    *,
    now: datetime,
    atomic: bool = False,
    write: Write | None = None,
) -> Result:
    """Store checked rows in one transaction. Raises Rejected if `atomic` and a row was refused.

    `write` is how a floor above stores what it keeps itself.
    """
    result, messages = _split(rows)
    if atomic and result.rejected:
        raise Rejected(result)
    write = write or (_write_figures if kind is SYSTEM else _write_batch)
    result.count(_retried(lambda: _in_transaction(write, kind, organization, messages, now)))
    return result


def store_events(
    organization: Organization,
    events: Sequence[tuple[str, str, Kind, Struct] | Refused],
    *,
    now: datetime,
    atomic: bool = False,
) -> Result:
    """Store (source, id, kind, message) events; one that was seen before counts as unchanged."""
    result, known = _split(events)
    if atomic and result.rejected:
        raise Rejected(result)
    result.count(_retried(lambda: _in_transaction(_write_events, organization, known, now)))
    return result


def _split(rows: Sequence[T | Refused]) -> tuple[Result, list[T]]:
    errors = [RowError(i, row.id, row.errors) for i, row in enumerate(rows) if isinstance(row, Refused)]
    good = [row for row in rows if not isinstance(row, Refused)] if errors else list(rows)
    return Result(received=len(rows), rejected=len(errors), errors=errors), good  # type: ignore[return-value]


def _in_transaction(write: Callable[..., Iterator[tuple[int, int]]], *args: object) -> list[tuple[int, int]]:
    with transaction.atomic():
        stored = list(write(*args))
        fp("ingest.before_commit")
    return stored


def _retried(attempt: Callable[[], T]) -> T:
    """Two batches may still lock each other out when both bring the same new keys; one of them starts again."""
    for left in reversed(range(ATTEMPTS)):
        try:
            return attempt()
        except OperationalError as error:
            code = getattr(error.__cause__, "sqlstate", None)
            if code not in RETRIED or not left or connection.in_atomic_block:
                raise
            time.sleep(random.uniform(0.01, 0.1))  # noqa: S311 - jitter, no secret
    raise AssertionError("unreachable")


def _write_batch(
    kind: Kind, organization: Organization, messages: Sequence[Struct], now: datetime
) -> Iterator[tuple[int, int]]:
    feeds.arrived(organization, {kind.wrapper: len(messages)}, now=now)
    return _write_facts(kind, organization, messages, now)


def _write_facts(
    kind: Kind, organization: Organization, messages: Sequence[Struct], now: datetime
) -> Iterator[tuple[int, int]]:
    merge = Merge(kind, MODELS[kind.name], organization, now)
    for batch in rounds(messages, attrgetter(kind.key)):
        yield merge.apply(batch)


def _write_events(
    organization: Organization, events: Sequence[tuple[str, str, Kind, Struct]], now: datetime
) -> Iterator[tuple[int, int]]:
    feeds.arrived(organization, Counter(kind.wrapper for _, _, kind, _ in events), now=now)
    ids = [(source, event_id) for source, event_id, _, _ in events]
    new = _unseen(organization, set(ids))
    for kind in (INVOICE, EXCEPTION):
        messages = [event[3] for event in _first_of_each(events, new) if event[2] is kind]
        yield from _write_facts(kind, organization, messages, now)


def _first_of_each(
    events: Sequence[tuple[str, str, Kind, Struct]], new: set[tuple[str, str]]
) -> list[tuple[str, str, Kind, Struct]]:
    first: dict[tuple[str, str], tuple[str, str, Kind, Struct]] = {}
    for event in events:
        first.setdefault(event[:2], event)
    return [event for key, event in first.items() if key in new]


def _unseen(organization: Organization, ids: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Of (source, id) pairs those that are new, remembered from now on."""
    table = SeenEvent._meta.db_table
    ordered = sorted(ids)  # two batches with the same events must lock them in one order
    sql = f"""
        INSERT INTO {table} (organization_id, source, event_id)
        SELECT %s, * FROM unnest(%s::text[], %s::text[]) ON CONFLICT DO NOTHING RETURNING source, event_id
    """  # noqa: S608 - the table's own name
    with connection.cursor() as cursor:
        cursor.execute(sql, [organization.pk, [s for s, _ in ordered], [i for _, i in ordered]])
        return set(cursor.fetchall())


def _write_figures(
    kind: Kind, organization: Organization, figures: Sequence[Struct], now: datetime
) -> Iterator[tuple[int, int]]:
    for batch in rounds(figures, _identity):
        yield _upsert_figures(organization, sorted(batch, key=_identity), now)


def _identity(figure: Any) -> tuple[object, ...]:
    return figure.metric_name, figure.measured_at, tuple(sorted(figure.dimensions.items()))


def _upsert_figures(organization: Organization, figures: Sequence[Any], now: datetime) -> tuple[int, int]:
    table = SystemMetric._meta.db_table
    stored = ("metric_name", "measured_at", "dimensions", "metric_category", "value", "unit")
    sql = f"""
        INSERT INTO {table} AS m (organization_id, created_at, {", ".join(stored)})
        SELECT %s, %s, * FROM unnest(%s::text[], %s::timestamptz[], %s::jsonb[], %s::text[], %s::float8[], %s::text[])
        ON CONFLICT (organization_id, metric_name, measured_at, dimensions) DO UPDATE
        SET metric_category = excluded.metric_category, value = excluded.value, unit = excluded.unit
        WHERE (m.metric_category, m.value, m.unit)
            IS DISTINCT FROM (excluded.metric_category, excluded.value, excluded.unit)
        RETURNING xmax = 0"""  # noqa: S608 - the table's own name; xmax is 0 in a row that is new
    columns = [[getattr(figure, name) for figure in figures] for name in stored]
    columns[2] = [Jsonb(dimensions) for dimensions in columns[2]]
    with connection.cursor() as cursor:
        cursor.execute(sql, [organization.pk, now, *columns])
        created = [new for (new,) in cursor.fetchall()]
    return sum(created), len(created) - sum(created)
