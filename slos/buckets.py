"""Sparse 5-minute buckets, recomputed from the rows and never incremented, and their hour and day sums."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import Organization
from kpis.merge import FINDS_INVOICES, NO_TIME
from kpis.models import DirtyBucket
from kpis.periods import BUCKET, DAY, WIDTHS, floor
from slos.excluded import Excluded
from slos.indicators import BIN, EXCEPTIONS, INVOICES, Count, counting
from slos.models import SLIBucket, SLODefinition

WEEK = 7 * DAY
TABLE = SLIBucket._meta.db_table
ASIDE = SLIBucket.Width.ASIDE.value
MOST_GAP = 6 * BUCKET  # counting a few clean buckets costs less than another statement
MOST_COUNTS = 40  # in one statement; the planner's time grows faster than that
Dirty = dict[datetime, set[Count]]
Changed = set[tuple[UUID, datetime]]


@dataclass(frozen=True)
class Run:
    """Neighbouring buckets that are counted together."""

    start: datetime
    end: datetime
    counts: frozenset[Count]


def by_count(slos: Iterable[SLODefinition]) -> dict[Count, list[UUID]]:
    """Objectives that agree on what they count share its scan."""
    groups: dict[Count, list[UUID]] = defaultdict(list)
    for slo in slos:
        groups[Count.of(slo)].append(slo.pk)
    return dict(groups)


def take_marks(organization: Organization) -> list[tuple[str, datetime]]:
    """The (field, bucket) marks so far, removed. What commits later leaves its own marks for the next tick."""
    table = DirtyBucket._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH gone AS (DELETE FROM {table} WHERE organization_id = %s RETURNING field, start)"  # noqa: S608
            " SELECT DISTINCT field, start FROM gone",
            [organization.pk],
        )
        return cursor.fetchall()


def dirty_by_marks(marks: Iterable[tuple[str, datetime]], counts: Iterable[Count]) -> Dirty:
    """The buckets that the marked instants decide: their own as an end, those of the deadline as a start."""
    dirty: Dirty = defaultdict(set)
    by_end, by_start = defaultdict(list), defaultdict(list)
    for count in counts:
        by_end[count.indicator.ended].append(count)
        by_start[count.indicator.started].append(count)
    for name, start in marks:
        for count in by_end[name]:
            dirty[start].add(count)
        for count in by_start[name]:
            for due in count.clock.due_buckets(start):
                dirty[due].add(count)
    return dirty


def marks_of_exceptions(
    organization: Organization, marks: Iterable[tuple[str, datetime]], counts: Iterable[Count]
) -> set[tuple[str, datetime]]:
    """The instants of the exceptions of invoices that marks name: what part they belong to stands with the invoice.

    Only where an objective asks for a part. The tick comes after both were stored, in whichever order.
    """
    by_field: dict[str, list[datetime]] = defaultdict(list)
    if any(count.by_invoice for count in counts):
        for name, start in marks:
            if name in (*FINDS_INVOICES, NO_TIME):
                by_field[name].append(start)
    found: set[tuple[str, datetime]] = set()
    for name, starts in by_field.items():
        named = f"i.{name} >= m.start AND i.{name} < m.start + interval '5 minutes'"
        if name == NO_TIME:
            starts, named = starts[:1], f"coalesce({', '.join(f'i.{each}' for each in FINDS_INVOICES)}) IS NULL"
        sql = f"""
            SELECT DISTINCT v.field, {BIN.format(at="v.at")} FROM unnest(%s::timestamptz[]) m (start)
            JOIN {INVOICES} i ON i.organization_id = %s AND {named}
            JOIN {EXCEPTIONS} e ON e.organization_id = i.organization_id AND e.invoice_id = i.invoice_id,
            LATERAL (VALUES ('opened_at', e.opened_at), ('resolved_at', e.resolved_at)) v (field, at)
            WHERE v.at IS NOT NULL"""  # noqa: S608
        with connection.cursor() as cursor:
            cursor.execute(sql, [starts, organization.pk])
            found |= set(cursor.fetchall())
    return found


def dirty_by_time(last: datetime | None, now: datetime, counts: Iterable[Count]) -> Dirty:
    """The buckets that time itself has filled since the last tick, the open one included."""
    every, start = set(counts), floor(min(last or now, now))
    return {start + i * BUCKET: set(every) for i in range((floor(now) - start) // BUCKET + 1)}


def weeks_with_rows(organization: Organization, count: Count, since: datetime | None) -> Iterator[Run]:
    """Whole weeks in which `count` may find anything, for counting an objective anew."""
    weeks = {week for day in _days_with(organization, count, count.indicator.ended) for week in _weeks(day, day)}
    if count.indicator.started:
        for day in _days_with(organization, count, count.indicator.started):
            weeks.update(_weeks(*count.clock.due_between(day, day + DAY)))
    for week in sorted(weeks):
        if since is None or week + WEEK > since:
            yield Run(max(week, since or week), week + WEEK, frozenset([count]))


def _days_with(organization: Organization, count: Count, name: str) -> list[datetime]:
    sql = (
        f"SELECT DISTINCT date_bin('1 day', {name}, timestamptz '2000-01-01 00:00Z')"  # noqa: S608
        f" FROM {count.indicator.table} WHERE organization_id = %s AND {name} IS NOT NULL"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [organization.pk])
        return [day for (day,) in cursor.fetchall()]


def _weeks(start: datetime, end: datetime) -> Iterator[datetime]:
    """Those that hold a moment of [start, end]."""
    week = floor(start, WEEK)
    while week <= end:
        yield week
        week += WEEK


def runs(dirty: Mapping[datetime, set[Count]], since: datetime | None) -> Iterator[Run]:
    """Dirty buckets from `since` on, merged into runs of at most a day."""
    start = end = None
    counts: set[Count] = set()
    for bucket in sorted(bucket for bucket in dirty if since is None or bucket >= since):
        if start is not None and end is not None and (bucket - end > MOST_GAP or bucket - start >= DAY):
            yield Run(start, end, frozenset(counts))
            start, counts = None, set()
        start, end = start or bucket, bucket + BUCKET
        counts |= dirty[bucket]
    if start is not None and end is not None:
        yield Run(start, end, frozenset(counts))


def recount(
    organization: Organization, run: Run, groups: Mapping[Count, Sequence[UUID]], now: datetime, excluded: Excluded
) -> Changed:
    """Count the buckets of a run from the rows and write what differs; returns the (objective, bucket) that did.

    Those of `excluded` are counted as well, and lie aside.
    """
    changed: Changed = set()
    counts = sorted((count for count in run.counts if count in groups), key=lambda count: count.signature)
    for at in range(0, len(counts), MOST_COUNTS):
        some = {count: groups[count] for count in counts[at : at + MOST_COUNTS]}
        changed |= _recount(organization, run, some, now, excluded)
    return changed


def _recount(
    organization: Organization, run: Run, groups: Mapping[Count, Sequence[UUID]], now: datetime, excluded: Excluded
) -> Changed:
    pairs = [(k, slo) for k, slos in enumerate(groups.values()) for slo in slos]
    params: dict[str, Any] = {"organization": organization.pk, "now": now}
    params |= {"run_start": run.start, "run_end": run.end}
    params |= {"ks": [k for k, _ in pairs], "slos": [slo for _, slo in pairs]}
    computed = counting(list(groups), BIN, run.start, run.end, params)
    scope, width, widths = "b.slo_id = ANY(%(slos)s) AND b.start >= %(run_start)s AND b.start < %(run_end)s", "5", "= 5"
    if excluded:
        params |= excluded.params
        width = f"CASE WHEN {Excluded.holds('g.slo_id', 'c.start')} THEN {ASIDE} ELSE 5 END"
        widths = f"IN (5, {ASIDE})"
    sql = f"""
        WITH counted AS MATERIALIZED (
            SELECT g.slo_id, c.*, {width} AS width FROM ({computed}) c
            JOIN unnest(%(ks)s::int[], %(slos)s::uuid[]) g (k, slo_id) USING (k)
        ), {_write("counted", widths, scope)}"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return set(cursor.fetchall())


