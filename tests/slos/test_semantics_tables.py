"""Every table of section 3 of the definitions (docs/reference/calculation.md), line by line."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from slos.budget import Counts, Status, Window, burn_rate, burn_word, consumed, highest_burn_rate, percent, status
from tests.oracle import figures

MONTH = timedelta(days=30)


def budget_of(target: str) -> Decimal:
    return (100 - Decimal(target)) / 100


@pytest.mark.parametrize(
    ("good", "total", "target", "sli_percent", "consumed_percent", "burn"),
    [
        (930, 1000, "95", 93.0, 140, 1.4),
        (980, 1000, "98", 98.0, 100, 1.0),
        (1000, 1000, "90", 100.0, 0, 0),
        (0, 4, "85", 0.0, 666.6667, 6.6667),
        (0, 0, "95", None, None, None),
        (Decimal("2.84"), 3, "92", 94.6667, 66.6667, 0.6667),  # confidences 0.90, 0.95 and 0.99
    ],
)
def test_the_table_of_budgets(
    good: Decimal,
    total: int,
    target: str,
    sli_percent: float | None,
    consumed_percent: float | None,
    burn: float | None,
) -> None:
    counts, budget = Counts(Decimal(good), total), budget_of(target)
    rate = burn_rate(counts, budget)
    assert percent(counts.ratio) == sli_percent
    assert percent(consumed(counts, budget)) == consumed_percent
    assert (rate if rate is None else float(round(rate, 4))) == burn


@pytest.mark.parametrize("target", ["85", "90", "92", "95", "98", "99.9", "99.999"])
@pytest.mark.parametrize(("good", "total"), [("0", 1), ("1", 3), ("0.123456", 7), ("999999.999999", 1_000_000)])
def test_the_oracle_agrees_on_what_is_shown(good: str, total: int, target: str) -> None:
    counts, budget = Counts(Decimal(good), total), budget_of(target)
    expected = figures.budget(Fraction(good), total, Decimal(target))
    assert expected.sli is not None
    assert expected.consumed is not None
    assert percent(counts.ratio) == float(round(expected.sli * 100, 4))
    assert percent(consumed(counts, budget)) == float(round(expected.consumed * 100, 4))


def test_consumption_is_never_clamped_and_may_be_negative() -> None:
    assert percent(consumed(Counts(Decimal(11), 10), Decimal("0.05"))) == -200.0
    assert percent(consumed(Counts(Decimal(0), 10), Decimal("0.001"))) == 100_000.0


@pytest.mark.parametrize(
    ("burn", "word"),
    [
        ("0", "normal"),
        ("0.9999", "normal"),
        ("1", "raised"),
        ("1.5", "raised"),
        ("1.5001", "elevated"),
        ("2", "elevated"),
        ("2.0001", "too fast"),
        (None, "no data"),
    ],
)
def test_a_burn_rate_in_words(burn: str | None, word: str) -> None:
    assert burn_word(None if burn is None else Decimal(burn)) == word


@pytest.mark.parametrize(("target", "highest"), [("85", 6.67), ("90", 10), ("92", 12.5), ("95", 20), ("98", 50)])
def test_no_burn_rate_passes_its_ceiling(target: str, highest: float) -> None:
    ceiling = highest_burn_rate(budget_of(target))
    assert float(round(ceiling, 2)) == highest
    everything_bad = burn_rate(Counts(Decimal(0), 7), budget_of(target))
    assert everything_bad is not None
    assert everything_bad == pytest.approx(ceiling)


def spent(bad: int, total: int = 2000) -> Window:
    """A window that has run its length at a target of 95 %: 100 of 2000 events may be bad."""
    return Window(Counts(Decimal(total - bad), total), MONTH, MONTH)


@pytest.mark.parametrize(
    ("window", "burning", "severities", "expected"),
    [
        (spent(0, total=0), False, set(), Status.NO_DATA),
        (spent(0, total=0), True, {"critical"}, Status.NO_DATA),
        (spent(95), False, set(), Status.CRITICAL),
        (spent(0), False, {"critical"}, Status.CRITICAL),
        (spent(0), False, {"incident"}, Status.CRITICAL),
        (spent(80), False, {"incident", "warning"}, Status.CRITICAL),
        (spent(94), False, set(), Status.WARNING),
        (spent(80), False, set(), Status.WARNING),
        (spent(79), False, set(), Status.HEALTHY),
        (spent(0), False, {"warning"}, Status.WARNING),
        (spent(0), True, set(), Status.WARNING),
        (spent(0), False, {"info"}, Status.HEALTHY),
        (spent(0), False, set(), Status.HEALTHY),
    ],
)
def test_status_takes_the_first_that_holds(
    window: Window, burning: bool, severities: set[str], expected: Status
) -> None:
    assert status(window, Decimal("0.05"), burning=burning, severities=frozenset(severities)) is expected


@pytest.mark.parametrize(
    ("elapsed", "expected"),
    [
        (MONTH, Status.CRITICAL),  # 5 bad of 100 at 95 %: all of it
        (timedelta(days=15), Status.HEALTHY),  # half the window has run: half of it
        (timedelta(hours=1), Status.HEALTHY),  # an hour says no more than a day
    ],
)
def test_before_a_window_has_run_its_length_its_whole_budget_counts(elapsed: timedelta, expected: Status) -> None:
    window = Window(Counts(Decimal(95), 100), MONTH, elapsed)
    assert status(window, Decimal("0.05"), burning=False) is expected


def test_too_few_events_are_never_more_than_a_warning() -> None:
    few = Window(Counts(Decimal(10), 40), MONTH, MONTH)  # the budget is 2 bad events, 30 are
    assert few.too_few(Decimal("0.05"))
    assert status(few, Decimal("0.05"), burning=False) is Status.WARNING
    assert not spent(95).too_few(Decimal("0.05"))
