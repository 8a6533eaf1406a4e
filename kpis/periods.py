"""Buckets, look-backs and local periods. Every interval is half-open: [start, end).

A local hour starts whenever the wall clock shows a full hour, a local day at the first instant of its date, a week on
its ISO Monday; so clock changes make days of 23 to 25 hours that tile the time line without gap or overlap.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

BUCKET = timedelta(minutes=5)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
LOOK_BACKS = {
    "5m": timedelta(minutes=5),
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "2h": timedelta(hours=2),
    "6h": timedelta(hours=6),
    "1d": timedelta(days=1),
    "3d": timedelta(days=3),
    "30d": timedelta(days=30),
}
_NAMES = {length: name for name, length in LOOK_BACKS.items()}
WIDTHS = {5: BUCKET, 60: HOUR, 1440: DAY}  # minutes: length of the stored sums
QUARTER_HOUR = timedelta(minutes=15)  # since 2000 every zone's offset is a multiple of it
Interval = tuple[datetime, datetime]


def floor(at: datetime, length: timedelta = BUCKET) -> datetime:
    """The start of the UTC bucket, hour or day that holds `at`."""
    return at - (at - EPOCH) % length


def ceil(at: datetime, length: timedelta = BUCKET) -> datetime:
    """`at` itself if it is a border, else the next border."""
    return at + (EPOCH - at) % length


def look_back(now: datetime, length: timedelta) -> Interval:
    """The bucket that holds `now` and the length/5min buckets before it."""
    last = floor(now)
    return last - length, last + BUCKET


def look_back_name(length: timedelta) -> str:
    """That of LOOK_BACKS, or its minutes: "260m"."""
    return _NAMES.get(length) or f"{length // timedelta(minutes=1)}m"


def pieces(start: datetime, end: datetime) -> Iterator[tuple[int, datetime, datetime]]:
    """[start, end) on bucket borders as few (width, start, end) ranges of stored sums: 5 min, 1 h, 1 d, 1 h, 5 min."""
    yield from _pieces(start, end, (1440, 60, 5))


def _pieces(start: datetime, end: datetime, widths: tuple[int, ...]) -> Iterator[tuple[int, datetime, datetime]]:
    if start >= end:
        return
    width, *finer = widths
    first, last = ceil(start, WIDTHS[width]), floor(end, WIDTHS[width])
    if first >= last:
        yield from _pieces(start, end, tuple(finer))
        return
    if finer:
        yield from _pieces(start, first, tuple(finer))
    yield width, first, last
    if finer:
        yield from _pieces(last, end, tuple(finer))


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local date, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def local_date(at: datetime, zone: ZoneInfo) -> date:
    """The local day that holds `at`; a clock that is set back over midnight does not bring the day before back."""
    shown = at.astimezone(zone).date()
    return shown + timedelta(days=1) if midnight(shown + timedelta(days=1), zone) <= at else shown


def weeks_before(at: datetime, weeks: int, zone: ZoneInfo) -> datetime:
    """The first instant at which the wall clock showed what it shows at `at`, so many weeks earlier.

    A negative number leads to the future.
    """
    return first_shown(at.astimezone(zone).replace(tzinfo=None) - timedelta(weeks=weeks), zone)


def first_shown(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which the wall clock shows `wall`, in UTC.

    What a clock that is set forward leaves out is the moment of its setting.
    """
    found = min(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    while found.astimezone(zone).replace(tzinfo=None) < wall:
        found = floor(found, QUARTER_HOUR) + QUARTER_HOUR
    return found


def local_periods(period: str, start: datetime, end: datetime, zone: ZoneInfo) -> list[Interval]:
    """Every local hour, day or ISO week (`hourly`, `daily`, `weekly`) that touches [start, end), oldest first."""
    borders = (
        _hours(start, end, zone) if period == "hourly" else _days(start, end, zone, 7 if period == "weekly" else 1)
    )
    return [(a, b) for a, b in pairwise(borders) if a < b and b > start and a < end]


def period_of(period: str, at: datetime, zone: ZoneInfo) -> Interval:
    """The local hour, day or ISO week (`hourly`, `daily`, `weekly`) that holds `at`."""
    return local_periods(period, at, at + timedelta(microseconds=1), zone)[0]


def _hours(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    at = floor(start, QUARTER_HOUR).astimezone(UTC)
    while at.astimezone(zone).minute:
        at -= QUARTER_HOUR
    while True:
        yield at
        if at >= end:
            return
        at += QUARTER_HOUR
        while at.astimezone(zone).minute:
            at += QUARTER_HOUR


def _days(start: datetime, end: datetime, zone: ZoneInfo, step: int) -> Iterator[datetime]:
    day = start.astimezone(zone).date() - timedelta(days=1)  # a repeated midnight may lie behind `start`
    day -= timedelta(days=day.weekday() if step == 7 else 0)
    while True:
        at = midnight(day, zone)
        yield at
        if at >= end:
            return
        day += timedelta(days=step)
