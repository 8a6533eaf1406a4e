"""Figures for a moment of the past, or for a part of the work, counted from the raw rows where no bucket holds them."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Min

from accounts.models import Organization
from kpis.periods import BUCKET, LOOK_BACKS, Interval, floor, local_periods, look_back
from slos.budget import Counts
from slos.indicators import BIN, Count, counting
from slos.measure import promises_of
from slos.models import EngineState, Period, SLIBucket, SLIMeasurement, SLODefinition
from slos.snapshots import Stored, compliance_window
from slos.sums import Sums

MOST_COUNTS = 40  # in one statement; the planner's time grows faster than that
AT_ONCE = "timestamptz '2000-01-01 00:00Z'"  # everything in one bucket
LONGEST = {Period.HOURLY: timedelta(hours=3), Period.DAILY: timedelta(days=3), Period.WEEKLY: timedelta(days=9)}
Parts = Mapping[str, str]  # {"vendor": "Acme"}


def first_bucket(organization: Organization) -> datetime:
    """The first moment that can be asked for: where the 5-minute buckets begin, or the organisation without any."""
    oldest = SLIBucket.objects.filter(organization=organization, width=5).aggregate(at=Min("start"))["at"]
    return oldest or floor(organization.created_at)


def rows_since(organization: Organization) -> datetime | None:
    """Raw rows reach back to here; None while none has been cleaned away."""
    return EngineState.objects.filter(organization=organization).values_list("sealed_before", flat=True).first()


class Recounted(Stored):
    """The work of `only` (all of it when empty), counted bucket by bucket from the raw rows from `since` on."""

    def __init__(
        self,
        organization: Organization,
        slos: Sequence[SLODefinition],
        now: datetime,
        *,
        since: datetime,
        only: Parts,
        begun: bool = False,
    ) -> None:
        super().__init__(organization, now)
        self.only, self.begun = only, begun
        self.counts = {slo.pk: self.count_of(slo) for slo in slos}
        self.buckets: dict[Count, list[tuple[datetime, Counts]]] = defaultdict(list)
        for count, start, sums in _counted(organization, self.counts.values(), BIN, since, floor(now) + BUCKET, now):
            self.buckets[count].append((start, Counts(sums.good, sums.total)))
        for buckets in self.buckets.values():
            buckets.sort(key=lambda bucket: bucket[0])

    def count_of(self, slo: SLODefinition) -> Count:
        return Count.of(slo, self.only)

    def sums(self, intervals: Mapping[str, Interval]) -> Mapping[UUID, Mapping[str, Counts]]:
        found: dict[UUID, dict[str, Counts]] = defaultdict(dict)
        for slo, count in self.counts.items():
            for name, interval in intervals.items():
                if within := self._within(count, *interval):
                    found[slo][name] = _total(counts for _, counts in within)
        return found

    def newest_first(self, slo: SLODefinition, start: datetime, end: datetime) -> Iterable[tuple[datetime, Counts]]:
        return reversed(self._within(self.counts[slo.pk], start, end))

    def _within(self, count: Count, start: datetime, end: datetime) -> list[tuple[datetime, Counts]]:
        buckets = self.buckets.get(count, [])
        first, last = (bisect_left(buckets, border, key=lambda bucket: bucket[0]) for border in (start, end))
        return buckets[first:last]


class Past(Stored):
    """The stored buckets before `now`, a border, and what was decided at that very instant."""

    begun = True

    def __init__(self, organization: Organization, slos: Sequence[SLODefinition], now: datetime) -> None:
        super().__init__(organization, now)
        self.instant = Recounted(organization, slos, now, since=now, only={})

    def sums(self, intervals: Mapping[str, Interval]) -> Mapping[UUID, Mapping[str, Counts]]:
        before = {name: (start, min(end, self.now)) for name, (start, end) in intervals.items()}
        stored, instant = super().sums(before), self.instant.sums(intervals)
        return {
            slo: {
                name: _total(sums[slo][name] for sums in (stored, instant) if name in sums.get(slo, {}))
                for name in {**stored.get(slo, {}), **instant.get(slo, {})}
            }
            for slo in {**stored, **instant}
        }

    def newest_first(self, slo: SLODefinition, start: datetime, end: datetime) -> Iterable[tuple[datetime, Counts]]:
        yield from self.instant.newest_first(slo, start, end)
        yield from super().newest_first(slo, start, min(end, self.now))


def part(organization: Organization, slos: Sequence[SLODefinition], now: datetime, only: Parts, begun: bool) -> Stored:
    """The work of `only` as far back as any look-back or compliance window reaches."""
    longest = look_back(now, max(LOOK_BACKS.values()))[0]
    since = min([longest, *(compliance_window(slo, now, organization.time_zone)[0] for slo in slos)])
    return Recounted(organization, slos, now, since=since, only=only, begun=begun)


def latest_closed(
    organization: Organization, slos: Sequence[SLODefinition], now: datetime, only: Parts
) -> dict[UUID, SLIMeasurement]:
    """Per objective the measurement of its last closed period for a part of the work; not stored anywhere."""
    promises, found = promises_of(slos), {}
    for period in {slo.measurement_period for slo in slos}:
        counts = {slo: Count.of(slo, only) for slo in slos if slo.measurement_period == period}
        ended = local_periods(period, now - 2 * LONGEST[Period(period)], now, organization.time_zone)
        start, end = [interval for interval in ended if interval[1] <= now][-1]
        sums = {count: each for count, _, each in _counted(organization, counts.values(), AT_ONCE, start, end, now)}
        for slo, count in counts.items():
            good, total, duration_us, duration_count = sums.get(count, Sums())
            found[slo.pk] = SLIMeasurement(
                organization=organization,
                slo=slo,
                period=period,
                period_start=start,
                period_end=end,
                good_events_count=good,
                total_events_count=total,
                duration_us=duration_us,
                duration_count=duration_count,
                **promises[slo.pk].at(end),
            )
    return found


def _counted(
    organization: Organization, wanted: Iterable[Count], bucket: str, start: datetime, end: datetime, now: datetime
) -> Iterator[tuple[Count, datetime, Sums]]:
    counts = sorted(set(wanted), key=lambda count: count.signature)
    for at in range(0, len(counts), MOST_COUNTS):
        several = counts[at : at + MOST_COUNTS]
        params: dict[str, Any] = {"organization": organization.pk, "now": now}
        sql = counting(several, bucket, start, end, params)
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            for k, starts, *sums in cursor.fetchall():
                yield several[k], starts, Sums(*sums)


def _total(several: Iterable[Counts]) -> Counts:
    good, total = Decimal(0), 0
    for counts in several:
        good, total = good + counts.good, total + counts.total
    return Counts(good, total)
