"""What an objective would have counted by another definition: the buckets that the engine would hold after saving it.

A definition that counts the same reads the stored buckets. Another limit, or another part of the work, is counted from
the rows as far back as they reach; what lies before keeps its judgement, as it does when the definition is saved.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import Organization
from kpis.periods import BUCKET, Interval, floor
from slos import aside, exclusions
from slos.buckets import ASIDE
from slos.budget import Counts
from slos.indicators import BIN, Count, counting
from slos.models import EngineState, SLIBucket, SLODefinition, SLOSnapshot
from slos.sources import Buckets, Stored

MILLIONTHS = 6  # good parts are whole ones of these
Row = tuple[datetime, int, int]  # start of a bucket, millionths of good events, total


class Series:
    """The buckets that are not empty, oldest first; sums of any stretch of them in two look-ups."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.starts = [start for start, _, _ in rows]
        self.good = [0, *accumulate(good for _, good, _ in rows)]
        self.total = [0, *accumulate(total for _, _, total in rows)]

    def counts(self, start: datetime, end: datetime) -> Counts:
        """What was decided in [start, end), on bucket borders."""
        a, b = bisect_left(self.starts, start), bisect_left(self.starts, end)
        return Counts(Decimal(self.good[b] - self.good[a]).scaleb(-MILLIONTHS), self.total[b] - self.total[a])

    def reaches(self, start: datetime, end: datetime) -> bool:
        """Any of them lies in [start, end), if only with the time that something took."""
        return bisect_left(self.starts, start) < bisect_left(self.starts, end)

    def newest(self, since: datetime, end: datetime) -> Iterator[tuple[datetime, Counts]]:
        """The buckets of [since, end) in which something was decided, newest first."""
        for k in range(bisect_left(self.starts, end) - 1, bisect_left(self.starts, since) - 1, -1):
            if (counts := self.counts(self.starts[k], self.starts[k] + BUCKET)).total:
                yield self.starts[k], counts

    def borders(self, since: datetime, end: datetime) -> tuple[list[int], list[int]]:
        """Bad millionths and totals from `since` up to each border of a bucket until `end`."""
        bad, total = ([0] * ((end - since) // BUCKET + 1) for _ in range(2))
        for k in range(bisect_left(self.starts, since), bisect_left(self.starts, end)):
            border = (self.starts[k] - since) // BUCKET + 1
            total[border] = self.total[k + 1] - self.total[k]
            bad[border] = 1_000_000 * total[border] - (self.good[k + 1] - self.good[k])
        return list(accumulate(bad)), list(accumulate(total))

    def until_bad(self, start: datetime, end: datetime, most: Decimal) -> datetime | None:
        """The first bucket of [start, end) by which more than `most` events of it are bad."""
        a, b = bisect_left(self.starts, start), bisect_left(self.starts, end)
        limit = most.scaleb(MILLIONTHS)
        bad = [1_000_000 * self.total[k] - self.good[k] for k in range(a, b + 1)]  # never falls
        k = bisect_right(bad, bad[0] + limit) if bad else 0
        return self.starts[a + k - 1] if 0 < k < len(bad) else None


@dataclass(frozen=True)
class Foreseen:
    series: Series
    counted_since: datetime | None  # before it stands the judgement of another definition; None: one judges all
    anew: bool  # counted from the rows


def foresee(organization: Organization, slo: SLODefinition, *, since: datetime, now: datetime) -> Foreseen:
    """The buckets from `since` to the one that holds `now`. `slo` need not be saved; it is told, as by the tick, which
    invoices it leaves out. What exclusions take out is left out, whether a tick has seen them or not.
    """
    slo.excluded_invoices = aside.invoices_of(organization, slo)
    end, left_out = floor(now) + BUCKET, exclusions.between(organization, since, now + BUCKET).text(slo.pk)
    count = Count.of(slo, without=left_out)
    counted = SLOSnapshot.objects.filter(slo=slo.pk).values_list("counted_as", "slo__excluded_invoices").first()
    counted_as, besides = counted or ("", [])
    same = counted_as == count.signature
    if same and besides == slo.excluded_invoices:
        return Foreseen(Series(_stored(slo.pk, since, end, left_out)), None, anew=False)
    border = EngineState.objects.filter(organization=organization).values_list("sealed_before", flat=True).first()
    rows = _counted(organization, count, max(since, border or since), end, now)
    if border and border > since:
        rows = [*_stored(slo.pk, since, border, left_out), *rows]
    return Foreseen(Series(rows), None if same else border, anew=not same)


def _stored(slo: UUID, since: datetime, end: datetime, left_out: str) -> list[Row]:
    """Those that count and those that lie aside, but for what `left_out` holds: where the next tick puts each."""
    sql = f"""
        SELECT extract(epoch FROM start)::bigint, (good * 1000000)::bigint, total FROM {SLIBucket._meta.db_table}
        WHERE slo_id = %s AND width IN (5, {ASIDE}) AND start >= %s AND start < %s
        AND NOT start <@ %s::tstzmultirange ORDER BY start"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [slo, since, end, left_out or "{}"])
        return _rows(cursor.fetchall())


def _counted(organization: Organization, count: Count, since: datetime, end: datetime, now: datetime) -> list[Row]:
    params: dict[str, Any] = {"organization": organization.pk, "now": now}
    sql = counting([count], BIN, since, end, params)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT extract(epoch FROM start)::bigint, (good * 1000000)::bigint, total FROM ({sql}) c ORDER BY start",  # noqa: S608
            params,
        )
        return _rows(cursor.fetchall())


def _rows(found: Iterable[tuple[int, int, int]]) -> list[Row]:
    """From seconds: to read ten thousands of moments as text takes long."""
    return [(datetime.fromtimestamp(at, UTC), good, total) for at, good, total in found]


class Coming(Stored):
    """The figures that the next tick would write of one objective, from what is foreseen."""

    def __init__(self, organization: Organization, slo: SLODefinition, series: Series, now: datetime) -> None:
        super().__init__(organization, now)
        self.slo, self.series = slo.pk, series

    def sums(self, intervals: Mapping[str, Interval]) -> Mapping[UUID, Mapping[str, Counts]]:
        known = {name: interval for name, interval in intervals.items() if self.series.reaches(*interval)}
        return {self.slo: {name: self.series.counts(*interval) for name, interval in known.items()}}

    def newest(self, since: Mapping[UUID, datetime], most: int) -> Mapping[UUID, Buckets]:
        end = floor(self.now) + BUCKET
        return {slo: list(self.series.newest(start, end))[:most] for slo, start in since.items()}

    def first_events(self, slos: Iterable[SLODefinition]) -> Mapping[UUID, datetime]:
        return {self.slo: self.series.starts[0]} if self.series.starts else {}


def longest_window(slo: SLODefinition) -> timedelta:
    """As far back as any compliance window of the objective may reach."""
    return timedelta(days=slo.window_days if slo.window == "rolling" else 93)
