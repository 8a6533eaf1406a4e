"""Clocks that stand still outside working hours: when they are due, and from when on a start is still in time.

Moments are counted in microseconds since 1970 in here. An instant is working time if its wall clock shows working hours
of the date that it shows; so an hour that a clock repeats is worked twice, and one that it leaves out is not worked.
With `worked(t)` the working time before t, the deadline of a start is the first t with
`worked(t) = worked(start) + limit`: at closing time, not on the next morning. It never falls while the start rises.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from hashlib import sha256
from itertools import accumulate
from typing import NamedTuple
from zoneinfo import ZoneInfo

from kpis.periods import DAY, first_shown, midnight
from kpis.workhours import FIRST_YEAR, Version, parse, usual_day

MICROSECOND = timedelta(microseconds=1)
MINUTE_US, DAY_US = 60_000_000, 86_400_000_000
YEAR_1970 = datetime(1970, 1, 1, tzinfo=UTC)
LAST_YEAR = 2100  # a deadline beyond lies at its end


class Piece(NamedTuple):
    """Starts in [start, end) are due at max(start, opens) + shift, all in microseconds."""

    start: int
    end: int
    opens: int
    shift: int

    def due(self, at: int) -> int:
        return max(at, self.opens) + self.shift


@dataclass(frozen=True)
class Hours:
    """The working time of whole years: intervals, and what was worked before each of them."""

    starts: Sequence[int]
    ends: Sequence[int]
    before: Sequence[int]  # one more than there are intervals: the last is the sum
    puts_off: Sequence[tuple[int, int]]  # (first, until): a start in [first, until) counts from `until` on

    def worked(self, at: int) -> int:
        k = bisect_right(self.starts, at) - 1
        return self.before[k] + min(at, self.ends[k]) - self.starts[k] if k >= 0 else 0

    def reached(self, worked: int) -> int | None:
        """The first moment by which so much has been worked; None where that lies outside."""
        k = bisect_left(self.before, worked) - 1
        return self.starts[k] + worked - self.before[k] if 0 <= k < len(self.starts) else None

    def put_off(self, at: int) -> tuple[int, int] | None:
        """The stretch after a cut-off time that holds `at`."""
        k = bisect_right(self.puts_off, (at, LAST_YEAR * 366 * DAY_US)) - 1
        return self.puts_off[k] if k >= 0 and at < self.puts_off[k][1] else None

    def next_put_off(self, at: int) -> int | None:
        k = bisect_right(self.puts_off, (at, LAST_YEAR * 366 * DAY_US))
        return self.puts_off[k][0] if k < len(self.puts_off) else None


@dataclass(eq=False)
class Calendar:
    """Working hours, as a text says them (see `read`); two are equal that say the same."""

    text: str
    versions: Sequence[Version]
    _years: tuple[int, int] = field(default=(0, -1), repr=False)
    _hours: Hours = field(default_factory=lambda: Hours((), (), (0,), ()), repr=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Calendar) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    @cached_property
    def digest(self) -> str:
        """Tells it from others, in few letters."""
        return sha256(self.text.encode()).hexdigest()[:16]

    @cached_property
    def day(self) -> timedelta:
        """What a limit of one working day means, in every version."""
        return usual_day(self.versions[0]) * timedelta(minutes=1)

    def longest(self, limit: timedelta) -> timedelta:
        """More time than ever passes before a limit is reached, closing days of a month included."""
        least = min(sum(b - a for hours in one.week for a, b in hours) for one in self.versions)
        return limit * (7 * 1440 / least) + timedelta(days=37)

    def due(self, start: datetime, limit: timedelta) -> datetime:
        """The first moment at which the clock has read `limit`, which is more than nothing."""
        at = microseconds(start)
        return moment(self._piece(at, at + 1, limit // MICROSECOND).due(at))

    def earliest(self, end: datetime, limit: timedelta) -> datetime:
        """The first start that is not due before `end`: whatever starts then or later may end then, in time."""
        at, most = microseconds(end), limit // MICROSECOND
        years, found = 1, None
        while found is None and end.year - years // 2 > FIRST_YEAR:
            hours = self._cover(max(end.year - years, FIRST_YEAR), end.year)
            found = hours.reached(hours.worked(at - 1) + 1 - most)
            years *= 2
        if found is None:
            return moment(microseconds(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)))
        put_off = hours.put_off(found - 1)
        return moment(put_off[0] if put_off else found)

    def pieces(self, start: datetime, end: datetime, limit: timedelta) -> Iterator[Piece]:
        """How the starts of [start, end) are due."""
        at, until, most = microseconds(start), microseconds(end), limit // MICROSECOND
        while at < until:
            piece = self._piece(at, until, most)
            yield piece
            at = piece.end

    def intervals(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The working time of [start, end)."""
        hours, since, until = self._cover(start.year, end.year), microseconds(start), microseconds(end)
        for k in range(bisect_right(hours.ends, since), bisect_left(hours.starts, until)):
            yield moment(max(hours.starts[k], since)), moment(min(hours.ends[k], until))

    def worked(self, start: datetime, end: datetime) -> timedelta:
        """The working time of [start, end)."""
        hours = self._cover(start.year, end.year)
        return (hours.worked(microseconds(end)) - hours.worked(microseconds(start))) * MICROSECOND

    def _piece(self, at: int, until: int, limit: int) -> Piece:
        """The one that holds a start, from there on."""
        first, last = moment(at).year, moment(until).year
        hours = self._cover(first, last)
        if put_off := hours.put_off(at):
            opens, end = put_off[1], put_off[1]
        else:
            k = bisect_right(hours.ends, at)
            opens = max(at, hours.starts[k]) if k < len(hours.starts) else at
            end = min(hours.ends[k] if k < len(hours.ends) else until, hours.next_put_off(at) or until)
        wanted = hours.worked(opens) + limit
        while (due := hours.reached(wanted)) is None and last < LAST_YEAR:
            last = min(2 * last - first + 1, LAST_YEAR)
            hours = self._cover(first, last)
            wanted = hours.worked(opens) + limit
        if due is None:
            return Piece(at, until, until, LAST_YEAR * 366 * DAY_US)
        left = hours.before[bisect_left(hours.before, wanted)] - wanted  # of the interval in which it is due
        return Piece(at, min(end, until, max(opens, at) + left + 1), opens, due - opens)

    def _cover(self, first: int, last: int) -> Hours:
        """Hours that hold these years and the ones around them; they grow as they are asked for."""
        have = self._years
        if have[0] <= first - 1 and last + 1 <= have[1]:
            return self._hours
        years = (min(first - 1, have[0] or first), max(last + 1, have[1]))
        start, end = (datetime(year, 1, 1, tzinfo=UTC) for year in (years[0], years[1] + 1))
        self._hours = _hours(self.versions, start, end)
        self._years = years
        return self._hours


