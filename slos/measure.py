"""Measurements: one row per objective and local hour, day or week, each with the target of its time."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max, Min

from accounts.models import Organization
from kpis.failpoints import fp
from kpis.models import InvoiceMetric
from kpis.periods import BUCKET, DAY, Interval, floor, local_periods, period_of
from slos.buckets import Changed
from slos.indicators import Count
from slos.lock import wait_alone
from slos.models import Period, SLIBucket, SLIMeasurement, SLODefinition
from slos.pending import pending
from slos.sums import Sums, fine_since, over_periods, widest

GRACE = timedelta(hours=2)  # after the end of a period, in which its measurement is written
CHUNK = 200  # periods in one transaction
COUNTED = ("good_events_count", "total_events_count", "pending_events_count", "duration_us", "duration_count")
PROMISED = ("target_percentage", "error_budget_percentage", "target_value", "target_unit")
Promise = dict[str, Any]


def calculate(
    organization: Organization,
    period: str,
    start: datetime,
    end: datetime,
    *,
    now: datetime,
    slos: Sequence[SLODefinition] | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> int:
    """Write the measurement of every local period that touches [start, end) and has begun; returns rows written.

    Where the buckets have been cleaned away, measurements stay as they are.
    """
    chosen = list(slos if slos is not None else organization.slos.active().measured(period))
    first = fine_since(organization)
    begun = [one for one in local_periods(period, start, end, organization.time_zone) if one[0] <= now]
    periods = [one for one in begun if first is None or first <= one[0]]
    written = 0
    for at in range(0, len(periods), CHUNK):
        with transaction.atomic():
            wait_alone(organization)  # a tick that cannot see our new rows yet would not sum them again
            written += _write(organization, period, chosen, periods[at : at + CHUNK], now)
            fp("measure.before_commit")
        progress(min(at + CHUNK, len(periods)), len(periods))
    return written


def catch_up(organization: Organization, period: str, *, now: datetime) -> int:
    """What the scheduled task does: everything since the newest row, and older periods that hold events but no row."""
    slos = list(organization.slos.active().measured(period))
    newest = dict(
        SLIMeasurement.objects.filter(slo__in=slos, period=period)
        .values_list("slo")
        .annotate(newest=Max("period_start"))
    )
    since = min(newest.values(), default=now)
    written = calculate(organization, period, since, now + BUCKET, now=now, slos=slos)
    for start, end in _unmeasured(organization, period, slos, now):
        written += calculate(organization, period, start, end, now=now, slos=slos)
    return written


def missing(organization: Organization, *, now: datetime) -> dict[str, datetime]:
    """Of each period that the schedule should have measured, but has not, where the first of them began.

    What has only just arrived, as a history that is imported, is measured at the next turn of the schedule.
    """
    zone, found = organization.time_zone, {}
    settled = InvoiceMetric.objects.filter(organization=organization, created_at__lt=now - GRACE)
    since = settled.aggregate(first=Min("uploaded_at"))["first"] or now
    for period in Period.values:
        slos = list(organization.slos.active().measured(period))
        starts = [start for start, _ in _unmeasured(organization, period, slos, now)]
        over = [one for one in (period_of(period, start, zone) for start in starts) if since < one[1] < now - GRACE]
        if over:
            found[period] = min(over)[0]
    return found


def _unmeasured(
    organization: Organization, period: str, slos: Sequence[SLODefinition], now: datetime
) -> Iterator[Interval]:
    """Intervals of neighbouring stored sums that no measurement of this kind covers."""
    year = local_periods("daily", now - 366 * DAY, now + BUCKET, organization.time_zone)
    width = min(widest(year), 60)  # some zones lie half an hour beside the full ones, in winter only
    # one index probe for each hour, whatever the planner knows: a join by range would compare it with all measurements
    sql = f"""
        SELECT DISTINCT b.start FROM {SLIBucket._meta.db_table} b LEFT JOIN LATERAL (
            SELECT period_end FROM {SLIMeasurement._meta.db_table}
            WHERE slo_id = b.slo_id AND period = %s AND period_start <= b.start ORDER BY period_start DESC LIMIT 1
        ) m ON true
        WHERE b.organization_id = %s AND b.width = %s AND b.slo_id = ANY(%s) AND (m.period_end > b.start) IS NOT TRUE
        ORDER BY 1"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [period, organization.pk, width, [slo.pk for slo in slos]])
        starts = [start for (start,) in cursor.fetchall()]
    yield from _merge(starts, width)


