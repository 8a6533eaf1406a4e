"""Percentiles from histograms, grades, and the words for a change."""

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kpis.stats import bin_of, difference, grade, middle, percentage, quantiles, relative, trend
from tests.oracle.kpis import percentile

SHARES = (0, 0.5, 0.9, 0.95, 0.99, 1)
durations = st.floats(1e-6, 1e9)


@given(st.lists(durations | st.just(0.0), min_size=1, max_size=60))
@example([1.0, 100.0])
@example([0.0, 0.0, 5.0])
def test_percentiles_are_within_one_percent_of_exact_ones(values: list[float]) -> None:
    exact = [Fraction(value) for value in values]

    for share, found in zip(SHARES, quantiles(Counter(map(bin_of, values)), SHARES), strict=True):
        true = float(percentile(exact, Fraction(share)))
        assert found == pytest.approx(true, rel=0.01)


@given(durations)
def test_the_middle_of_a_bin_is_within_one_percent_of_what_is_in_it(value: float) -> None:
    assert middle(bin_of(value)) == pytest.approx(value, rel=0.00991)


def test_of_no_value_there_are_no_percentiles() -> None:
    assert quantiles({}, [0.5, 0.99]) == [None, None]


@pytest.mark.parametrize(
    ("rate", "letter"),
    [(100, "A"), (95, "A"), (94.9999, "B"), (90, "B"), (89.9999, "C"), (80, "C"), (79.9999, "D"), (0, "D"),
     (None, None)],
)  # fmt: skip
def test_grades(rate: float | None, letter: str | None) -> None:
    assert grade(rate) == letter


@pytest.mark.parametrize(
    ("now", "before", "word"),
    [(92, 90, "stable"), (88, 90, "stable"), (92.01, 90, "improving"), (87.99, 90, "declining"), (None, 90, None),
     (90, None, None), (0, 0, "stable")],
)  # fmt: skip
def test_words_for_a_trend(now: float | None, before: float | None, word: str | None) -> None:
    assert trend(now, before) == word


def test_what_cannot_be_known_is_none() -> None:
    assert percentage(0, 0) is None
    assert percentage(0, 4) == 0
    assert (difference(None, 1), difference(1, None), difference(3, 1)) == (None, None, 2)
    assert (relative(5, 0), relative(None, 5), relative(5, 4)) == (None, None, 25)
