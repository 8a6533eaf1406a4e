"""What an objective would have counted by another definition: the buckets that the engine would hold after saving it.

A definition that counts the same reads the stored buckets. Another limit, or another part of the work, is counted from
the rows as far back as they reach; what lies before keeps its judgement, as it does when the definition is saved.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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
from slos.burn import MILLION
from slos.indicators import BIN, Count, counting
from slos.models import EngineState, SLIBucket, SLODefinition, SLOSnapshot
from slos.sources import Buckets, Stored

MILLIONTHS = 6  # good parts are whole ones of these
SECONDS = BUCKET // timedelta(seconds=1)
QUARTER = timedelta(weeks=14)  # of the longest fiscal year
LONGEST_LOOK_BACK = timedelta(days=31)  # of a burn-rate rule, or of the measurements that an alert looks at
Row = tuple[int, int, int]  # seconds since 1970 of its start, millionths of good events, total


class Series:
    """The buckets of a stretch of time, by sums up to each of their borders: those of any part take two look-ups.

    `bad` (millionths of events) and `total` hold one sum per border, counted from `since`; `filled` the buckets that
    are not empty, if only with the time that something took.
    """

    def __init__(self, since: datetime, end: datetime, rows: Sequence[Row]) -> None:
        self.since = floor(since)
        first = int(self.since.timestamp()) // SECONDS
        self.filled = [at // SECONDS - first for at, _, _ in rows]
        bad, total = ([0] * (self._border(end) + 1) for _ in range(2))
        for k, (_, good, events) in zip(self.filled, rows, strict=True):
            bad[k + 1], total[k + 1] = MILLION * events - good, events
        self.bad, self.total = list(accumulate(bad)), list(accumulate(total))

    def _border(self, at: datetime) -> int:
        return (at - self.since) // BUCKET

    def border(self, at: datetime) -> int:
        """The number of the border at or before `at`, or the nearest that there is."""
        return max(0, min(self._border(at), len(self.total) - 1))

    def start(self, k: int) -> datetime:
        return self.since + k * BUCKET

    @property
    def first(self) -> datetime | None:
        """The start of the first bucket that is not empty."""
        return self.start(self.filled[0]) if self.filled else None

    def _counts(self, a: int, b: int) -> Counts:
        total = self.total[b] - self.total[a]
        return Counts(Decimal(MILLION * total - self.bad[b] + self.bad[a]).scaleb(-MILLIONTHS), total)

    def counts(self, start: datetime, end: datetime) -> Counts:
        """What was decided in [start, end), on bucket borders."""
        return self._counts(self.border(start), self.border(end))

    def reaches(self, start: datetime, end: datetime) -> bool:
        """A bucket of [start, end) is not empty."""
        return bisect_left(self.filled, self.border(start)) < bisect_left(self.filled, self.border(end))

    def newest(self, since: datetime, end: datetime) -> Iterator[tuple[datetime, Counts]]:
        """The buckets of [since, end) in which something was decided, newest first."""
        first = bisect_left(self.filled, self.border(since))
        for n in range(bisect_left(self.filled, self.border(end)) - 1, first - 1, -1):
            k = self.filled[n]
            if (counts := self._counts(k, k + 1)).total:
                yield self.start(k), counts

    def until_bad(self, start: datetime, end: datetime, most: Decimal) -> datetime | None:
        """The first bucket of [start, end) by which more than `most` events of it are bad."""
        a, b = self.border(start), self.border(end)
        limit = self.bad[a] + int(most.scaleb(MILLIONTHS))  # the sums never fall
        k = bisect_right(self.bad, limit, a, b + 1)
        return self.start(k - 1) if k <= b else None


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
    state = EngineState.objects.filter(organization=organization).first()
    if state and state.ticked_at and same and besides == slo.excluded_invoices:
        ticked = max(since, min(floor(state.ticked_at), end))  # what was decided since then, no bucket holds yet
        rows = _stored(slo.pk, since, ticked, left_out) + _counted(organization, count, ticked, end, now)
        return Foreseen(Series(since, end, rows), None, anew=False)
    border = state.sealed_before if state else None
    rows = _counted(organization, count, max(since, border or since), end, now)
    if border and border > since:
        rows = [*_stored(slo.pk, since, border, left_out), *rows]
    return Foreseen(Series(since, end, rows), None if same else border, anew=not same)


def _stored(slo: UUID, since: datetime, end: datetime, left_out: str) -> list[Row]:
    """Those that count and those that lie aside, but for what `left_out` holds: where the next tick puts each."""
    sql = f"""
        SELECT extract(epoch FROM start)::bigint, (good * 1000000)::bigint, total FROM {SLIBucket._meta.db_table}
        WHERE slo_id = %s AND width IN (5, {ASIDE}) AND start >= %s AND start < %s
        AND NOT start <@ %s::tstzmultirange ORDER BY start"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [slo, since, end, left_out or "{}"])
        return cursor.fetchall()


def _counted(organization: Organization, count: Count, since: datetime, end: datetime, now: datetime) -> list[Row]:
    params: dict[str, Any] = {"organization": organization.pk, "now": now}
    sql = counting([count], BIN, since, end, params)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT extract(epoch FROM start)::bigint, (good * 1000000)::bigint, total FROM ({sql}) c ORDER BY start",  # noqa: S608
            params,
        )
        return cursor.fetchall()


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
        return {self.slo: self.series.first} if self.series.first else {}


def longest_window(slo: SLODefinition) -> timedelta:
    """As far back as any compliance window or look-back of the objective may reach."""
    return max(timedelta(days=slo.window_days), LONGEST_LOOK_BACK) if slo.window == "rolling" else QUARTER
