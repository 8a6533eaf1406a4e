"""When a budget will be used up, and shares that add up."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from slos.budget import Counts, Window
from slos.outlook import outlook
from slos.suspects import shares

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
MONTH = timedelta(days=30)
BUDGET = Decimal("0.05")


def counts(bad: int, total: int) -> Counts:
    return Counts(Decimal(total - bad), total)


def found(bad: int, *looks: Counts, end: timedelta = MONTH, elapsed: timedelta = MONTH):
    named = [(f"look {k}", look) for k, look in enumerate(looks)]
    return outlook(Window(counts(bad, 1000), MONTH, elapsed), BUDGET, named, now=NOW, end=NOW + end)


@pytest.mark.parametrize(
    ("bad", "look", "days"),
    [
        (25, counts(10, 100), 7.5),  # half is left and burns at 2
        (0, counts(10, 100), 15),
        (0, counts(100, 100), 1.5),
        (25, counts(5, 100), 15),
        (0, counts(5, 100), None),  # it just lasts
        (25, counts(0, 100), None),
    ],
)
def test_what_is_left_lasts_as_long_as_the_burn_rate_allows(bad, look, days):
    one = found(bad, look)
    assert one.at == (None if days is None else NOW + timedelta(days=days))
    assert (one.pace, one.known, one.used_up) == ("look 0", True, False)


def test_too_few_events_are_no_pace():
    assert found(25, counts(9, 9), counts(10, 100)).pace == "look 1"
    assert not found(25, counts(9, 9)).known


def test_a_budget_may_be_used_up_or_outlast_its_calendar_window():
    assert found(50, counts(0, 100)).used_up
    assert not found(49, counts(0, 100)).used_up
    assert found(25, counts(10, 100), end=timedelta(days=7)).at is None
    assert found(25, counts(10, 100), end=timedelta(days=8)).at is not None


def test_of_a_window_that_has_just_begun_the_whole_budget_counts():
    assert found(50, counts(10, 100), elapsed=timedelta(days=15)).at == NOW + timedelta(days=7.5)


@pytest.mark.parametrize("parts", [[1, 1, 1], [5, 1], [1] * 7, [0, 3], [1, 999, 1000, 7, 13]])
def test_shares_add_up_to_a_hundred(parts):
    rounded = shares([Decimal(part) for part in parts])
    assert round(sum(rounded), 1) == 100.0
    assert all(abs(share - 100 * part / sum(parts)) < 0.1 for share, part in zip(rounded, parts, strict=True))
    assert shares([Decimal(0), Decimal(0)]) == [0, 0]
