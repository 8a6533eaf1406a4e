"""Local hours, days, weeks and calendar windows in many zones, over every clock change of a year."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest

from kpis.fiscal import Year
from kpis.periods import local_periods
from tests.oracle import figures

HALF_A_DAY = timedelta(hours=12)
AROUND = timedelta(hours=30)

# zones, each with a year in which its clock does something of its own
YEARS = {
    "Africa/Cairo": 2014,
    "Africa/Casablanca": 2024,  # set back for Ramadan
    "Africa/El_Aaiun": 2023,
    "Africa/Windhoek": 2016,
    "America/Adak": 2024,
    "America/Anchorage": 2024,
    "America/Asuncion": 2023,
    "America/Caracas": 2016,  # half an hour, for good
    "America/Chicago": 2024,
    "America/Havana": 2024,  # a second midnight
    "America/Los_Angeles": 2024,
    "America/New_York": 2024,
    "America/Nuuk": 2024,
    "America/Santiago": 2024,
    "America/Sao_Paulo": 2018,  # no midnight
    "America/St_Johns": 2009,  # set back at 00:01 on the first day of a month
    "Antarctica/Casey": 2010,  # three hours
    "Antarctica/Troll": 2024,  # two hours
    "Asia/Amman": 2021,
    "Asia/Beirut": 2024,
    "Asia/Damascus": 2021,
    "Asia/Gaza": 2016,  # 00:01
    "Asia/Jerusalem": 2024,
    "Asia/Kathmandu": 2024,  # +05:45
    "Asia/Kolkata": 2024,
    "Asia/Pyongyang": 2018,
    "Asia/Tehran": 2021,
    "Atlantic/Azores": 2024,
    "Australia/Adelaide": 2024,
    "Australia/Eucla": 2024,
    "Australia/Lord_Howe": 2024,  # half an hour, every half year
    "Australia/Sydney": 2024,
    "Europe/Berlin": 2024,
    "Europe/Chisinau": 2024,
    "Europe/Dublin": 2024,  # winter is the exception
    "Europe/Istanbul": 2016,
    "Europe/London": 2024,
    "Europe/Moscow": 2014,
    "Pacific/Apia": 2011,  # no 30 December
    "Pacific/Auckland": 2024,
    "Pacific/Chatham": 2024,  # +12:45 and +13:45
    "Pacific/Easter": 2024,
    "Pacific/Fiji": 2020,
    "Pacific/Norfolk": 2023,
    "Pacific/Tongatapu": 2016,
    "UTC": 2024,
}


def clock_changes(zone: ZoneInfo, year: int) -> list[datetime]:
    """The buckets of a year with which another offset begins; if there is none, some day in June."""
    changes, moment = [], datetime(year, 1, 1, tzinfo=UTC)
    while moment.year == year:
        if moment.astimezone(zone).utcoffset() != (moment + HALF_A_DAY).astimezone(zone).utcoffset():
            changes.append(exact(zone, moment))
        moment += HALF_A_DAY
    return changes or [datetime(year, 6, 15, tzinfo=UTC)]


def exact(zone: ZoneInfo, moment: datetime) -> datetime:
    before = moment.astimezone(zone).utcoffset()
    while moment.astimezone(zone).utcoffset() == before:
        moment += figures.BUCKET
    return moment


def buckets_around(change: datetime) -> list[datetime]:
    start = change - AROUND
    return [start + k * figures.BUCKET for k in range(2 * AROUND // figures.BUCKET)]


def test_there_are_enough_zones_and_both_changes_of_a_year_are_found() -> None:
    assert len(YEARS) >= 40
    assert [f"{at:%d.%m. %H:%M}" for at in clock_changes(ZoneInfo("Europe/Berlin"), 2024)] == [
        "31.03. 01:00",
        "27.10. 01:00",
    ]
    assert len(clock_changes(ZoneInfo("Africa/Casablanca"), 2024)) == 2
    assert len([name for name, year in YEARS.items() if len(clock_changes(ZoneInfo(name), year)) > 1]) > 30


@pytest.mark.parametrize("name", sorted(YEARS))
def test_local_periods_tile_the_time_and_begin_where_the_oracle_says(name: str) -> None:
    zone = ZoneInfo(name)
    for change in clock_changes(zone, YEARS[name]):
        for period in ("hourly", "daily", "weekly"):
            check_tiles(period, buckets_around(change), zone)


def check_tiles(period: str, buckets: list[datetime], zone: ZoneInfo) -> None:
    tiles = local_periods(period, buckets[0], buckets[-1] + figures.BUCKET, zone)
    assert tiles[0][0] <= buckets[0]
    assert tiles[-1][1] > buckets[-1]
    assert all(a[1] == b[0] for a, b in pairwise(tiles))
    holding = iter(tiles)
    start, end = next(holding)
    for bucket in buckets:
        if bucket >= end:
            start, end = next(holding)
        assert start == figures.period_start(bucket, period, zone), (period, bucket)


@pytest.mark.parametrize("name", sorted(YEARS))
def test_a_calendar_window_holds_its_moment_and_begins_where_the_oracle_says(name: str) -> None:
    zone = ZoneInfo(name)
    for change in clock_changes(zone, YEARS[name]):
        for bucket in buckets_around(change):
            for window in ("week", "month", "quarter"):
                start, end = Year(zone).window(window, bucket)
                assert start <= bucket < end, (window, bucket)
                assert start == figures.window_start(bucket, window, 0, zone), (window, bucket)


@pytest.mark.parametrize(
    ("name", "day", "hours"),
    [
        ("Europe/Berlin", date(2024, 3, 31), 23),
        ("Europe/Berlin", date(2024, 10, 27), 25),
        ("Australia/Lord_Howe", date(2024, 4, 7), 24.5),
        ("Australia/Lord_Howe", date(2024, 10, 6), 23.5),
        ("Antarctica/Troll", date(2024, 3, 31), 22),
        ("Pacific/Apia", date(2011, 12, 29), 24),
        ("America/St_Johns", date(2009, 11, 1), 25),
        ("Asia/Kathmandu", date(2024, 2, 29), 24),
    ],
)
def test_how_long_a_local_day_is(name: str, day: date, hours: float) -> None:
    zone = ZoneInfo(name)
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=zone).astimezone(UTC)
    ((start, end),) = local_periods("daily", noon, noon + figures.BUCKET, zone)
    assert end - start == timedelta(hours=hours)


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(available_timezones() - {"localtime"}))
def test_local_periods_in_every_zone_and_every_year(name: str) -> None:
    zone = ZoneInfo(name)
    for year in range(2000, 2038):
        for change in clock_changes(zone, year):
            for period in ("hourly", "daily", "weekly"):
                check_tiles(period, buckets_around(change), zone)
