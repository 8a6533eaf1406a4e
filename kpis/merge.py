"""The merge of a batch into its table: SQL built from the fields of a kind of message.

A field that a message does not name stays; one that it names replaces the stored value, null included. Labels are
merged key by key. tests/kpis/test_merge.py compares this with a naive merge, row by row.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache, reduce
from itertools import repeat
from operator import is_, itemgetter, or_
from typing import Any

import msgspec
from django.db import connection, models
from msgspec import UNSET, Struct
from msgspec.structs import astuple

from accounts.models import Organization
from kpis.messages import EXCEPTION, INVOICE, Kind
from kpis.models import DirtyBucket, ExceptedInvoice, InvoiceException, InvoiceMetric

INVOICES, EXCEPTIONS, MARKS, EXCEPTED = (
    model._meta.db_table for model in (InvoiceMetric, InvoiceException, DirtyBucket, ExceptedInvoice)
)
STRIPES = 64
FINDS_INVOICES = ("uploaded_at", "extracted_at", "validated_at", "ready_at", "approved_at", "completed_at")  # indexed
NO_TIME = "no_time"  # marks that an invoice has changed that none of these finds
PASSES = 10  # a second is rare, a third needs rows that come and go
CSV = r"""FORMAT csv, QUOTE '"', ESCAPE '\', NULL 'null'"""
ESCAPE = re.compile(rb"\\(?:u....|.)")
JSON = msgspec.json.Encoder()


class Merge:
    """Merges batches of one kind for one organisation, inside the caller's transaction."""

    def __init__(self, kind: Kind, model: type[models.Model], organization: Organization, now: datetime) -> None:
        self.kind, self.table, self.now = kind, model._meta.db_table, now
        self.organization = organization

    def apply(self, batch: Sequence[Struct]) -> tuple[int, int]:
        """Merge messages with distinct keys; rows (created, updated)."""
        rows = [astuple(message) for message in batch]
        masks = [_mask(tuple(map(is_, row, repeat(UNSET)))) for row in rows]
        union, uniform = reduce(or_, masks), len(set(masks)) == 1
        named = tuple(name for i, name in enumerate(self.kind.fields) if union >> i & 1)
        with connection.cursor() as cursor:
            self._stage(cursor, zip(masks, rows, strict=True), named, uniform)
            return self._merge(cursor, named, uniform)

    def _merge(self, cursor: Any, named: tuple[str, ...], uniform: bool) -> tuple[int, int]:
        params = {"organization": self.organization.pk, "now": self.now}
        created = updated = 0
        for _ in range(PASSES):
            if self.kind is not INVOICE or "voided_at" in named:
                cursor.execute(lock_stripes(self.kind), params)
            cursor.execute(statement(self.kind, self.table, named, uniform), params)
            new, inserted, changed = cursor.fetchone()
            created, updated = created + inserted, updated + changed
            if inserted == new:
                return created, updated
            # somebody else inserted some of our new keys meanwhile: merge into those; to the others it changes nothing
        raise RuntimeError("New rows conflict with rows that this transaction cannot see: it must be READ COMMITTED.")

    def _stage(
        self, cursor: Any, rows: Iterable[tuple[int, tuple[object, ...]]], named: Sequence[str], uniform: bool
    ) -> None:
        staged = f"staged_{self.kind.name}"
        cursor.execute(staging_table(self.kind, self.table))
        cursor.execute(f"DELETE FROM {staged}")  # noqa: S608 - a second batch of one transaction
        places = [self.kind.columns.index(name) for name in (self.kind.key, *named)]
        take = itemgetter(*places) if named else itemgetter(slice(1))
        columns = ", ".join(["named", self.kind.key, *named])
        plain = uniform and "labels" not in named
        lines = as_csv([mask, *(take(row) if plain else map(_plain, take(row)))] for mask, row in rows)
        with cursor.copy(f"COPY {staged} ({columns}) FROM STDIN ({CSV})") as copy:
            copy.write(lines)


