"""Counts that a program sends: good and total of an objective in a bucket of 5 minutes. The last one wins."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from django.db import connection
from msgspec import Meta, Struct

from accounts.models import Organization
from kpis import feeds
from kpis.messages import FieldError, Key, Kind, Refused, Time
from kpis.models import DirtyBucket
from kpis.periods import floor
from kpis.rounds import rounds
from slos.indicators import INDICATORS, REPORTED
from slos.models import SLIType, SLODefinition

MOST = 1_000_000_000  # of a bucket: three million a second
Number = Annotated[int, Meta(ge=0, le=MOST)]
FIELD = INDICATORS[SLIType.GOOD_TOTAL].ended


class GoodAndTotal(Struct, forbid_unknown_fields=True, gc=False):
    slo: Annotated[Key, Meta(description="Id or name of an objective of the SLI good_total.")]
    at: Annotated[Time, Meta(description="Any moment of the bucket of 5 minutes that was counted.")]
    good: Number
    total: Number


COUNT = Kind("count", GoodAndTotal, "slo")


def known(organization: Organization, rows: Sequence[GoodAndTotal | Refused]) -> list[GoodAndTotal | Refused]:
    """The rows by the id of their objective and the start of their bucket; refused where it cannot be."""
    fed = SLODefinition.objects.filter(organization=organization, sli_type=SLIType.GOOD_TOTAL)
    found = list(fed.values_list("name", "pk"))
    ids = {name: str(pk) for name, pk in found} | {str(pk): str(pk) for _, pk in found}
    return [row if isinstance(row, Refused) else _placed(row, ids.get(row.slo)) for row in rows]


def _placed(row: GoodAndTotal, slo: str | None) -> GoodAndTotal | Refused:
    errors = []
    if slo is None:
        errors.append(FieldError("slo", "unknown", "No objective of the SLI good_total has this id or name."))
    if row.good > row.total:
        errors.append(FieldError("good", "range", "Must be at most total: it is a part of it."))
    if errors:
        return Refused(row.slo, errors)
    return msgspec.structs.replace(row, slo=slo, at=floor(row.at))


def write(
    kind: Kind, organization: Organization, counts: Sequence[GoodAndTotal], now: datetime
) -> Iterator[tuple[int, int]]:
    """Store rows that are `known`, and mark their buckets, in the caller's transaction; rows (created, updated)."""
    feeds.arrived(organization, {kind.wrapper: len(counts)}, now=now)
    for batch in rounds(counts, _bucket):
        yield _upsert(organization, sorted(batch, key=_bucket), now)


def _bucket(row: GoodAndTotal) -> tuple[str, datetime]:
    return row.slo, row.at


def _upsert(organization: Organization, counts: Sequence[GoodAndTotal], now: datetime) -> tuple[int, int]:
    """An objective that is deleted meanwhile takes its counts with it."""
    sql = f"""
        WITH put AS (
            INSERT INTO {REPORTED} AS c (organization_id, slo_id, counted_at, good, total, created_at, updated_at)
            SELECT %(organization)s, s.slo_id, s.at, s.good, s.total, %(now)s, %(now)s
            FROM unnest(%(slos)s::uuid[], %(at)s::timestamptz[], %(good)s::bigint[], %(total)s::bigint[])
                s (slo_id, at, good, total)
            JOIN {SLODefinition._meta.db_table} d ON d.id = s.slo_id
            ORDER BY s.slo_id, s.at
            ON CONFLICT (slo_id, counted_at) DO UPDATE
            SET good = excluded.good, total = excluded.total, updated_at = excluded.updated_at
            WHERE (c.good, c.total) IS DISTINCT FROM (excluded.good, excluded.total)
            RETURNING counted_at, xmax = 0 AS new
        ), marked AS (
            INSERT INTO {DirtyBucket._meta.db_table} (organization_id, field, start)
            SELECT DISTINCT %(organization)s, '{FIELD}', counted_at FROM put
        ) SELECT count(*) FILTER (WHERE new), count(*) FILTER (WHERE NOT new) FROM put"""  # noqa: S608
    params: dict[str, Any] = {"organization": organization.pk, "now": now, "slos": [row.slo for row in counts]}
    params |= {name: [getattr(row, name) for row in counts] for name in ("at", "good", "total")}
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        created, updated = cursor.fetchone()
    return created, updated
