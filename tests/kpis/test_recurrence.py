"""When a maintenance window comes again: worked dates, clock changes, refusals, and rules made to take for ever."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpis.recurrence import MOST, Unreadable, occurrences, wrong

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 9, 22, tzinfo=BERLIN)
HOUR = timedelta(hours=1)


def dates(rule, start=MONDAY, most=5):
    found = islice(occurrences(rule, start.astimezone(UTC), (start + HOUR).astimezone(UTC), BERLIN), most)
    return [begin.astimezone(BERLIN).strftime("%a %d.%m.%y %H:%M") for begin, _ in found]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=DAILY;COUNT=3", ["Mon 09.11.26 22:00", "Tue 10.11.26 22:00", "Wed 11.11.26 22:00"]),
        ("FREQ=DAILY;INTERVAL=3;COUNT=2", ["Mon 09.11.26 22:00", "Thu 12.11.26 22:00"]),
        ("FREQ=WEEKLY;BYDAY=MO,WE;COUNT=3", ["Mon 09.11.26 22:00", "Wed 11.11.26 22:00", "Mon 16.11.26 22:00"]),
        ("freq=weekly;interval=2;count=2", ["Mon 09.11.26 22:00", "Mon 23.11.26 22:00"]),
        ("RRULE:FREQ=MONTHLY;BYDAY=2MO;COUNT=2", ["Mon 09.11.26 22:00", "Mon 14.12.26 22:00"]),
        ("FREQ=MONTHLY;BYDAY=-1FR;COUNT=2", ["Fri 27.11.26 22:00", "Fri 25.12.26 22:00"]),
        ("FREQ=MONTHLY;BYMONTHDAY=9,-1;COUNT=3", ["Mon 09.11.26 22:00", "Mon 30.11.26 22:00", "Wed 09.12.26 22:00"]),
        (
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=2",  # the last working day
            ["Mon 30.11.26 22:00", "Thu 31.12.26 22:00"],
        ),
        ("FREQ=DAILY;UNTIL=20261110", ["Mon 09.11.26 22:00", "Tue 10.11.26 22:00"]),  # its whole day
        ("FREQ=DAILY;UNTIL=20261110T220000", ["Mon 09.11.26 22:00", "Tue 10.11.26 22:00"]),
        ("FREQ=DAILY;UNTIL=20261110T210000Z", ["Mon 09.11.26 22:00", "Tue 10.11.26 22:00"]),
        ("FREQ=DAILY;UNTIL=20261110T205959Z", ["Mon 09.11.26 22:00"]),
    ],
)
def test_the_dates_of_a_rule(rule, expected):
    assert dates(rule) == expected


@pytest.mark.parametrize(
    ("night", "hours"), [(datetime(2026, 3, 28), 7), (datetime(2026, 10, 24), 9), (datetime(2026, 11, 7), 8)]
)
def test_a_night_from_22_to_6_is_so_on_the_wall_clock_when_clocks_change(night, hours):
    start = (night - timedelta(days=2)).replace(hour=22, tzinfo=BERLIN)
    end = (start + timedelta(hours=8)).astimezone(UTC)
    found = list(occurrences("FREQ=DAILY;COUNT=5", start.astimezone(UTC), end, BERLIN))
    assert [(a.astimezone(BERLIN).hour, b.astimezone(BERLIN).hour) for a, b in found] == [(22, 6)] * 5
    assert [(b - a) / HOUR for a, b in found] == [8, 8, hours, 8, 8]


def refusal(rule, start=MONDAY, length=HOUR):
    return wrong(rule, start.astimezone(UTC), (start + length).astimezone(UTC), BERLIN)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;COUNT=366",
        "FREQ=DAILY;UNTIL=20271109",
        "FREQ=WEEKLY;COUNT=53",
        "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;COUNT=367",
        "FREQ=MONTHLY;COUNT=12;",
        " rrule:FREQ=WEEKLY; COUNT=2 ",
    ],
)
def test_a_recurrence_of_up_to_a_year_is_fine(rule):
    assert refusal(rule) is None


@pytest.mark.parametrize(
    ("rule", "way_out"),
    [
        ("", "Known: FREQ"),
        ("weekly", "Known: FREQ"),
        ("FREQ=WEEKLY", "COUNT=… or UNTIL=…"),
        ("COUNT=3", "FREQ=DAILY, FREQ=WEEKLY or FREQ=MONTHLY"),
        ("FREQ=HOURLY;COUNT=3", "DAILY, WEEKLY or MONTHLY"),
        ("FREQ=SECONDLY;COUNT=3", "DAILY, WEEKLY or MONTHLY"),
        ("FREQ=YEARLY;COUNT=1", "DAILY, WEEKLY or MONTHLY"),
        ("FREQ=DAILY;FREQ=DAILY;COUNT=3", "Name FREQ once"),
        ("FREQ=DAILY;INTERVAL=0;COUNT=3", "INTERVAL is 1 to 99"),
        ("FREQ=DAILY;INTERVAL=²;COUNT=3", "INTERVAL is 1 to 99"),
        ("FREQ=DAILY;COUNT=0", "COUNT is 1 to 999"),
        ("FREQ=DAILY;COUNT=3;BYHOUR=1,2,3", "Known: FREQ"),
        ("FREQ=DAILY;COUNT=3;BYEASTER=0", "Known: FREQ"),
        ("FREQ=DAILY;BYDAY=MO;COUNT=3", "FREQ=WEEKLY;BYDAY=…"),
        ("FREQ=WEEKLY;BYDAY=1MO;COUNT=3", "need FREQ=MONTHLY"),
        ("FREQ=MONTHLY;BYDAY=5MO;COUNT=3", "BYDAY is as MO,FR"),
        ("FREQ=MONTHLY;BYMONTHDAY=31;COUNT=3", "-1 for the last day"),
        ("FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR;COUNT=3", "not both"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20261112", "COUNT or UNTIL, not both"),
        ("FREQ=MONTHLY;BYDAY=MO,2TU;COUNT=3", "not both"),
        ("FREQ=MONTHLY;BYMONTHDAY=1;BYSETPOS=2;COUNT=3", "BYSETPOS needs BYDAY"),
        ("FREQ=DAILY;UNTIL=20261399", "There is no such time"),
        ("FREQ=DAILY;UNTIL=tomorrow", "UNTIL is as 20271231"),
        ("FREQ=DAILY;UNTIL=00010101T000000Z", "first date is not the start"),
        ("FREQ=WEEKLY;BYDAY=TU;COUNT=3", "first date is not the start"),
        ("FREQ=DAILY;UNTIL=20261108", "first date is not the start"),
        ("FREQ=DAILY;COUNT=368", "more than a year"),
        ("FREQ=DAILY;COUNT=999", "more than a year"),
        ("FREQ=WEEKLY;INTERVAL=99;COUNT=999", "more than a year"),
        ("FREQ=DAILY;UNTIL=99991231", "more than a year"),
        ("FREQ=DAILY;UNTIL=99991231T235959Z", "There is no such time"),
        ("FREQ=DAILY;UNTIL=20271112", "more than a year"),
    ],
)
def test_what_is_refused_says_what_would_do(rule, way_out):
    assert way_out in (refusal(rule) or "")


def test_a_window_that_would_never_close_is_refused():
    assert "would not be over" in (refusal("FREQ=DAILY;COUNT=9", length=24 * HOUR) or "")
    assert refusal("FREQ=DAILY;COUNT=9", length=23 * HOUR) is None


@pytest.mark.parametrize("year", [1, 1999, 2100, 9999])
def test_a_start_far_away_is_refused(year):
    start = datetime(year, 6, 1, 12, tzinfo=UTC)
    assert "between the years" in (wrong("FREQ=DAILY;COUNT=3", start, start + HOUR, BERLIN) or "")


RULES = st.fixed_dictionaries(
    {"FREQ": st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"])},
    optional={
        "INTERVAL": st.integers(0, 120).map(str),
        "COUNT": st.integers(0, 1200).map(str),
        "UNTIL": st.sampled_from(["20271231", "99991231T235959Z", "20261201T000000"]),
        "BYDAY": st.sampled_from(["MO", "MO,TU", "2MO", "-1FR", "5SU", "MO,2TU"]),
        "BYMONTHDAY": st.sampled_from(["1", "-1", "28", "31", "-28,5"]),
        "BYSETPOS": st.sampled_from(["1", "-4", "9"]),
        "BYMONTH": st.just("2"),
        "WKST": st.sampled_from(["MO", "SU"]),
    },
)


@settings(deadline=None)  # a busy machine
@given(RULES, st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)))
def test_whatever_is_read_has_a_date_in_each_of_its_periods(parts, start):
    first = start.replace(tzinfo=UTC, day=min(start.day, 27), microsecond=0)
    rule = ";".join(f"{name}={value}" for name, value in parts.items())
    try:
        found = list(islice(occurrences(rule, first, first + HOUR, BERLIN), MOST + 1))
    except Unreadable:
        return
    period = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 31}[parts["FREQ"]] * int(parts.get("INTERVAL", 1))
    assert len(found) <= MOST
    assert found or "UNTIL" in parts  # a time before the first date
    assert all((following[0] - begin).days <= period + 31 for (begin, _), following in pairwise(found))


@pytest.mark.parametrize("month", [1, 2, 3, 10])
def test_the_last_days_of_a_month_are_found_wherever_they_are(month):
    start = datetime(2028, month, 29, 12, tzinfo=UTC)
    assert len(dates("FREQ=MONTHLY;INTERVAL=12;COUNT=5", start)) == 5
