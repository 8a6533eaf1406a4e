"""The months and quarters by which an organisation keeps its books; without a wish of its own those of the calendar.

A year of whole weeks (4-4-5 and its kin: a quarter has 13) begins on the Monday nearest to the first day of its first
month, as in 26 CFR 1.441-2(a)(2)(ii); in a year of 53 the last month has one more. With January these are ISO years.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import Protocol
from zoneinfo import ZoneInfo

from kpis.periods import Interval, local_date, midnight

WEEK = timedelta(days=7)
CLOSE_DAYS, SATURDAY = 5, 5  # the first five weekdays of a month are those in which the one before is closed


class Keeper(Protocol):
    """Who keeps books: an organisation."""

    time_zone: ZoneInfo
    fiscal_year_start: int
    fiscal_weeks: str


@dataclass(frozen=True)
class Year:
    """`first_month` 1..12; `weeks` of the three months of a quarter, () for months of the calendar."""

    zone: ZoneInfo
    first_month: int = 1
    weeks: tuple[int, ...] = ()

    def window(self, window: str, now: datetime) -> Interval:
        """The whole local `week`, `month` or `quarter` that holds `now`."""
        today = local_date(now, self.zone)
        first, after = self._dates(window, today)
        return midnight(first, self.zone), midnight(after, self.zone)

    def close(self, now: datetime) -> Interval:
        """The days D+1 to D+5 of this month: its first five weekdays, with what lies before and between them."""
        first, _ = self._dates("month", local_date(now, self.zone))
        days = [first + timedelta(days=k) for k in range(CLOSE_DAYS + 2)]  # seven hold five weekdays
        last = [day for day in days if day.weekday() < SATURDAY][-1]
        return midnight(first, self.zone), midnight(last + timedelta(days=1), self.zone)

    def month_name(self, first: date) -> str:
        """Of the month that begins on that day: "October 2026", or "Month 10 of 2026" where months are weeks."""
        if not self.weeks:
            return f"{first:%B %Y}"
        begin = self._begins(first)
        year = begin.year + (begin.month == 12 and self.first_month == 1)  # nearest to the first of January
        named = f"{year}" if self.first_month == 1 else f"{year}/{(year + 1) % 100:02d}"
        return f"Month {bisect_right(self._months(begin), first)} of {named}"

    def _dates(self, window: str, today: date) -> tuple[date, date]:
        if window == "week":
            first = today - timedelta(days=today.weekday())
            return first, first + WEEK
        many = 3 if window == "quarter" else 1
        if self.weeks:
            borders = self._months(self._begins(today))[::many]
            k = bisect_right(borders, today)
            return borders[k - 1], borders[k]
        first = _later(today.replace(day=1), -((today.month - self.first_month) % 12 % many))
        return first, _later(first, many)

    def _begins(self, day: date) -> date:
        """The first day of the year of whole weeks that holds it."""
        starts = [_nearest_monday(date(year, self.first_month, 1)) for year in (day.year - 1, day.year, day.year + 1)]
        return [start for start in starts if start <= day][-1]

    def _months(self, begin: date) -> list[date]:
        """The first days of the twelve months, and of the year after."""
        lengths = (4 * self.weeks)[:-1]  # the twelfth lasts to the end of the year, of 52 or 53 weeks
        return [*(begin + weeks * WEEK for weeks in accumulate(lengths, initial=0)), self._begins(begin + 54 * WEEK)]


def year_of(keeper: Keeper) -> Year:
    weeks = tuple(int(each) for each in keeper.fiscal_weeks.split("-")) if keeper.fiscal_weeks else ()
    return Year(keeper.time_zone, keeper.fiscal_year_start, weeks)


def _nearest_monday(day: date) -> date:
    return day + timedelta(days=3) - timedelta(days=(day + timedelta(days=3)).weekday())


def _later(first: date, months: int) -> date:
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(year, month + 1, 1)
