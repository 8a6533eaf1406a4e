"""Which local days, ISO weeks and months are over, and what they are called."""

from datetime import datetime, timedelta

from kpis.fiscal import Year
from kpis.periods import Interval, local_date, local_periods

INSTANT = timedelta(microseconds=1)
LONGEST = {"daily": timedelta(days=3), "weekly": timedelta(days=9), "monthly": timedelta(days=43)}  # of six weeks
SCHEDULED = tuple(LONGEST)


def closed(kind: str, since: datetime, now: datetime, year: Year) -> list[Interval]:
    """The periods of a kind that begin at `since` or later and are over at `now`, oldest first."""
    found = _months(since, now, year) if kind == "monthly" else local_periods(kind, since, now, year.zone)
    return [(start, end) for start, end in found if since <= start and end <= now]


def last_closed(kind: str, now: datetime, year: Year) -> Interval:
    return closed(kind, now - 2 * LONGEST[kind], now, year)[-1]


def _months(since: datetime, now: datetime, year: Year) -> list[Interval]:
    found, at = [], since
    while at < now:
        found.append(year.window("month", at))
        at = found[-1][1]
    return found


def name(kind: str, span: Interval, year: Year) -> str:
    """As one says it: "Monday, 9 November 2026", "Week 46: 9 to 15 November 2026", "October 2026",
    "Month 10 of 2026: 28 September to 25 October 2026"."""
    first, last = local_date(span[0], year.zone), local_date(span[1] - INSTANT, year.zone)
    if kind == "monthly" and not year.weeks:
        return year.month_name(first)
    if first == last:
        return f"{first:%A, %-d %B %Y}"
    begin = f"{first:%-d}" if (first.year, first.month) == (last.year, last.month) else f"{first:%-d %B}"
    begin = begin if first.year == last.year else f"{first:%-d %B %Y}"
    text = f"{begin} to {last:%-d %B %Y}"
    named = {"weekly": f"Week {first.isocalendar().week}: ", "monthly": f"{year.month_name(first)}: "}
    return f"{named.get(kind, '')}{text}"