def microseconds(at: datetime) -> int:
    return (at - YEAR_1970) // MICROSECOND


def moment(us: int) -> datetime:
    return YEAR_1970 + us * MICROSECOND


def _hours(versions: Sequence[Version], start: datetime, end: datetime) -> Hours:
    found: list[tuple[int, int]] = []
    puts_off: list[tuple[int, int]] = []
    for version, until in zip(versions, [*(one.begins for one in versions[1:]), end], strict=True):
        since = start if version.since is None else max(start, version.begins)
        for interval in _intervals(version, since, min(end, until)):
            if found and found[-1][1] == interval[0]:
                interval = found.pop()[0], interval[1]
            found.append(interval)
        puts_off += _puts_off(version, since, min(end, until))
    starts, ends = [a for a, _ in found], [b for _, b in found]
    return Hours(starts, ends, list(accumulate((b - a for a, b in found), initial=0)), puts_off)


def _intervals(version: Version, start: datetime, end: datetime) -> Iterator[tuple[int, int]]:
    """What the wall clock shows is UTC and an offset, which changes now and then."""
    for since, until, offset in _offsets(version.zone, start, end):
        low, high = microseconds(since), microseconds(until)
        day = (since + offset).date()
        while (begins := microseconds(datetime(day.year, day.month, day.day, tzinfo=UTC) - offset)) < high:
            for opens, closes in version.hours(day):
                a, b = max(low, begins + opens * MINUTE_US), min(high, begins + closes * MINUTE_US)
                if a < b:
                    yield a, b
            day += DAY


def _offsets(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """[start, end) in stretches of one offset; no zone changes twice in a day."""
    since, at = start, start
    while at < end:
        offset, after = _offset(zone, at), min(at + DAY, end)
        if _offset(zone, after) != offset:
            after = _changes(zone, at, after)
        at = after
        if at == end or _offset(zone, at) != offset:
            yield since, at, offset
            since = at


def _changes(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The moment between the two at which the offset changes: on a quarter of an hour, or any minute."""
    while after - before > MICROSECOND:
        middle = before + (after - before) / 2
        before, after = (middle, after) if _offset(zone, middle) == _offset(zone, before) else (before, middle)
    return after


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)


def _puts_off(version: Version, start: datetime, end: datetime) -> Iterator[tuple[int, int]]:
    """From just after the cut-off time of a day until the next one begins, or another version."""
    if version.cut_off is None:
        return
    cut_off, day = timedelta(minutes=version.cut_off), start.astimezone(version.zone).date() - DAY
    while midnight(day, version.zone) < end:
        wall = datetime(day.year, day.month, day.day) + cut_off
        first, until = first_shown(wall, version.zone) + MICROSECOND, min(midnight(day + DAY, version.zone), end)
        if max(first, start) < until:
            yield microseconds(max(first, start)), microseconds(until)
        day += DAY


@lru_cache(maxsize=256)
def read(text: str) -> Calendar:
    """What kpis.workhours can read."""
    return Calendar(text, parse(text))
