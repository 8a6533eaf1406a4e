"""Sums of events over buckets, local periods, windows and look-backs, and what they say about the budget. All exact."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo

from tests.oracle.slis import Account

MINUTE = timedelta(minutes=1)
BUCKET = 5 * MINUTE
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

LOOK_BACKS = {"5m": 5, "30m": 30, "1h": 60, "2h": 120, "6h": 360, "1d": 1440, "3d": 4320, "30d": 43200}  # minutes


@dataclass
class Sum:
    """What was decided, and what ended, in a stretch of time."""

    good: Fraction = Fraction(0)
    total: int = 0
    duration_us: int = 0
    duration_count: int = 0

    def add(self, other: "Sum") -> None:
        self.good += other.good
        self.total += other.total
        self.duration_us += other.duration_us
        self.duration_count += other.duration_count


Sums = dict[datetime, Sum]


def floor(moment: datetime, minutes: int = 5) -> datetime:
    """The start of the UTC-aligned stretch of `minutes` that holds `moment`."""
    return moment - (moment - EPOCH) % timedelta(minutes=minutes)


def sums(account: Account, start_of: Callable[[datetime], datetime]) -> Sums:
    """One sum per value of `start_of`, a function from a moment to the start of the stretch that holds it."""
    result: Sums = defaultdict(Sum)
    for event in account.events:
        result[start_of(event.decided_at)].add(Sum(event.good, 1))
    for ended in account.ended:
        result[start_of(ended.ended_at)].add(
            Sum(duration_us=ended.duration // timedelta(microseconds=1), duration_count=1)
        )
    return dict(result)


def buckets(account: Account, minutes: int = 5) -> Sums:
    return sums(account, lambda moment: floor(moment, minutes))


# --- local time ------------------------------------------------------------------------------------------
@lru_cache(maxsize=100_000)
def local_day(bucket: datetime, zone: ZoneInfo) -> date:
    """The local day of a 5-minute bucket: the latest date that the clock has shown by then.

    A day begins when its date is first seen; where the clock is then set back over midnight (Newfoundland until 2011)
    it goes on. No clock has been set back by more than three hours since 2000.
    """
    return max((bucket - k * BUCKET).astimezone(zone).date() for k in range(37))


@lru_cache(maxsize=100_000)
def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The first bucket of a local day, or of the next day that there is."""
    bucket = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=27)
    while local_day(bucket, zone) < day:
        bucket += BUCKET
    return bucket


@lru_cache(maxsize=100_000)
def hour_start(bucket: datetime, zone: ZoneInfo) -> datetime:
    """The start of the local hour that holds a bucket: where the clock last showed a full hour."""
    while bucket.astimezone(zone).minute:
        bucket -= BUCKET
    return bucket


def first_day(day: date, period: str) -> date:
    """The first day of the calendar week (ISO, Monday), month or quarter of `day`."""
    if period == "week":
        return day - timedelta(days=day.weekday())
    return date(day.year, day.month if period == "month" else day.month - (day.month - 1) % 3, 1)


def period_start(moment: datetime, period: str, zone: ZoneInfo) -> datetime:
    """Where the local hour, day or ISO week begins that holds `moment`; period is hourly, daily or weekly."""
    bucket = floor(moment)
    if period == "hourly":
        return hour_start(bucket, zone)
    day = local_day(bucket, zone)
    return day_start(day if period == "daily" else first_day(day, "week"), zone)


def periods(account: Account, period: str, zone: ZoneInfo) -> Sums:
    return sums(account, lambda moment: period_start(moment, period, zone))


def pending(account: Account, period: str, zone: ZoneInfo) -> dict[datetime, int]:
    """Undecided items per local period of their deadline."""
    result: dict[datetime, int] = defaultdict(int)
    for deadline in account.pending:
        result[period_start(deadline, period, zone)] += 1
    return dict(result)


# --- windows ---------------------------------------------------------------------------------------------
def since(five_minutes: Sums, start: datetime, now: datetime) -> Sum:
    """The buckets from `start` to the one that holds `now`, that one too."""
    result = Sum()
    for bucket, part in five_minutes.items():
        if start <= bucket <= now:
            result.add(part)
    return result


def look_back(five_minutes: Sums, minutes: int, now: datetime) -> Sum:
    return since(five_minutes, floor(now) - minutes * MINUTE, now)


def window_start(now: datetime, window: str, days: int, zone: ZoneInfo) -> datetime:
    """Where the compliance window begins: rolling `days`, or the local calendar week, month or quarter to date."""
    if window == "rolling":
        return floor(now) - timedelta(days=days)
    return day_start(first_day(local_day(floor(now), zone), window), zone)


# --- budget ----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Budget:
    """Shares of 1, not percent; None where there is no event."""

    sli: Fraction | None
    consumed: Fraction | None
    burn: Fraction | None


def budget(good: Fraction, total: int, target: Decimal, budget_percentage: Decimal | None = None) -> Budget:
    """SLI, budget consumed and burn rate of `good` of `total` events at a `target` in percent."""
    if total == 0:
        return Budget(None, None, None)
    allowed = Fraction(100 - target if budget_percentage is None else budget_percentage) / 100
    bad = total - good
    return Budget(good / total, bad / (allowed * total), bad / total / allowed)


def mean(values: Iterable[Fraction]) -> Fraction | None:
    known = list(values)
    return sum(known, Fraction(0)) / len(known) if known else None
