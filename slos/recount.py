"""Figures for a moment of the past, or for a part of the work, counted from the raw rows where no bucket holds them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from operator import itemgetter
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Min

from accounts.models import Organization
from kpis.periods import BUCKET, Interval, floor, local_periods
from slos.budget import Counts
from slos.indicators import BIN, Count, counting
from slos.measure import promises_of
from slos.models import EngineState, Period, SLIBucket, SLIMeasurement, SLODefinition
from slos.sources import Buckets, Stored
from slos.sums import Sums, fine_since
from slos.windows import NOTHING

MOST_COUNTS = 40  # in one statement; the planner's time grows faster than that
STRETCH = "width_bucket({at}, %(borders)s::timestamptz[])"  # n: between the n-th border and the next
AT_ONCE = "0"
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
    """The work of `only` (all of it when empty), counted from the raw rows."""

    def __init__(
        self, organization: Organization, slos: Sequence[SLODefinition], now: datetime, *, only: Parts, begun: bool
    ) -> None:
        super().__init__(organization, now)
        self.only, self.begun = only, begun
        self.counts = {slo.pk: self.count_of(slo) for slo in slos}

    def count_of(self, slo: SLODefinition) -> Count:
        return Count.of(slo, self.only, without=self.excluded.text(slo.pk))

    def sums(self, intervals: Mapping[str, Interval]) -> Mapping[UUID, Mapping[str, Counts]]:
        """One scan for all intervals: it adds up the stretches between their borders."""
        borders = sorted({border for interval in intervals.values() for border in interval})
        stretches: dict[Count, dict[datetime, Counts]] = defaultdict(dict)
        for count, k, sums in self._counted(self.counts.values(), STRETCH, borders[0], borders[-1], borders=borders):
            stretches[count][borders[k - 1]] = Counts(sums.good, sums.total)
        return {
            slo: {
                name: _total(counts for at, counts in stretches[count].items() if start <= at < end)
                for name, (start, end) in intervals.items()
            }
            for slo, count in self.counts.items()
            if count in stretches
        }

    def newest(self, since: Mapping[UUID, datetime], most: int) -> Mapping[UUID, Buckets]:
        counts = [self.counts[slo] for slo in since]
        buckets: dict[Count, Buckets] = defaultdict(list)
        if counts:
            for count, at, sums in self._counted(counts, BIN, min(since.values()), floor(self.now) + BUCKET):
                buckets[count].append((at, Counts(sums.good, sums.total)))
        return {
            slo: sorted((one for one in buckets[self.counts[slo]] if one[0] >= start), reverse=True, key=itemgetter(0))
            for slo, start in since.items()
        }

    def _counted(
        self, wanted: Iterable[Count], bucket: str, start: datetime, end: datetime, **more: Any
    ) -> Iterator[tuple[Count, Any, Sums]]:
        """Each count by the `bucket` of its moments; what `bucket` refers to is in `more`."""
        counts = sorted(set(wanted), key=lambda count: count.signature)
        for at in range(0, len(counts), MOST_COUNTS):
            several = counts[at : at + MOST_COUNTS]
            params = {"organization": self.organization.pk, "now": self.now, **more}
            sql = counting(several, bucket, start, end, params)
            with connection.cursor() as cursor:
                cursor.execute(sql, params)
                for k, found, *sums in cursor.fetchall():
                    yield several[k], found, Sums(*sums)

    def latest_closed(self, slos: Sequence[SLODefinition]) -> dict[UUID, SLIMeasurement]:
        """Per objective the measurement of its last closed period; not stored anywhere."""
        promises, found = promises_of(slos), {}
        for period in {slo.measurement_period for slo in slos}:
            counts = {slo: self.count_of(slo) for slo in slos if slo.measurement_period == period}
            start, end = _last_closed(period, self.now, self.organization.time_zone)
            sums = {count: each for count, _, each in self._counted(counts.values(), AT_ONCE, start, end)}
            for slo, count in counts.items():
                good, total, duration_us, duration_count = sums.get(count, Sums())
                found[slo.pk] = SLIMeasurement(
                    organization=self.organization,
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


def _last_closed(period: str, now: datetime, zone: ZoneInfo) -> Interval:
    periods = local_periods(period, now - 2 * LONGEST[Period(period)], now, zone)
    return [interval for interval in periods if interval[1] <= now][-1]


class Past(Stored):
    """The stored buckets before `now`, a border, and what was decided at that very instant."""

    begun = True

    def __init__(self, organization: Organization, slos: Sequence[SLODefinition], now: datetime) -> None:
        super().__init__(organization, now)
        self.fine_since = fine_since(organization)
        instant = Recounted(organization, slos, now, only={}, begun=True)
        self.instant = {slo: sums["now"] for slo, sums in instant.sums({"now": (now, now + BUCKET)}).items()}

    def sums(self, intervals: Mapping[str, Interval]) -> Mapping[UUID, Mapping[str, Counts]]:
        """Of intervals that end with the bucket of `now`, as every look-back and window does."""
        stored = super().sums({name: (start, self.now) for name, (start, _) in intervals.items()})
        return {
            slo: {
                name: _total([stored.get(slo, {}).get(name, NOTHING), self.instant.get(slo, NOTHING)])
                for name in intervals
            }
            for slo in {*stored, *self.instant}
        }

    def newest(self, since: Mapping[UUID, datetime], most: int) -> Mapping[UUID, Buckets]:
        """What was decided in the bucket of `now` later than at that instant is not known yet."""
        return {
            slo: [(self.now, self.instant.get(slo, NOTHING)), *(one for one in buckets if one[0] < self.now)]
            for slo, buckets in super().newest(since, most + 1).items()
        }


def _total(several: Iterable[Counts]) -> Counts:
    good, total = Decimal(0), 0
    for counts in several:
        good, total = good + counts.good, total + counts.total
    return Counts(good, total)
