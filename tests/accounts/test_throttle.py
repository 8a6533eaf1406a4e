"""The counting of tries itself: exact when many come at once, and bounded in what it keeps."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts import throttle
from accounts.models import Throttle
from accounts.throttle import Limit, TooMany
from tests.together import together

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
FIVE, THREE = Limit(5, timedelta(minutes=5)), Limit(3, timedelta(minutes=1))


def tried(limits, now=NOW):
    try:
        return throttle.charge(limits, now=now)
    except TooMany:
        return None


@pytest.mark.django_db(transaction=True)
def test_of_many_tries_at_once_no_more_than_the_limit_are_let_through():
    found = together(*[lambda: tried({"account:a": FIVE, "address:b": Limit(20, timedelta(minutes=1))})] * 12)
    assert sum(one is not None for one in found) == 5
    assert sum(one == ["account:a"] for one in found) == 1


@pytest.mark.django_db
def test_a_try_that_one_key_refuses_costs_the_other_nothing():
    for _ in range(3):
        tried({"b": THREE})
    assert tried({"a": FIVE, "b": THREE}) is None
    assert [tried({"a": FIVE}) for _ in range(6)] == [[], [], [], [], ["a"], None]


@pytest.mark.django_db
def test_time_gives_tries_back_one_by_one():
    for _ in range(3):
        tried({"b": THREE})
    for minute in range(1, 4):
        assert tried({"b": THREE}, NOW + timedelta(minutes=minute)) == ["b"]
        assert tried({"b": THREE}, NOW + timedelta(minutes=minute)) is None
    later = NOW + timedelta(hours=1)
    assert [tried({"b": THREE}, later) for _ in range(4)] == [[], [], ["b"], None]


@pytest.mark.django_db
def test_what_is_over_is_forgotten():
    tried({"a": FIVE})
    tried({"b": THREE}, NOW + timedelta(minutes=5))
    assert list(Throttle.objects.values_list("key", flat=True)) == ["b"]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 second"), (59, "59 seconds"), (60, "1 minute"), (61, "2 minutes")]
)
def test_a_wait_is_told_in_words_that_are_never_too_short(seconds, words):
    assert throttle.in_words(timedelta(seconds=seconds)) == words
