"""Working clocks read step by step: at every step the wall clock is looked at, and nothing is computed from another."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
ZONES = [
    zone
    for line in (
        "UTC Europe/Berlin Europe/London Europe/Dublin Europe/Lisbon Europe/Athens Europe/Moscow Europe/Istanbul",
        "America/New_York America/Chicago America/Denver America/Los_Angeles America/Phoenix America/St_Johns",
        "America/Sao_Paulo America/Havana America/Caracas America/Santiago America/Asuncion America/Scoresbysund",
        "Asia/Kathmandu Asia/Kolkata Asia/Tehran Asia/Gaza Asia/Amman Asia/Tokyo Asia/Dhaka Asia/Pyongyang",
        "Asia/Kabul Australia/Lord_Howe Australia/Adelaide Australia/Sydney Australia/Perth Pacific/Apia",
        "Pacific/Chatham Pacific/Kiritimati Pacific/Honolulu Africa/Casablanca Africa/Cairo Atlantic/Azores",
    )
    for zone in line.split()
]


class Times(NamedTuple):
    """What holds from the midnight of `since`: hours by weekday and by date, as (from, until) minutes of the day."""

    since: date | None
    zone: str
    week: Sequence[Sequence[tuple[int, int]]]
    days: Mapping[date, Sequence[tuple[int, int]]]
    cut_off: int | None

    def lines(self) -> list[str]:
        """Without its dates."""
        days = [f"{name} {written(hours)}" for name, hours in zip(WEEKDAYS, self.week, strict=True)]
        cut_off = "none" if self.cut_off is None else clock(self.cut_off)
        return [*([f"from {self.since}"] if self.since else []), f"zone {self.zone}", f"cut-off {cut_off}", *days]


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def written(hours: Sequence[tuple[int, int]]) -> str:
    return ", ".join(f"{clock(a)}-{clock(b)}" for a, b in hours) or "closed"


def text(calendar: Sequence[Times]) -> str:
    """As an operator writes it."""
    lines = [line for one in calendar for line in one.lines()]
    return "\n".join([*lines, *(f"{day} {written(hours)}" for day, hours in calendar[0].days.items())])


def begun(one: Times, at: datetime) -> bool:
    """The date has been shown by the clock of its zone, be it that it was set back again since."""
    if one.since is None:
        return True
    return any((at - back * 30 * MINUTE).astimezone(ZoneInfo(one.zone)).date() >= one.since for back in range(4))


def holds(calendar: Sequence[Times], at: datetime) -> Times:
    return [one for one in calendar if begun(one, at)][-1]


def works(calendar: Sequence[Times], at: datetime) -> bool:
    one = holds(calendar, at)
    wall = at.astimezone(ZoneInfo(one.zone))
    minute = wall.hour * 60 + wall.minute
    return any(a <= minute < b for a, b in one.days.get(wall.date(), one.week[wall.weekday()]))


def counted_from(calendar: Sequence[Times], start: datetime, step: timedelta) -> datetime:
    """The start, or where the next day (or version) begins if it comes after the cut-off time of its own."""
    one = holds(calendar, start)
    zone = ZoneInfo(one.zone)
    shown = start.astimezone(zone).replace(tzinfo=None)
    again = any((start - back * 30 * MINUTE).astimezone(zone).date() > shown.date() for back in range(4))
    if one.cut_off is None or again:
        return start
    if shown - datetime(shown.year, shown.month, shown.day) <= one.cut_off * MINUTE:
        return start
    at = start
    while at.astimezone(zone).date() <= shown.date() and holds(calendar, at) is one:
        at = border_after(at, step)
    return at


def usual_day(calendar: Sequence[Times]) -> timedelta:
    """What a limit of a day means: the length that most working days of the first week have, the longest of those."""
    lengths = [sum(b - a for a, b in hours) for hours in calendar[0].week if hours]
    most = max(lengths.count(length) for length in lengths)
    return max(length for length in lengths if lengths.count(length) == most) * MINUTE


def border_after(at: datetime, step: timedelta) -> datetime:
    return at + step - (at - datetime(2000, 1, 1, tzinfo=UTC)) % step


def deadline(calendar: Sequence[Times], start: datetime, limit: timedelta, step: timedelta = MINUTE) -> datetime:
    """The first moment at which the clock has read `limit`. Hours begin and end on whole steps."""
    at, left = counted_from(calendar, start, step), limit
    while True:
        after = border_after(at, step)
        if works(calendar, at):
            if left <= after - at:
                return at + left
            left -= after - at
        at = after


def some_hours(rng: Random, grid: int) -> list[tuple[int, int]]:
    borders = sorted(rng.sample(range(0, 1441, grid), rng.choice([2, 2, 4])))
    return list(zip(borders[::2], borders[1::2], strict=True))


def some_times(rng: Random, since: date | None, around: date, grid: int) -> Times:
    usual = rng.choice([[(510, 1050)], [(480, 720), (780, 1080)], [(0, 1440)], some_hours(rng, grid)])
    odd = [rng.choice([usual, usual, [], some_hours(rng, grid)]) for _ in range(7)]
    week = rng.choice([[usual] * 5 + [[], []], odd if any(odd) else [usual] * 7])
    return Times(since, rng.choice(ZONES), week, {}, rng.choice([None, None, 360, 960, rng.randrange(72, 264) * 5]))


def some_calendar(rng: Random, around: date, grid: int) -> list[Times]:
    """One to three versions; the later ones begin about that date, sometimes in another zone."""
    days = {
        around + timedelta(days=rng.randrange(-4, 20)): rng.choice([[], [], [(480, 720)], some_hours(rng, grid)])
        for _ in range(rng.randrange(6))
    }
    first = some_times(rng, None, around, grid)
    later = sorted({around + timedelta(days=rng.randrange(-3, 15)) for _ in range(rng.choice([0, 0, 1, 2]))})
    changed = [some_times(rng, day, around, grid) for day in later]
    if rng.randrange(3):
        changed = [one._replace(zone=first.zone) for one in changed]
    return [one._replace(days=days) for one in (first, *changed)]
