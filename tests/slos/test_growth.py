"""What of a change is new."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from slos.growth import grown


def of(**changes: float) -> dict[str, Decimal]:
    return {name: Decimal(str(change)) for name, change in changes.items()}


def test_events_go_where_they_were_first_decided():
    assert grown(of(good=3, bad=1)) == of(good=3, bad=1)
    assert grown(of(good=1, bad=-1)) == {}  # a correction
    assert grown(of(good=3, bad=-1)) == of(good=2)  # two new ones, and a correction
    assert grown(of(good=-2, bad=1)) == {}
    assert grown({}) == {}


def test_fractions_stay_exact():
    assert grown(of(good=0.94, bad=0.06)) == of(good=0.94, bad=0.06)


@given(st.dictionaries(st.integers(0, 5), st.decimals(-1000, 1000, places=2)))
def test_no_part_ever_falls_or_grows_by_more_than_it_did_and_together_they_grow_by_what_is_new(changes):
    new = grown(changes)
    assert all(0 < amount <= changes[part] for part, amount in new.items())
    assert sum(new.values()) == max(sum(changes.values()), 0)
