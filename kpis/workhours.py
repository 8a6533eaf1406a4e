"""Working hours as people write them, one thing a line, and what is wrong with them.

    zone Europe/Berlin
    Mon-Thu 08:30-12:00, 13:00-17:30
    Fri 08:30-15:00
    cut-off 16:00
    2026-12-24 08:30-12:00
    2026-12-27..2026-12-31 closed
    from 2027-01-01
    Fri closed

What follows `from` holds from the midnight of that date; what it does not name stays. Dates hold in every version.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from kpis.periods import midnight

LONGEST = 30_000  # characters
MOST_DAYS = 366  # in one line
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CLOSED = "closed"
FIRST_YEAR = 1995  # no message names an earlier time
_TIME = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
Minutes = tuple[tuple[int, int], ...]  # of a day's wall clock: from, until; in order, apart from each other
HOURS = "Write hours as 08:30-12:00, 13:00-17:30, or closed."


class Unreadable(ValueError):
    """Names the line and the way out."""


@dataclass(frozen=True)
class Version:
    """What holds from the midnight of `since` on; from ever, where it is None."""

    since: date | None
    zone: ZoneInfo
    week: tuple[Minutes, ...]  # Monday to Sunday
    days: Mapping[date, Minutes]  # holidays and half days, instead of the hours of their weekday
    cut_off: int | None = None  # minute of the day: what starts later counts as if it started at the next midnight

    def hours(self, day: date) -> Minutes:
        return self.days.get(day, self.week[day.weekday()])

    @cached_property
    def begins(self) -> datetime:
        return midnight(self.since or date(FIRST_YEAR, 1, 1), self.zone)


@dataclass
class _Draft:
    """A version as far as it has been read."""

    since: date | None = None
    zone: ZoneInfo | None = None
    week: list[Minutes] = field(default_factory=lambda: [()] * 7)
    cut_off: int | None = None
    named: set[int] = field(default_factory=set)  # weekdays


def parse(text: str) -> list[Version]:
    """The oldest first. Raises Unreadable."""
    if len(text) > LONGEST:
        raise Unreadable(f"Too long: at most {LONGEST:,} characters.")
    drafts, days = [_Draft()], dict[date, Minutes]()
    for number, line in enumerate(text.splitlines(), 1):
        said = line.partition("#")[0].strip()
        try:
            if said:
                _read(said, drafts, days)
        except Unreadable as error:
            raise Unreadable(f"Line {number}: {error}") from None
    return [_version(draft, days) for draft in drafts]


def _read(said: str, drafts: list[_Draft], days: dict[date, Minutes]) -> None:
    word, _, rest = said.partition(" ")
    rest, draft = rest.strip(), drafts[-1]
    if word == "zone":
        draft.zone = _zone(rest)
    elif word == "cut-off":
        draft.cut_off = None if rest == "none" else _minute(rest)
    elif word == "from":
        drafts.append(replace(draft, since=_later(_date(rest), draft.since), week=[*draft.week], named=set()))
    elif word[:1].isdigit():
        _name_days(word, _hours(rest), days)
    else:
        _name_weekdays(word, _hours(rest), draft)


def _version(draft: _Draft, days: Mapping[date, Minutes]) -> Version:
    name = f"From {draft.since}: " if draft.since else ""
    if draft.zone is None:
        raise Unreadable("Name the time zone, in a line such as: zone Europe/Berlin")
    if not any(draft.week):
        raise Unreadable(f"{name}the week has no working hours. Add a line such as: Mon-Fri 08:30-17:30")
    return Version(draft.since, draft.zone, tuple(draft.week), days, draft.cut_off)


def _zone(name: str) -> ZoneInfo:
    if name not in available_timezones():
        raise Unreadable(f"“{name}” is no time zone. Write one such as Europe/Berlin.")
    return ZoneInfo(name)


def _later(since: date, before: date | None) -> date:
    if before and since <= before:
        raise Unreadable(f"{since} does not come after {before}: put the versions in the order of their dates.")
    return since


def _date(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise Unreadable(f"“{text}” is no date. Write it as 2026-12-31.") from None
    if not 2000 <= found.year < 2100:
        raise Unreadable(f"{found} is out of reach: dates lie between 2000 and 2099.")
    return found


def _minute(text: str) -> int:
    found = _TIME.fullmatch(text.strip())
    minute = int(found[1]) * 60 + int(found[2]) if found else 1441
    if minute > 1440:
        raise Unreadable(f"“{text.strip()}” is no time of day. Write it as 16:00.")
    return minute


def _hours(text: str) -> Minutes:
    if text == CLOSED:
        return ()
    found = [_interval(part) for part in text.replace(",", " ").split()]
    if not found:
        raise Unreadable(HOURS)
    for (_, before), (after, _) in pairwise(sorted(found)):
        if after < before:
            raise Unreadable(f"{_clock(after)} lies before {_clock(before)}: these hours overlap.")
    return tuple(sorted(found))


def _interval(text: str) -> tuple[int, int]:
    opens, dash, closes = text.partition("-")
    if not dash:
        raise Unreadable(f"“{text}” is no interval. {HOURS}")
    start, end = _minute(opens), _minute(closes)
    if start >= end:
        raise Unreadable(
            f"{text} ends before it begins. Over midnight: {opens}-24:00 and, the day after, 00:00-{closes}."
        )
    return start, end


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _name_days(word: str, hours: Minutes, days: dict[date, Minutes]) -> None:
    first, _, last = word.partition("..")
    start = _date(first)
    end = _date(last) if last else start
    if not 0 <= (end - start).days < MOST_DAYS:
        raise Unreadable(f"{word} is no range: write an earlier and a later date, at most a year apart.")
    for k in range((end - start).days + 1):
        day = start + timedelta(days=k)
        if day in days:
            raise Unreadable(f"{day} has been named before: leave one of the two out.")
        days[day] = hours


def _name_weekdays(word: str, hours: Minutes, draft: _Draft) -> None:
    for part in word.lower().split(","):
        first, dash, last = part.partition("-")
        try:
            a, b = WEEKDAYS.index(first), WEEKDAYS.index(last if dash else first)
        except ValueError:
            known = "zone, cut-off, from, a date, or days such as Mon-Fri or Sat,Sun"
            raise Unreadable(f"“{word}” is not known. A line begins with {known}.") from None
        for k in range(a, b + 1 if a <= b else b + 8):
            if k % 7 in draft.named:
                raise Unreadable(f"{WEEKDAYS[k % 7].capitalize()} has been named before: leave one of the two out.")
            draft.named.add(k % 7)
            draft.week[k % 7] = hours


def tidy(text: str) -> str:
    """The same lines, as they are stored and compared."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def usual_day(version: Version) -> int:
    """Minutes of the working day that its week has most often, the longest of those."""
    worked = [sum(b - a for a, b in hours) for hours in version.week if hours]
    return max(worked, key=lambda minutes: (worked.count(minutes), minutes))


def week_words(version: Version) -> Iterator[str]:
    """ "Mon-Fri 08:30-17:30", day by day of like hours."""
    start = 0
    for k in range(1, 8):
        if k == 7 or version.week[k] != version.week[start]:
            days = WEEKDAYS[start].capitalize() + (f"-{WEEKDAYS[k - 1].capitalize()}" if k - 1 > start else "")
            yield f"{days} {hours_words(version.week[start])}"
            start = k


def hours_words(hours: Sequence[tuple[int, int]]) -> str:
    return ", ".join(f"{_clock(a)}-{_clock(b)}" for a, b in hours) or CLOSED
