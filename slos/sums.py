"""Sums of stored buckets: for the look-backs of all objectives at once, and for many periods at once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from accounts.models import Organization
from kpis.periods import DAY, HOUR, Interval, floor, pieces
from slos.budget import Counts
from slos.models import SLIBucket

TABLE = SLIBucket._meta.db_table


class Sums(NamedTuple):
    """What was decided in a period, and the time that what ended in it took (microseconds, count)."""

    good: Decimal = Decimal(0)
    total: int = 0
    duration_us: int = 0
    duration_count: int = 0


def over_intervals(organization: Organization, intervals: Mapping[str, Interval]) -> dict[UUID, dict[str, Counts]]:
    """Per objective and name, good and total of intervals on bucket borders, from as few stored sums as possible."""
    ranges = [(name, *piece) for name, interval in intervals.items() for piece in pieces(*interval)]
    names, widths, starts, ends = (list(column) for column in zip(*ranges, strict=True)) if ranges else ([], [], [], [])
    sql = f"""
        SELECT b.slo_id, v.name, sum(b.good), sum(b.total)::bigint
        FROM unnest(%s::text[], %s::smallint[], %s::timestamptz[], %s::timestamptz[]) v (name, width, start, stop)
        JOIN {TABLE} b ON b.organization_id = %s AND b.width = v.width AND b.start >= v.start AND b.start < v.stop
        GROUP BY 1, 2"""  # noqa: S608
    found: dict[UUID, dict[str, Counts]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(sql, [names, widths, starts, ends, organization.pk])
        for slo, name, good, total in cursor.fetchall():
            found[slo][name] = Counts(good, total)
    return found


def over_periods(
    organization: Organization, slos: Sequence[UUID], periods: Sequence[Interval]
) -> dict[tuple[UUID, datetime], Sums]:
    """Per objective and start of a period, everything that its buckets hold; nothing for empty ones."""
    sql = f"""
        SELECT b.slo_id, p.start, sum(b.good), sum(b.total)::bigint, sum(b.duration_us)::bigint, sum(b.duration_count)::bigint
        FROM unnest(%s::timestamptz[], %s::timestamptz[]) p (start, stop)
        JOIN {TABLE} b ON b.organization_id = %s AND b.width = %s AND b.start >= p.start AND b.start < p.stop
        WHERE b.slo_id = ANY(%s::uuid[]) GROUP BY 1, 2"""  # noqa: S608
    params = [[a for a, _ in periods], [b for _, b in periods], organization.pk, widest(periods), list(slos)]
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return {(slo, start): Sums(*figures) for slo, start, *figures in cursor.fetchall()}


def widest(periods: Iterable[Interval]) -> int:
    """The widest stored sum, in minutes, whose borders all periods share."""
    borders = {border for period in periods for border in period}
    if all(floor(border, DAY) == border for border in borders):
        return 1440
    return 60 if all(floor(border, HOUR) == border for border in borders) else 5