def _merge(starts: Sequence[datetime], width: int) -> Iterator[Interval]:
    length = BUCKET * (width // 5)
    first = last = None
    for start in starts:
        if last is not None and first is not None and start != last:
            yield first, last
            first = None
        first, last = first or start, start + length
    if first is not None and last is not None:
        yield first, last


def with_pending(slo: SLODefinition, now: datetime) -> Changed:
    """A bucket in every measurement of the objective that shows pending events, or may come to."""
    stored = SLIMeasurement.objects.filter(slo=slo, pending_events_count__gt=0)
    return {(slo.pk, start) for start in stored.values_list("period_start", flat=True)} | {(slo.pk, floor(now))}


def sum_again(organization: Organization, touched: Changed, *, now: datetime) -> int:
    """Sum the existing measurements over changed buckets again; returns how many there were."""
    if not touched:
        return 0
    table = SLIMeasurement._meta.db_table
    pairs = sorted(touched)
    sql = f"""
        SELECT DISTINCT m.period, m.slo_id, m.period_start, m.period_end
        FROM unnest(%s::uuid[], %s::timestamptz[]) t (slo_id, start)
        CROSS JOIN (VALUES ('hourly', interval '3 hours'), ('daily', '3 days'), ('weekly', '9 days')) p (name, longest)
        JOIN {table} m ON m.slo_id = t.slo_id AND m.period = p.name
            AND m.period_start > t.start - p.longest AND m.period_start <= t.start AND m.period_end > t.start"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [[slo for slo, _ in pairs], [start for _, start in pairs]])
        rows = cursor.fetchall()
    periods: dict[tuple[str, frozenset[UUID]], list[Interval]] = defaultdict(list)
    by_period: dict[tuple[str, datetime, datetime], set[UUID]] = defaultdict(set)
    for period, slo, start, end in rows:
        by_period[period, start, end].add(slo)
    for (period, start, end), slos in by_period.items():
        periods[period, frozenset(slos)].append((start, end))
    known = organization.slos.in_bulk()
    for (period, ids), intervals in periods.items():
        _write(organization, period, [known[pk] for pk in ids], intervals, now)
    return len(rows)


def _write(
    organization: Organization, period: str, slos: Sequence[SLODefinition], periods: Sequence[Interval], now: datetime
) -> int:
    if not slos or not periods:
        return 0
    sums = over_periods(organization, [slo.pk for slo in slos], periods)
    promises = promises_of(slos)
    timed = {Count.of(slo) for slo in slos if slo.is_timed}
    waiting = {
        (count, start): number
        for start, end in periods
        if end > now  # in the past everything is decided
        for count, number in pending(organization, timed, now, (start, end)).items()
    }
    rows = [
        SLIMeasurement(
            organization=organization,
            slo=slo,
            period=period,
            period_start=start,
            period_end=end,
            pending_events_count=waiting.get((Count.of(slo), start), 0),
            updated_at=now,
            **_counted(sums.get((slo.pk, start), Sums())),
            **promises[slo.pk].at(min(end, now)),
        )
        for slo in slos
        for start, end in periods
    ]
    SLIMeasurement.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["slo", "period", "period_start"],
        update_fields=["period_end", *COUNTED, *PROMISED, "updated_at"],
    )
    return len(rows)


def _counted(sums: Sums) -> dict[str, Any]:
    return {
        "good_events_count": sums.good,
        "total_events_count": sums.total,
        "duration_us": sums.duration_us,
        "duration_count": sums.duration_count,
    }


class Promises:
    """What an objective promised when, from its history, oldest first."""

    def __init__(self, slo: SLODefinition, history: Sequence[Any]) -> None:
        self.since = [row.history_date for row in history]
        self.rows = [_promise(row) for row in history] or [_promise(slo)]

    def at(self, moment: datetime) -> Promise:
        """What held at `moment`; before the first definition, that one."""
        return self.rows[max(bisect_right(self.since, moment) - 1, 0)]


def promises_of(slos: Sequence[SLODefinition]) -> dict[UUID, Promises]:
    history = defaultdict(list)
    for row in SLODefinition.history.filter(id__in=[slo.pk for slo in slos]).order_by("history_date", "history_id"):
        history[row.id].append(row)
    return {slo.pk: Promises(slo, history[slo.pk]) for slo in slos}


def _promise(row: Any) -> Promise:
    budget = row.error_budget_percentage
    return {
        "target_percentage": row.target_percentage,
        "error_budget_percentage": 100 - row.target_percentage if budget is None else budget,
        "target_value": row.target_value,
        "target_unit": row.target_unit,
    }
