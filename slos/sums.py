"""Sums of stored buckets: for the look-backs of all objectives at once, and for many periods at once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from accounts.models import Organization
from kpis.periods import DAY, HOUR, Interval, floor, pieces
from slos.budget import Counts
from slos.models import EngineState, SLIBucket

TABLE = SLIBucket._meta.db_table


Query = tuple[str, dict[str, Any]]  # a statement and its parameters


class Sums(NamedTuple):
    """What was decided in a period, and the time that what ended in it took (microseconds, count)."""

    good: Decimal = Decimal(0)
    total: int = 0
    duration_us: int = 0
    duration_count: int = 0


def fine_since(organization: Organization) -> datetime | None:
    """Sums finer than days begin here; None while all are kept."""
    return EngineState.objects.filter(organization=organization).values_list("fine_since", flat=True).first()


def over_intervals(
    organization: Organization, intervals: Mapping[str, Interval], fine: datetime | None = None
) -> dict[UUID, dict[str, Counts]]:
    """Per objective and name, good and total of intervals on bucket borders, from as few stored sums as possible.

    An interval that begins before `fine`, where only days are left, begins with a whole one.
    """
    begun = {name: (floor(a, DAY) if fine and a < fine else a, b) for name, (a, b) in intervals.items()}
    ranges = [(name, *piece) for name, interval in begun.items() for piece in pieces(*interval)]
    if not ranges:
        return {}
    # one SELECT a range: with its borders as constants the planner takes the index for short ones
    select = f"""
        SELECT %s AS name, slo_id, sum(good) AS good, sum(total) AS total FROM {TABLE}
        WHERE organization_id = %s AND width = %s AND start >= %s AND start < %s GROUP BY slo_id"""  # noqa: S608
    parts = " UNION ALL ".join([select] * len(ranges))
    sql = f"SELECT slo_id, name, sum(good), sum(total)::bigint FROM ({parts}) parts GROUP BY 1, 2"  # noqa: S608
    params: list[Any] = [
        value for name, width, start, end in ranges for value in (name, organization.pk, width, start, end)
    ]
    found: dict[UUID, dict[str, Counts]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        for slo, name, good, total in cursor.fetchall():
            found[slo][name] = Counts(good, total)
    return found


def over_periods(
    organization: Organization, slos: Sequence[UUID], periods: Sequence[Interval]
) -> dict[tuple[UUID, datetime], Sums]:
    """Per objective and start of a period, everything that its buckets hold; nothing for empty ones."""
    sql = f"""
        SELECT b.slo_id, p.start, b.good, b.total, b.duration_us, b.duration_count
        FROM unnest(%s::timestamptz[], %s::timestamptz[]) p (start, stop), LATERAL (
            SELECT slo_id, sum(good) AS good, sum(total)::bigint AS total, sum(duration_us)::bigint AS duration_us,
                sum(duration_count)::bigint AS duration_count
            FROM {TABLE} WHERE organization_id = %s AND width = %s AND start >= p.start AND start < p.stop
            AND slo_id = ANY(%s::uuid[]) GROUP BY slo_id
        ) b"""  # noqa: S608
    params: list[Any] = [[a for a, _ in periods], [b for _, b in periods], organization.pk, widest(periods), list(slos)]
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return {(slo, start): Sums(*figures) for slo, start, *figures in cursor.fetchall()}


def widest(periods: Iterable[Interval]) -> int:
    """The widest stored sum, in minutes, whose borders all periods share."""
    borders = {border for period in periods for border in period}
    if all(floor(border, DAY) == border for border in borders):
        return 1440
    return 60 if all(floor(border, HOUR) == border for border in borders) else 5


def of_one(
    slo: UUID,
    intervals: Sequence[Interval],
    fine: datetime | None = None,
    *,
    aside: Interval | None = None,
    besides: Query | None = None,
) -> list[Counts]:
    """What one objective counts in each of many intervals on bucket borders: one statement, one probe for a piece.

    Borders before `fine`, where only days are left, are those of the days that hold them. At the end comes what is
    set aside in the interval `aside`, with those of `besides` (at, good) that lie in it.
    """
    begun = [[floor(at, DAY) if fine and at < fine else at for at in interval] for interval in intervals]
    ranges = [(k, *piece) for k, (start, end) in enumerate(begun) for piece in pieces(start, end)]
    ranges += [(len(intervals), SLIBucket.Width.ASIDE, *aside)] if aside else []
    found = [Counts(Decimal(0), 0)] * (len(intervals) + bool(aside))
    if not ranges:
        return found
    sql = f"""
        SELECT p.k, sum(b.good), sum(b.total)::bigint
        FROM unnest(%(ks)s::int[], %(widths)s::smallint[], %(starts)s::timestamptz[], %(stops)s::timestamptz[])
            p (k, width, start, stop),
        LATERAL (
            SELECT sum(good) AS good, sum(total) AS total FROM {TABLE}
            WHERE slo_id = %(slo)s AND width = p.width AND start >= p.start AND start < p.stop
        ) b WHERE b.total IS NOT NULL GROUP BY p.k"""  # noqa: S608
    columns = zip(("ks", "widths", "starts", "stops"), map(list, zip(*ranges, strict=True)), strict=True)
    params: dict[str, Any] = {**dict(columns), "slo": slo}
    if aside and besides:
        sql += f"""
            UNION ALL SELECT %(last)s, sum(good)::numeric, count(*) FROM ({besides[0]}) single
            WHERE at >= %(aside_from)s AND at < %(aside_to)s HAVING count(*) > 0"""  # noqa: S608
        params |= besides[1] | {"last": len(intervals), "aside_from": aside[0], "aside_to": aside[1]}
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        for k, good, total in cursor.fetchall():
            found[k] = Counts(found[k].good + good, found[k].total + total)
    return found
