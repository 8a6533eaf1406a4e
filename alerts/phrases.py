"""Numbers, times and names as they stand in a sentence. Rounding never makes anything look better than it is."""

import unicodedata
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from zoneinfo import ZoneInfo

from kpis.periods import DAY, HOUR, floor
from slos.words import number, plain, plural

ZONE = "\0"  # after each time; the first one becomes the name of the zone
LONGEST_NAME = 60
UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
MINUTE, QUARTER_HOUR = timedelta(minutes=1), timedelta(minutes=15)


def name(text: str, longest: int = LONGEST_NAME) -> str:
    """What a stranger has written, on one line: no control characters, no direction marks, not long."""
    clean = "".join(" " if unicodedata.category(char) in UNPRINTABLE else char for char in text[: 10 * longest])
    return cut(" ".join(clean.split()), longest)


def cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def up(value: Decimal, places: int = 0) -> str:
    """Rounded up: what is bad, and what is spent."""
    return _shown(value, places, ROUND_CEILING)


def down(value: Decimal, places: int = 0) -> str:
    """Rounded down: what is good, and what is left."""
    return _shown(value, places, ROUND_FLOOR)


def _shown(value: Decimal, places: int, rounding: str) -> str:
    rounded = value.quantize(Decimal(1).scaleb(-places), rounding)
    return number(rounded) if rounded % 1 else number(Decimal(int(rounded)))


def many(count: Decimal | int, noun: str) -> str:
    return f"{number(Decimal(count))} {plural(noun, count)}"


def when(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """A local time after "since" or "by": "09:10", or "Sunday 09:10" on another day."""
    day = _day(at, now, zone)
    return f"{day} {_clock(at, zone)}" if day else _clock(at, zone)


def on(at: datetime, now: datetime, zone: ZoneInfo, word: str = "at") -> str:
    """A local time after a verb: "at 09:10", "on Sunday at 09:10"."""
    day = _day(at, now, zone)
    return f"on {day} {word} {_clock(at, zone)}" if day else f"{word} {_clock(at, zone)}"


def between(start: datetime, end: datetime, now: datetime, zone: ZoneInfo) -> str:
    """A time span of the past: "between 08:00 and 09:00"."""
    days = _day(start, now, zone), _day(end, now, zone)
    today = "today " if days[0] and not days[1] else ""
    return f"between {when(start, now, zone)} and {today}{when(end, now, zone)}"


def about(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """A moment that is only estimated: to the quarter of an hour, from the next day on to the hour; rounded down."""
    coarse = floor(at, QUARTER_HOUR if at - now < DAY else HOUR)
    return on(max(coarse, now), now, zone, "at about")


def _day(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    local, today = at.astimezone(zone), now.astimezone(zone)
    ahead = (local.date() - today.date()).days
    if ahead == 0:
        return ""
    if abs(ahead) < 7:
        return f"{local:%A}"
    return f"{local.day} {local:%B}" if local.year == today.year else f"{local.day} {local:%B %Y}"


def _clock(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%H:%M}{ZONE}"


def in_zone(text: str, zone: ZoneInfo) -> str:
    """The zone named once, after the first time; UTC goes without saying."""
    label = "" if zone.key == "UTC" else f" ({zone.key})"
    return text.replace(ZONE, label, 1).replace(ZONE, "")


def span(length: timedelta) -> str:
    """How long something took, in its two largest units: "2 h 10 min"."""
    parts, rest = [], max(length, timedelta(0))
    for unit, size in (("d", DAY), ("h", HOUR), ("min", MINUTE)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "less than a minute"


def last(length: timedelta) -> str:
    """A look-back: "the last 6 hours"."""
    if length > DAY and not length % DAY:
        return f"the last {length // DAY} days"
    if not length % HOUR:
        hours = length // HOUR
        return "the last hour" if hours == 1 else f"the last {hours} hours"
    return f"the last {span(length)}" if length > HOUR else f"the last {plain(length // MINUTE)} minutes"