def _write(source: str, widths: str, scope: str) -> str:
    """Make the stored rows within `scope` equal to `source`; answers the (slo_id, start) that differed."""
    figures = ("good", "total", "duration_us", "duration_count")
    columns, new = ", ".join(figures), ", ".join(f"excluded.{name}" for name in figures)
    sets = ", ".join(f"{name} = excluded.{name}" for name in figures)
    return f"""
        gone AS (
            DELETE FROM {TABLE} b WHERE b.width {widths} AND {scope} AND NOT EXISTS (
                SELECT FROM {source} c WHERE c.slo_id = b.slo_id AND c.start = b.start AND c.width = b.width
            )
            RETURNING b.slo_id, b.start
        ), put AS (
            INSERT INTO {TABLE} AS b (organization_id, slo_id, width, start, {columns})
            SELECT %(organization)s, slo_id, width, start, {columns} FROM {source}
            ON CONFLICT (slo_id, width, start) DO UPDATE SET {sets}
            WHERE ({", ".join(f"b.{name}" for name in figures)}) IS DISTINCT FROM ({new})
            RETURNING b.slo_id, b.start
        ) SELECT * FROM gone UNION ALL SELECT * FROM put"""  # noqa: S608


def sum_up(organization: Organization, changed: Changed) -> None:
    """Sum the hours and then the days that hold changed buckets again."""
    for finer, width in ((5, 60), (60, 1440)):
        changed = {(slo, floor(start, WIDTHS[width])) for slo, start in changed}
        _sum_up(organization, sorted(changed), finer, width)


def _sum_up(organization: Organization, touched: Sequence[tuple[UUID, datetime]], finer: int, width: int) -> None:
    if not touched:
        return
    params: dict[str, Any] = {"organization": organization.pk}
    params |= {"slos": [slo for slo, _ in touched], "starts": [at for _, at in touched]}
    sql = f"""
        WITH touched AS MATERIALIZED (
            SELECT *, start + interval '{width} minutes' AS stop
            FROM unnest(%(slos)s::uuid[], %(starts)s::timestamptz[]) t (slo_id, start)
        ), summed AS MATERIALIZED (
            SELECT t.slo_id, t.start, {width} AS width, s.* FROM touched t, LATERAL (
                SELECT sum(f.good) AS good, sum(f.total)::bigint AS total, sum(f.duration_us)::bigint AS duration_us,
                    sum(f.duration_count)::bigint AS duration_count
                FROM {TABLE} f WHERE f.slo_id = t.slo_id AND f.width = {finer}
                AND f.start >= t.start AND f.start < t.stop
            ) s WHERE s.total IS NOT NULL
        ), {_write("summed", f"= {width}", "(b.slo_id, b.start) IN (SELECT slo_id, start FROM touched)")}"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def forget(slo: SLODefinition, since: datetime | None) -> Changed:
    """Delete the buckets of an objective from `since` on, before it is counted anew."""
    stored = SLIBucket.objects.filter(slo=slo, width__in=(SLIBucket.Width.FIVE_MINUTES, ASIDE))
    if since is not None:
        stored = stored.filter(start__gte=since)
    changed = {(slo.pk, start) for start in stored.values_list("start", flat=True)}
    stored.delete()
    return changed
