"""Which local days, ISO weeks and months are over, and what they are called."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from kpis.periods import Interval, calendar_window, local_date, local_periods

INSTANT = timedelta(microseconds=1)
LONGEST = {"daily": timedelta(days=3), "weekly": timedelta(days=9), "monthly": timedelta(days=32)}
SCHEDULED = tuple(LONGEST)


def closed(kind: str, since: datetime, now: datetime, zone: ZoneInfo) -> list[Interval]:
    """The periods of a kind that begin at `since` or later and are over at `now`, oldest first."""
    found = _months(since, now, zone) if kind == "monthly" else local_periods(kind, since, now, zone)
    return [(start, end) for start, end in found if since <= start and end <= now]


def last_closed(kind: str, now: datetime, zone: ZoneInfo) -> Interval:
    return closed(kind, now - 2 * LONGEST[kind], now, zone)[-1]


def _months(since: datetime, now: datetime, zone: ZoneInfo) -> list[Interval]:
    found, at = [], since
    while at < now:
        found.append(calendar_window("month", at, zone))
        at = found[-1][1]
    return found


def name(kind: str, span: Interval, zone: ZoneInfo) -> str:
    """As one says it: "Monday, 9 November 2026", "Week 46: 9 to 15 November 2026", "October 2026"."""
    first, last = local_date(span[0], zone), local_date(span[1] - INSTANT, zone)
    if kind == "monthly":
        return f"{first:%B %Y}"
    if first == last:
        return f"{first:%A, %-d %B %Y}"
    begin = f"{first:%-d}" if (first.year, first.month) == (last.year, last.month) else f"{first:%-d %B}"
    begin = begin if first.year == last.year else f"{first:%-d %B %Y}"
    text = f"{begin} to {last:%-d %B %Y}"
    return f"Week {first.isocalendar().week}: {text}" if kind == "weekly" else text
