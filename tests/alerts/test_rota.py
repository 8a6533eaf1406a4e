"""Who is on call: turns of a week, overrides, and both clock changes."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.rota import Override, Schedule, Shift

ANN, BEN, CLEO, DAN = (UUID(int=number) for number in range(1, 5))
BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 11, 9)


def schedule(**changes):
    given = {
        "members": (ANN, BEN, CLEO),
        "starts_on": MONDAY,
        "handover_day": 0,
        "handover_at": time(9),
        "zone": BERLIN,
    }
    return Schedule(**{**given, **changes})


def local(*when, zone=BERLIN):
    return datetime(*when, tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "who"),
    [
        ((2026, 11, 9, 8, 59), None),  # before the first week
        ((2026, 11, 9, 9, 0), ANN),
        ((2026, 11, 16, 8, 59), ANN),
        ((2026, 11, 16, 9, 0), BEN),
        ((2026, 11, 23, 9, 0), CLEO),
        ((2026, 11, 30, 9, 0), ANN),
        ((2027, 11, 8, 9, 0), BEN),  # 52 weeks on
    ],
)
def test_members_take_turns_a_week_each(at, who):
    assert schedule().on_call(local(*at)) == who


def test_the_first_week_is_the_one_that_holds_the_first_day():
    thursday = schedule(starts_on=date(2026, 11, 12))
    assert thursday.on_call(local(2026, 11, 9, 9)) == ANN
    assert thursday.on_call(local(2026, 11, 9, 8)) is None


def test_nobody_is_on_call_in_a_rota_without_members():
    assert schedule(members=()).on_call(local(2026, 11, 10, 9)) is None
    assert schedule().on_call(local(2026, 11, 10, 9)) == ANN


@pytest.mark.parametrize(
    ("before", "after", "hours"),
    [((2026, 3, 23), (2026, 3, 30), 167), ((2026, 10, 19), (2026, 10, 26), 169), ((2026, 11, 2), (2026, 11, 9), 168)],
)
def test_the_hand_over_keeps_its_time_on_the_wall_clock(before, after, hours):
    found = schedule(starts_on=date(2026, 1, 5)).shifts(start=local(*before, 9), weeks=1)
    assert [(shift.start, shift.end) for shift in found] == [(local(*before, 9), local(*after, 9))]
    assert found[0].end - found[0].start == timedelta(hours=hours)


def test_a_hand_over_at_a_time_that_the_clock_leaves_out_is_at_the_change():
    sunday = schedule(handover_day=6, handover_at=time(2, 30), starts_on=date(2026, 3, 22))
    change = datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert sunday.on_call(change - timedelta(seconds=1)) == ANN
    assert sunday.on_call(change) == BEN


def test_a_hand_over_at_a_time_that_the_clock_shows_twice_is_at_the_first():
    sunday = schedule(handover_day=6, handover_at=time(2, 30), starts_on=date(2026, 10, 18))
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert sunday.on_call(first - timedelta(seconds=1)) == ANN
    assert sunday.on_call(first) == BEN
    assert sunday.on_call(first + timedelta(hours=1)) == BEN


def test_a_clock_set_back_over_midnight_does_not_bring_the_week_before_back():
    azores = ZoneInfo("Atlantic/Azores")  # 2026-10-25 01:00 becomes 00:00
    havana = ZoneInfo("America/Havana")  # 2026-11-01 01:00 becomes 00:00
    for zone, day in ((azores, date(2026, 10, 25)), (havana, date(2026, 11, 1))):
        sunday = schedule(zone=zone, handover_day=6, handover_at=time(0), starts_on=day - timedelta(days=7))
        midnight = datetime.combine(day, time(0), zone).astimezone(UTC)
        assert [sunday.on_call(midnight + timedelta(minutes=30 * n)) for n in range(-1, 5)] == [ANN, *[BEN] * 5]


def test_of_overrides_the_one_made_last_counts():
    noon = local(2026, 11, 10, 12)
    over = [Override(DAN, noon, noon + timedelta(hours=8)), Override(CLEO, noon, noon + timedelta(hours=2))]
    covered = schedule(overrides=tuple(over))
    hours = [noon + timedelta(hours=hour) for hour in (-1, 0, 1, 2, 7, 8)]
    assert [covered.on_call(at) for at in hours] == [ANN, CLEO, CLEO, DAN, DAN, ANN]
    assert schedule(overrides=tuple(reversed(over))).on_call(noon) == DAN


def test_who_follows_in_turn_is_known_for_when_nobody_can_be_reached():
    noon = local(2026, 11, 17, 12)
    assert schedule().in_turn(noon) == [BEN, CLEO, ANN]
    override = Override(ANN, noon, noon + timedelta(hours=1))
    assert schedule(overrides=(override,)).in_turn(noon) == [ANN, BEN, CLEO]


def test_a_preview_names_every_change():
    start = local(2026, 11, 10, 12)
    override = Override(DAN, local(2026, 11, 15, 9), local(2026, 11, 17, 9))
    assert schedule(overrides=(override,)).shifts(start=start, weeks=3) == [
        Shift(ANN, start, override.start),
        Shift(DAN, override.start, override.end),
        Shift(BEN, override.end, local(2026, 11, 23, 9)),
        Shift(CLEO, local(2026, 11, 23, 9), local(2026, 11, 30, 9)),
    ]


def test_a_preview_before_the_first_week_says_that_nobody_is_on_call():
    found = schedule().shifts(start=local(2026, 11, 8, 12), weeks=2)
    assert [shift.who for shift in found] == [None, ANN]


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2036, 1, 1)),
    st.sampled_from(["Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia"]),
    st.integers(0, 6),
    st.times(),
)
def test_shifts_tile_the_time_and_agree_with_who_is_on_call(moment, zone, day, clock):
    start = moment.replace(tzinfo=UTC)
    rota = schedule(zone=ZoneInfo(zone), handover_day=day, handover_at=clock, starts_on=date(2019, 1, 1))
    found = rota.shifts(start=start, weeks=4)
    assert found[0].start == start
    assert all(one.end == following.start and one.who != following.who for one, following in pairwise(found))
    ends = [shift.end - timedelta(microseconds=1) for shift in found]
    assert [rota.on_call(shift.start) for shift in found] == [shift.who for shift in found]
    assert [rota.on_call(end) for end in ends] == [shift.who for shift in found]
    assert all(abs(shift.end - shift.start - timedelta(days=7)) <= timedelta(hours=1) for shift in found[1:])
