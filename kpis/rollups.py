"""KPIs of local hours and days, kept so that long ranges are read fast. Recomputed from the rows, never incremented.

The tick hands its marks over (`note`), and right after it `refresh` counts the hours they fall into again. An hour
begins when the wall clock of the organisation shows a full one: so local days are sums of hours in every time zone.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from accounts.models import Organization
from kpis import counting
from kpis.failpoints import fp
from kpis.models import ExceptedInvoice, InvoiceMetric, Rollup, RollupMark, RollupState
from kpis.periods import EPOCH, QUARTER_HOUR, Interval, floor, period_of

TABLE, MARKS, EXCEPTED, INVOICES = (
    model._meta.db_table for model in (Rollup, RollupMark, ExceptedInvoice, InvoiceMetric)
)
AT_ONCE = 96  # marks in one transaction, a day of them: a large firm's takes a second
KEPT = ("n", "total", "bins", "counts")
QUARTER = "date_bin('15 minutes', {at}, timestamptz '2000-01-01 00:00Z')"


Reach = Callable[[Organization], datetime | None]


def everything(organization: Organization) -> datetime | None:
    """Stands for how far back rows reach, of which this floor knows nothing: no row has been cleaned away."""
    return None


def note(organization: Organization, marks: Iterable[tuple[str, datetime]]) -> None:
    """Remember where marked (field, instant) pairs lie; in the transaction that takes them."""
    starts = {floor(at, QUARTER_HOUR) for field, at in marks if field in counting.TIMES}
    RollupMark.objects.bulk_create([RollupMark(organization=organization, start=start) for start in sorted(starts)])


def refresh(organization: Organization, *, now: datetime, reach: Reach = everything) -> bool:
    """Count what is marked again, the newest first; true when more of it may wait.

    An hour that begins before what rows reach back to stays as it is.
    """
    zone = organization.time_zone
    with transaction.atomic():
        if not _alone(organization):
            return False
        since = reach(organization)  # not before: rows are cleaned away as soon as nobody is at it
        state, _ = RollupState.objects.get_or_create(organization=organization)
        if state.zone != str(zone):
            _start_anew(organization, since)
            state.zone = str(zone)
        _mark_excepted(organization)
        marked = _take(organization)
        hours = sorted({period_of("hourly", start, zone) for start in marked})
        hours = [hour for hour in hours if since is None or hour[0] >= since]
        _count(organization, hours)
        _sum_up(organization, sorted({period_of("daily", start, zone) for start, _ in hours}))
        more = len(marked) == AT_ONCE
        if not more:
            state.counted_at = now
        state.save()
        fp("rollups.before_commit")
    return more


def wait_alone(organization: Organization) -> None:
    """Hold up those who count until the end of the transaction, after whoever is at it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"rollups {organization.pk}"])


def _alone(organization: Organization) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"rollups {organization.pk}"])
        return cursor.fetchone()[0]


def _start_anew(organization: Organization, since: datetime | None) -> None:
    """The first time, and when the organisation has another clock: forget and mark all that the rows still tell.

    Hours that they do not tell keep their borders, and are summed up to the days into which these fall now.
    """
    hours = Rollup.objects.filter(organization=organization, width=Rollup.Width.HOUR)
    (hours if since is None else hours.filter(start__gte=since)).delete()
    kept = sorted(hours.values_list("start", flat=True).distinct())
    days = Rollup.objects.filter(organization=organization, width=Rollup.Width.DAY)
    first = min([*kept[:1], *([since] if since else [])], default=EPOCH)
    days.filter(start__gte=period_of("daily", first, organization.time_zone)[0]).delete()
    _sum_up(organization, sorted({period_of("daily", start, organization.time_zone) for start in kept}))
    for at in counting.TIMES:
        _mark(organization, f"SELECT {at} FROM {INVOICES} WHERE organization_id = %(organization)s")  # noqa: S608


