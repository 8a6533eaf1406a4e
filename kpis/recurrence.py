"""When a period comes again: a part of RFC 5545's RRULE, on the wall clock. Pure.

Only rules that have a date in each of their days, weeks or months are read (but for months without a 29th, 30th or
31st), so that finding the dates is bounded work whatever was typed.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr

from kpis.periods import Interval, first_shown

MOST = 400  # dates that are looked at
AHEAD = timedelta(days=366)  # from the first to the last one
LAST_YEAR = 2100
_DAY = "(?:MO|TU|WE|TH|FR|SA|SU)"
_PARTS = {
    "FREQ": "DAILY|WEEKLY|MONTHLY",
    "INTERVAL": "[1-9][0-9]?",
    "COUNT": "[1-9][0-9]{0,2}",
    "UNTIL": "[0-9]{8}(?:T[0-9]{6}Z?)?",
    "WKST": _DAY,
    "BYDAY": rf"(?:-?[1-4])?{_DAY}(?:,(?:-?[1-4])?{_DAY})*",
    "BYMONTHDAY": "-?(?:[1-9]|1[0-9]|2[0-8])(?:,-?(?:[1-9]|1[0-9]|2[0-8]))*",
    "BYSETPOS": "-?[1-4]",
}
_EXAMPLES = {
    "FREQ": "DAILY, WEEKLY or MONTHLY",
    "INTERVAL": "1 to 99",
    "COUNT": "1 to 999",
    "UNTIL": "as 20271231 or 20271231T220000Z",
    "WKST": "MO to SU",
    "BYDAY": "as MO,FR or, with MONTHLY, 1MO or -1FR (first to fourth, or counted from the end)",
    "BYMONTHDAY": "1 to 28, or -1 for the last day of the month, to -28",
    "BYSETPOS": "1 to 4 or -1 to -4",
}


class Unreadable(ValueError):
    """Says what is wrong and what would be right."""


def occurrences(rule: str, start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[Interval]:
    """Each [start, end) in UTC, oldest first, of which start and end are the first. Raises Unreadable.

    A window from 22:00 to 06:00 is so on the wall clock also in the night in which the clocks change.
    """
    first = _wall(start, zone)
    length = _wall(end, zone) - first
    for begin in islice(_read(rule, first, zone), MOST):
        yield first_shown(begin, zone), first_shown(begin + length, zone)


def wrong(rule: str, start: datetime, end: datetime, zone: ZoneInfo) -> str | None:
    """Why such a recurrence is refused, and what would do; None when it is fine."""
    if not 2000 <= start.year < LAST_YEAR:
        return f"Begin between the years 2000 and {LAST_YEAR}."
    try:
        parts = _parts(rule)
        found = list(occurrences(rule, start, end, zone))
    except Unreadable as error:
        return str(error)
    if "COUNT" not in parts and "UNTIL" not in parts:
        return "It would never end. Add COUNT=… or UNTIL=…, within a year."
    if not found or found[0][0] != start:
        return "Its first date is not the start. Choose a start that the recurrence holds."
    if len(found) == MOST or found[-1][0] - start > AHEAD:
        return "It goes on for more than a year. Choose a smaller COUNT or an earlier UNTIL."
    if any(following <= until for (_, until), (following, _) in pairwise(found)):
        return "One would not be over when the next begins. Make it shorter."
    return None


def _read(rule: str, first: datetime, zone: ZoneInfo) -> rrule:
    parts = _parts(rule)
    until = parts.pop("UNTIL", None)
    found = rrulestr(";".join(f"{name}={value}" for name, value in parts.items()), dtstart=first)
    assert isinstance(found, rrule)  # noqa: S101 - one line gives no set of rules
    return found.replace(until=_until(until, zone)) if until else found


def _parts(rule: str) -> dict[str, str]:
    """NAME=VALUE;… with no more names than the frequency can use."""
    found: dict[str, str] = {}
    for part in rule.strip().upper().removeprefix("RRULE:").strip(";").split(";"):
        name, _, value = part.strip().partition("=")
        if name not in _PARTS:
            raise Unreadable(f"{name[:20] or 'Nothing'} is not known here. Known: {', '.join(_PARTS)}.")
        if name in found:
            raise Unreadable(f"Name {name} once.")
        if not re.fullmatch(_PARTS[name], value, re.ASCII):
            raise Unreadable(f"{name} is {_EXAMPLES[name]}.")
        found[name] = value
    _refuse_what_contradicts_itself(found)
    return found


def _refuse_what_contradicts_itself(parts: dict[str, str]) -> None:
    freq, by_day = parts.get("FREQ"), parts.get("BYDAY", "")
    if freq is None:
        raise Unreadable("Say how often it recurs: FREQ=DAILY, FREQ=WEEKLY or FREQ=MONTHLY.")
    if "COUNT" in parts and "UNTIL" in parts:
        raise Unreadable("Take COUNT or UNTIL, not both.")
    if freq == "DAILY" and by_day:
        raise Unreadable("With FREQ=DAILY there is no BYDAY. Take FREQ=WEEKLY;BYDAY=….")
    if freq != "MONTHLY" and ("BYMONTHDAY" in parts or "BYSETPOS" in parts or re.search("[0-9]", by_day)):
        raise Unreadable("Days of the month, such as BYMONTHDAY=1 or BYDAY=-1FR, need FREQ=MONTHLY.")
    if len({day.isalpha() for day in by_day.split(",")}) > 1:
        raise Unreadable("In BYDAY take plain days or numbered ones, not both.")
    if by_day and "BYMONTHDAY" in parts:
        raise Unreadable("Take BYDAY or BYMONTHDAY, not both.")
    if "BYSETPOS" in parts and (not by_day or re.search("[0-9]", by_day)):
        raise Unreadable("BYSETPOS needs BYDAY with plain days: FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1.")


def _until(text: str, zone: ZoneInfo) -> datetime:
    """On the wall clock; a date includes its whole day."""
    try:
        if len(text) == 8:
            return datetime.combine(datetime.strptime(text, "%Y%m%d"), time.max)
        at = datetime.strptime(text.rstrip("Z"), "%Y%m%dT%H%M%S")
        return _wall(at.replace(tzinfo=UTC), zone) if text.endswith("Z") else at
    except (ValueError, OverflowError):
        raise Unreadable(f"There is no such time: UNTIL is {_EXAMPLES['UNTIL']}.") from None


def _wall(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)