# Whose exceptions have changed: invoices count in their KPIs whether they have any.
EXCEPTED_MARKS = f"""
            INSERT INTO {EXCEPTED} (organization_id, invoice_id)
            SELECT DISTINCT %(organization)s, invoice_id FROM (
                SELECT invoice_id FROM changed UNION SELECT old_invoice_id FROM changed
            ) ids WHERE invoice_id IS NOT NULL"""  # noqa: S608


@lru_cache(maxsize=512)
def _mask(unset: tuple[bool, ...]) -> int:
    """Bit i: field i is named. `unset`: for the key and each field, whether it is not."""
    return sum(1 << i for i, absent in enumerate(unset[1:]) if not absent)


def as_csv(rows: Iterable[Sequence[object]]) -> bytes:
    """Rows of plain values for COPY with `CSV`: lines of JSON without their brackets, but for some escapes.

    Far faster than a driver, which turns every value into text by itself.
    """
    lines = b"\n".join([JSON.encode(row)[1:-1] for row in rows])
    return ESCAPE.sub(_raw, lines) if b"\\" in lines else lines


def _raw(escape: re.Match[bytes]) -> bytes:
    return escape[0] if escape[0][1:] in b'"\\' else msgspec.json.decode(b'"%b"' % escape[0]).encode()


def _plain(value: object) -> object:
    return None if value is UNSET else JSON.encode(value).decode() if isinstance(value, dict) else value


@lru_cache
def staging_table(kind: Kind, table: str) -> str:
    columns = ", ".join((kind.key, *kind.fields))
    return (
        f"CREATE TEMP TABLE IF NOT EXISTS staged_{kind.name} ON COMMIT DELETE ROWS AS"  # noqa: S608
        f" SELECT 0::bigint AS named, {columns} FROM {table} WITH NO DATA"
    )


@lru_cache
def lock_stripes(kind: Kind) -> str:
    """An exception counts unless its invoice is voided: writers of the two meet here, row or no row."""
    if kind is INVOICE:
        ids = "SELECT invoice_id FROM staged_invoice"
    else:
        ids = f"""
            SELECT invoice_id FROM staged_exception WHERE invoice_id IS NOT NULL
            UNION SELECT m.invoice_id FROM {EXCEPTIONS} m JOIN staged_exception s USING (exception_id)
                WHERE m.organization_id = %(organization)s AND m.invoice_id IS NOT NULL"""  # noqa: S608
    return f"""
        SELECT count(pg_advisory_xact_lock(hashtext(%(organization)s::text), stripe)) FROM (
            SELECT DISTINCT abs(hashtext(invoice_id) %% {STRIPES}) AS stripe FROM ({ids}) ids ORDER BY 1
        ) stripes"""  # noqa: S608


