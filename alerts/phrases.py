"""Numbers, times and names as they stand in a sentence. Rounding never makes anything look better than it is."""

import unicodedata
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from zoneinfo import ZoneInfo

from slos.words import number, plain, plural

ZONE = "\0"  # after each time; the first one becomes the name of the zone
LONGEST_NAME = 60
UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


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
    """A local time; with its weekday or date unless it is today."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    return f"{_day(local, (local.date() - today).days)}{local:%H:%M}{ZONE}"


def _day(local: datetime, ahead: int) -> str:
    if ahead == 0:
        return ""
    if abs(ahead) < 7:
        return f"{local:%A} "
    return f"{local.day} {local:%b %Y} " if abs(ahead) > 300 else f"{local.day} {local:%b} "


def about(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """A moment that is only estimated: to the quarter of an hour, from the next day on to the hour; rounded down."""
    local = at.astimezone(zone)
    coarse = local.replace(minute=local.minute // 15 * 15 if at - now < DAY else 0, second=0, microsecond=0)
    ahead = (local.date() - now.astimezone(zone).date()).days
    day = _day(local, ahead)
    return f"{'on ' if day else ''}{day}at about {max(coarse, now.astimezone(zone)):%H:%M}{ZONE}"


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
