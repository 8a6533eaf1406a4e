"""The months by which an organisation keeps its books, against a walk over the days."""

from datetime import UTC, date, datetime, timedelta
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

import pytest

from kpis.fiscal import Year
from kpis.periods import local_date

DAY = timedelta(days=1)
AUCKLAND = ZoneInfo("Pacific/Auckland")
WEEKS = {"4-4-5": (4, 4, 5), "4-5-4": (4, 5, 4), "5-4-4": (5, 4, 4)}
FIRST, LAST = date(2018, 1, 10), date(2034, 12, 20)


def at(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=zone).astimezone(UTC)


def tiles(year: Year, window: str) -> list[tuple[date, date]]:
    """First day and day after of every window, as a walk from one to the next finds them."""
    found, day = [], FIRST
    while day < LAST:
        span = year.window(window, at(day, year.zone))
        start, end = (local_date(moment, year.zone) for moment in span)
        assert start <= day < end
        assert span == year.window(window, at(end - DAY, year.zone)), "one of its other days finds another window"
        found.append((start, end))
        day = end
    assert all(one[1] == other[0] for one, other in pairwise(found))
    return found


@pytest.mark.parametrize("first_month", [1, 2, 7, 10])
@pytest.mark.parametrize("weeks", WEEKS)
def test_months_of_whole_weeks_are_as_long_as_said_and_the_last_takes_the_week_too_many(
    weeks: str, first_month: int
) -> None:
    months = tiles(Year(AUCKLAND, first_month, WEEKS[weeks]), "month")
    lengths = [(end - start).days // 7 for start, end in months]
    begins = [k for k, (start, _) in enumerate(months) if abs((start - nearest(start, first_month)).days) <= 3][:-1]
    assert len(begins) >= 15
    assert all(start.weekday() == 0 for start, _ in months)
    seen = set()
    for k in begins:
        *others, last = lengths[k : k + 12]
        assert others == [*(4 * WEEKS[weeks])[:-1]]
        seen.add(last - WEEKS[weeks][-1])
    assert seen == {0, 1}, "years of 52 and of 53 weeks"


def nearest(day: date, month: int) -> date:
    return min((date(day.year + k, month, 1) for k in (-1, 0, 1)), key=lambda first: abs(first - day))


@pytest.mark.parametrize("first_month", range(1, 13))
def test_quarters_begin_with_the_fiscal_year_and_are_three_of_its_months(first_month: int) -> None:
    year = Year(AUCKLAND, first_month)
    months, quarters = tiles(year, "month"), tiles(year, "quarter")
    assert all(start.day == 1 for start, _ in months)
    assert all((start.month - first_month) % 3 == 0 for start, _ in quarters)
    assert all(sum(start <= one[0] < end for one in months) == 3 for start, end in quarters[1:-1])


def test_from_january_a_year_of_whole_weeks_is_the_iso_year() -> None:
    quarters = tiles(Year(ZoneInfo("UTC"), 1, WEEKS["4-4-5"]), "quarter")
    by_year = groupby(quarters, key=lambda quarter: quarter[0].isocalendar().year)
    found = {iso: next(iter(those))[0] for iso, those in by_year}
    assert {iso: first for iso, first in found.items() if iso > 2018} == {
        iso: date.fromisocalendar(iso, 1, 1) for iso in found if iso > 2018
    }


@pytest.mark.parametrize(
    ("day", "year", "name"),
    [
        ("2026-11-23", {}, "November 2026"),
        ("2026-11-23", {"first_month": 4}, "November 2026"),
        ("2026-11-23", {"weeks": (4, 4, 5)}, "Month 12 of 2026"),
        ("2025-12-29", {"weeks": (4, 4, 5)}, "Month 1 of 2026"),
        ("2026-11-23", {"first_month": 10, "weeks": (4, 5, 4)}, "Month 2 of 2026/27"),
        ("2027-09-28", {"first_month": 10, "weeks": (4, 5, 4)}, "Month 12 of 2026/27"),
    ],
)
def test_a_month_has_a_name(day: str, year: dict, name: str) -> None:
    kept = Year(AUCKLAND, **year)
    start, _ = kept.window("month", at(date.fromisoformat(day), AUCKLAND))
    assert kept.month_name(local_date(start, AUCKLAND)) == name


@pytest.mark.parametrize(
    ("day", "year", "first", "last"),
    [
        ("2026-11-23", {}, "2026-11-01", "2026-11-06"),  # the first is a Sunday
        ("2026-10-01", {}, "2026-10-01", "2026-10-07"),  # ... a Thursday
        ("2026-08-31", {}, "2026-08-01", "2026-08-07"),  # ... a Saturday
        ("2026-11-23", {"weeks": (4, 4, 5)}, "2026-11-23", "2026-11-27"),
    ],
)
def test_a_month_is_closed_in_the_first_five_weekdays_of_the_next(day: str, year: dict, first: str, last: str) -> None:
    start, end = Year(AUCKLAND, **year).close(at(date.fromisoformat(day), AUCKLAND))
    assert [str(local_date(start, AUCKLAND)), str(local_date(end, AUCKLAND) - DAY)] == [first, last]