@lru_cache(maxsize=512)
def statement(kind: Kind, table: str, named: tuple[str, ...], uniform: bool) -> str:
    """Merge the staged rows; answers (new keys, inserted, updated). `named`: fields that any row names.

    `known` waits, in key order, for whoever is changing the same rows, and reads what they left: FOR UPDATE does.
    """
    key = kind.key
    read = dict.fromkeys((*kind.times, *named, *(["invoice_id"] if kind is EXCEPTION else [])))
    merged = [f"{_merged(kind, name, uniform) if name in named else f'o.{name}'} AS {name}" for name in read]
    old = [f"o.{name} AS old_{name}" for name in read]
    differs = " OR ".join([f"{name} IS DISTINCT FROM old_{name}" for name in named] or ["false"])
    sets = ", ".join([*(f"{name} = c.{name}" for name in named), "updated_at = %(now)s"])
    columns = "".join(f", {name}" for name in named)
    turned = "changed c WHERE (c.voided_at IS NULL) <> (c.old_voided_at IS NULL)"
    voided = _voiding_marks(turned) if "voided_at" in named else ""
    excepted = f", excepted AS ({EXCEPTED_MARKS})" if kind is EXCEPTION else ""
    return f"""
        WITH known AS (
            SELECT {", ".join([f"m.{name}" for name in ("id", key, *read)])}
            FROM staged_{kind.name} s JOIN {table} m ON m.organization_id = %(organization)s AND m.{key} = s.{key}
            ORDER BY m.{key} FOR UPDATE OF m
        ), pair AS (
            SELECT {", ".join([f"s.{key}", "o.id AS old_id", *merged, *old])}
            FROM staged_{kind.name} s LEFT JOIN known o ON o.{key} = s.{key}
        ), changed AS (
            SELECT * FROM pair WHERE old_id IS NULL OR {differs}
        ), updated AS (
            UPDATE {table} m SET {sets} FROM changed c WHERE m.id = c.old_id RETURNING m.id
        ), inserted AS (
            INSERT INTO {table} (organization_id, {key}, created_at, updated_at{columns})
            SELECT %(organization)s, {key}, %(now)s, %(now)s{columns} FROM changed WHERE old_id IS NULL ORDER BY {key}
            ON CONFLICT (organization_id, {key}) DO NOTHING RETURNING id
        ), marked AS (
            {_marks(kind, voided)}
        ){excepted}
        SELECT (SELECT count(*) FROM changed WHERE old_id IS NULL), (SELECT count(*) FROM inserted),
            (SELECT count(*) FROM updated)"""  # noqa: S608


def _merged(kind: Kind, name: str, uniform: bool) -> str:
    new, old = f"s.{name}", f"o.{name}"
    if name == "labels":
        old = "coalesce(o.labels, '{}')"
        new = f"CASE WHEN s.labels IS NULL THEN '{{}}' ELSE jsonb_strip_nulls({old} || s.labels) END"
    bit = 1 << kind.fields.index(name)
    return new if uniform else f"CASE WHEN s.named & {bit} <> 0 THEN {new} ELSE {old} END"


def _marks(kind: Kind, more: str) -> str:
    """Mark the buckets of the instants that the changed rows name, or named before.

    Rows that come together lie in few combinations of buckets: those are found first, and only they are taken apart.
    """
    new, old = (", ".join(_bucket(prefix + name) for name in kind.times) for prefix in ("", "old_"))
    fields = ", ".join(f"('{name}', {name})" for name in kind.times)
    timeless = _timeless_mark() if kind is INVOICE else ""
    return f"""
            INSERT INTO {MARKS} (organization_id, field, start)
            SELECT DISTINCT %(organization)s, field, start FROM (
                SELECT v.field, v.start FROM (
                    SELECT {new} FROM changed UNION SELECT {old} FROM changed WHERE old_id IS NOT NULL
                ) together ({", ".join(kind.times)}), LATERAL (VALUES {fields}) v (field, start) {more}{timeless}
            ) marks WHERE start IS NOT NULL"""  # noqa: S608


def _bucket(instant: str) -> str:
    return f"date_bin('5 minutes', {instant}, timestamptz '2000-01-01 00:00Z')"


def _timeless_mark() -> str:
    return f"""
                UNION ALL SELECT '{NO_TIME}', {_bucket("%(now)s")}
                WHERE EXISTS (SELECT FROM changed WHERE coalesce({", ".join(FINDS_INVOICES)}) IS NULL)"""  # noqa: S608


def _voiding_marks(invoices: str) -> str:
    """Voiding an invoice, or taking it back, changes the figures of its exceptions."""
    return f"""
                UNION ALL SELECT v.field, {_bucket("v.at")} FROM (SELECT c.invoice_id FROM {invoices}) voided
                JOIN {EXCEPTIONS} e ON e.organization_id = %(organization)s AND e.invoice_id = voided.invoice_id,
                LATERAL (VALUES ('opened_at', e.opened_at), ('resolved_at', e.resolved_at)) v (field, at)"""  # noqa: S608
