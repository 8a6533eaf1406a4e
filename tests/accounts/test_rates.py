"""A limit's worth of requests at once, then one after the other; whoever waits as long as told is granted one."""

from hypothesis import given
from hypothesis import strategies as st

from accounts.rates import WINDOW, Places, Rates


def test_a_limits_worth_is_granted_and_then_one_each_interval() -> None:
    rates = Rates()
    granted = [rates.charge("a", 6, 1000.0) for _ in range(8)]
    assert [rate.remaining for rate in granted] == [5, 4, 3, 2, 1, 0, 0, 0]
    assert [rate.wait for rate in granted] == [0, 0, 0, 0, 0, 0, 10, 10]
    assert granted[0].reset == 10
    assert granted[5].reset == 60
    assert rates.charge("a", 6, 1009.0).wait == 1
    assert rates.charge("a", 6, 1010.0).wait == 0
    assert rates.charge("a", 6, 1010.0).wait == 10
    assert rates.charge("a", 6, 1010.0 + WINDOW).remaining == 5


def test_one_does_not_wait_for_another() -> None:
    rates = Rates()
    assert [rates.charge(key, 1, 0.0).wait for key in "abab"] == [0, 0, 60, 60]


def test_whoever_was_not_seen_for_longest_is_forgotten() -> None:
    rates = Rates(most=2)
    for key in "abc":
        rates.charge(key, 1, 0.0)
    assert [rates.charge(key, 1, 0.0).wait for key in "bca"] == [60, 60, 0]


@given(limit=st.integers(1, 50), gaps=st.lists(st.floats(0, 30), max_size=80))
def test_no_minute_grants_more_than_twice_the_limit_and_waiting_helps(limit: int, gaps: list[float]) -> None:
    rates, now, granted = Rates(), 0.0, []
    for gap in gaps:
        now += gap
        rate = rates.charge("a", limit, now)
        if rate.wait:
            now += rate.wait
            rate = rates.charge("a", limit, now)
            assert rate.wait == 0
        granted.append(now)
        assert 0 <= rate.remaining < limit
    for start in granted:
        assert sum(start <= one < start + WINDOW for one in granted) <= 2 * limit


def test_places_are_taken_by_key_and_given_back_once() -> None:
    places = Places()
    first, second = (places.take("a", 2) for _ in range(2))
    assert places.take("a", 2) is None
    assert places.take("b", 2)
    assert first
    assert second
    first()
    first()
    assert places.take("a", 2)
    assert places.take("a", 2) is None
    assert all(places.take("a", 0) for _ in range(9))
    places.forget()
    second()  # of before
    assert places.take("a", 1)
    assert places.take("a", 1) is None
