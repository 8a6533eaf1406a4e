"""What an error budget comes to: worked by hand where nothing varies, and honest where nothing can be said."""

from datetime import timedelta

import pytest

from slos.forecast import DAY, NO_EVENTS, QUIET, Asked, Past, forecast
from tests.facts import NOON

STEADY = [Past(4, 100)] * 60  # 4 % bad of 100 a day


def asked(past=None, **fields):
    past = STEADY if past is None else past
    window = Past(sum(day.bad for day in past[-30:]), sum(day.total for day in past[-30:]))
    given = {"budget": 0.05, "window": window, "leaving": past[-30:], "now": NOON, "end": NOON + 30 * DAY, **fields}
    return Asked(past=past, **given)


def test_what_goes_on_as_it_was_leaves_a_rolling_window_as_it_is():
    found = forecast(asked())
    assert [round(day.left.middle, 6) for day in found.days] == [0.2] * 31  # 120 of 150 are spent, now and ever after
    assert (found.days[0].at, found.days[-1].at) == (NOON, NOON + 30 * DAY)
    assert found.runs_out is None
    widths = [day.left.high - day.left.low for day in found.days]
    assert widths == sorted(widths)
    assert (widths[0], widths[-1] > 0.2) == (0, True)


def test_bad_days_that_leave_give_their_budget_back():
    past = [Past(1, 100)] * 40 + [Past(31, 100)] * 2 + [Past(1, 100)] * 18
    found = forecast(asked(past))
    assert found.days[0].left.middle == pytest.approx(1 - 90 / 150)
    assert found.days[-1].left.middle > 0.55  # straight on at this pace nothing would come back


def test_a_calendar_window_runs_out_when_its_bad_events_reach_what_all_of_it_allows():
    past = [Past(8, 100)] * 60
    found = forecast(asked(past, window=Past(112, 1400), leaving=[], end=NOON + timedelta(days=15, hours=12)))
    assert found.days[-1].at == NOON + timedelta(days=15, hours=12)
    allowed = 0.05 * (1400 + 1550)
    assert found.days[-1].left.middle == pytest.approx(1 - (112 + 8 * 15.5) / allowed)
    assert found.runs_out == NOON + 5 * DAY  # 112 + 8 * 5 of 147.5
    assert found.at_the_earliest <= found.runs_out <= found.at_the_latest


def test_weekends_and_what_is_open_count():
    week = [Past(5, 100)] * 5 + [Past(0, 0)] * 2
    found = forecast(asked(week * 8, window=Past(9, 1000), leaving=[], end=NOON + 7 * DAY))
    left = [day.left.middle for day in found.days]
    assert left[5] == pytest.approx(left[7])  # nothing comes on the two free days
    assert left[4] > left[5]
    more = forecast(asked(week * 8, window=Past(9, 1000), leaving=[], end=NOON + 7 * DAY, due=400))
    assert more.days[1].left.middle < left[1]


def test_what_cannot_be_said_is_not_said():
    short = forecast(asked([Past(0, 0)] * 50 + [Past(1, 20)] * 10))
    assert (short.days, short.runs_out) == ((), None)
    assert short.reason == "only 10 of the last 10 days had events; it takes 14"
    assert forecast(asked([Past(0, 0)] * 60)).reason == NO_EVENTS
    assert forecast(asked(STEADY + [Past(0, 0)] * 7)).reason == QUIET
    weeks = ([Past(0, 9)] + [Past(0, 0)] * 6) * 8
    assert forecast(asked([Past(0, 0)] * 20 + weeks)).reason == "only 8 of the last 56 days had events; it takes 14"


def test_without_a_bad_event_some_may_still_come():
    found = forecast(asked([Past(0, 20)] * 60))
    assert found.days[-1].left.high == 1
    assert found.days[-1].left.low < 1