def _mark_excepted(organization: Organization) -> None:
    """Where the invoices were uploaded whose exceptions have changed. One that comes later leaves a mark itself."""
    gone = f"DELETE FROM {EXCEPTED} WHERE organization_id = %(organization)s RETURNING invoice_id"  # noqa: S608
    instants = f"""
        SELECT uploaded_at FROM {INVOICES} WHERE organization_id = %(organization)s
        AND invoice_id IN (SELECT invoice_id FROM gone)"""  # noqa: S608
    _mark(organization, instants, f"WITH gone AS ({gone})")


def _mark(organization: Organization, instants: str, before: str = "") -> None:
    sql = f"""
        {before} INSERT INTO {MARKS} (organization_id, start)
        SELECT DISTINCT %(organization)s, {QUARTER.format(at="at")} FROM ({instants}) i (at) WHERE at IS NOT NULL"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, {"organization": organization.pk})


def _take(organization: Organization) -> list[datetime]:
    """Some marks, removed. What is marked from now on is counted the next time."""
    sql = f"""
        WITH chosen AS (
            SELECT DISTINCT start FROM {MARKS} WHERE organization_id = %(organization)s
            ORDER BY start DESC LIMIT {AT_ONCE}
        ), gone AS (
            DELETE FROM {MARKS} WHERE organization_id = %(organization)s AND start IN (SELECT start FROM chosen)
        ) SELECT start FROM chosen"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, {"organization": organization.pk})
        return [start for (start,) in cursor.fetchall()]


def _count(organization: Organization, hours: Sequence[Interval]) -> None:
    counted = f"SELECT p.start, c.* FROM ({counting.counting()}) c JOIN period p USING (k)"  # noqa: S608
    _write(organization, Rollup.Width.HOUR, hours, counted)


def _sum_up(organization: Organization, days: Sequence[Interval]) -> None:
    hours = (
        f"FROM period p JOIN {TABLE} r ON r.organization_id = %(organization)s AND r.width = {Rollup.Width.HOUR}"
        " AND r.start >= p.start AND r.start < p.stop"
    )
    summed = f"""
        SELECT * FROM (
            SELECT p.start, r.figure, r.key, sum(r.n) AS n, sum(r.total) AS total {hours} GROUP BY 1, 2, 3
        ) plain LEFT JOIN (
            SELECT start, figure, array_agg(bin ORDER BY bin) AS bins, array_agg(n ORDER BY bin) AS counts FROM (
                SELECT p.start, r.figure, b.bin, sum(b.n)::int AS n {hours}, unnest(r.bins, r.counts) b (bin, n)
                GROUP BY 1, 2, 3
            ) binned GROUP BY 1, 2
        ) histograms USING (start, figure)"""  # noqa: S608
    _write(organization, Rollup.Width.DAY, days, summed)


def _write(organization: Organization, width: int, periods: Sequence[Interval], source: str) -> None:
    """Make the stored rows of these periods equal to `source`."""
    if not periods:
        return
    columns, new = ", ".join(KEPT), ", ".join(f"excluded.{name}" for name in KEPT)
    sql = f"""
        WITH period AS MATERIALIZED (
            SELECT * FROM unnest(%(ks)s::int[], %(starts)s::timestamptz[], %(stops)s::timestamptz[]) p (k, start, stop)
        ), counted AS MATERIALIZED ({source}), gone AS (
            DELETE FROM {TABLE} r USING period p
            WHERE r.organization_id = %(organization)s AND r.width = {width} AND r.start >= p.start AND r.start < p.stop
            AND NOT EXISTS (SELECT FROM counted c WHERE c.start = r.start AND c.figure = r.figure AND c.key = r.key)
        )
        INSERT INTO {TABLE} AS r (organization_id, width, start, figure, key, {columns})
        SELECT %(organization)s, {width}, start, figure, key, {columns} FROM counted
        ON CONFLICT (organization_id, width, start, figure, key) DO UPDATE SET ({columns}) = ROW ({new})
        WHERE ({", ".join(f"r.{name}" for name in KEPT)}) IS DISTINCT FROM ({new})"""  # noqa: S608
    params: dict[str, Any] = {"organization": organization.pk, **counting.spans(periods)}
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
