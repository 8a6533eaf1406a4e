"""The conditions of section 4 of the definitions (docs/reference/alerts.md), line by line."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from alerts.kinds import AlertType, Severity
from alerts.rules import Figures, Measured, Thresholds, Verdict, verdicts
from slos.budget import Counts, Window
from slos.burn import CRITICAL, WARNING, Burn, BurnRule, Guards

D = Decimal
MONTH = timedelta(days=30)
DAWN = datetime(2026, 11, 1, tzinfo=UTC)
HIGH = BurnRule(timedelta(hours=6), D(2), CRITICAL)
ELEVATED = BurnRule(timedelta(hours=24), D("1.5"), WARNING)
CONSUMED, EXHAUSTED = AlertType.ERROR_BUDGET_CONSUMED, AlertType.ERROR_BUDGET_EXHAUSTED
BURN, PERFORMANCE = AlertType.BURN_RATE_WARNING, AlertType.CRITICAL_PERFORMANCE
FAILURES = AlertType.CONSECUTIVE_FAILURES
INCIDENT = Severity.INCIDENT


def counts(bad: float | str, total: int) -> Counts:
    return Counts(total - D(str(bad)), total)


def spent(bad: float | str, total: int = 2000, elapsed: timedelta = MONTH) -> Window:
    """At 95 % over 30 days 100 of 2000 may be bad."""
    return Window(counts(bad, total), MONTH, elapsed)


def measured(*several: tuple[float, int], target: float = 95) -> list[Measured]:
    """(bad, total) of neighbouring days, newest first."""
    return [
        Measured(
            UUID(int=k),
            DAWN - timedelta(days=k),
            DAWN - timedelta(days=k - 1),
            counts(bad, total),
            D(target),
            100 - D(target),
        )
        for k, (bad, total) in enumerate(several)
    ]


def figures(
    window: Window | None = None, *, high: Counts | None = None, elevated: Counts | None = None, **given: Any
) -> Figures:
    """95 % over 30 days, nothing wrong but what is given; a short look-back burns as its long one does."""
    limits = {name: given.pop(name) for name in list(given) if name not in ("measured", "stale")}
    high, elevated = high or counts(0, 100), elevated or counts(0, 400)
    burns = (Burn(HIGH, high, high), Burn(ELEVATED, elevated, elevated))
    return Figures(Thresholds(D("0.05"), **limits), window or spent(0), burns, **given)


def verdict(kind: AlertType, found: Figures) -> Verdict:
    (one,) = [each for each in verdicts(found) if each.alert_type == kind]
    return one


def how(found: Verdict) -> Any:
    """Its severity, or a word."""
    words = {"over": found.over, "frozen": found.frozen, "superseded": found.superseded}
    said = [word for word, holds in words.items() if holds] + ([found.severity.value] if found.severity else [])
    assert len(said) <= 1
    return said[0] if said else "between"


# --- burn rate ---------------------------------------------------------------------------------------------
BURNING, CALM, EMPTY = counts(30, 100), counts(0, 100), counts(0, 0)


@pytest.mark.parametrize(
    ("high", "elevated", "expected", "look_back"),
    [
        (CALM, CALM, "over", None),
        (CALM, BURNING, "warning", 24),
        (BURNING, CALM, "critical", 6),
        (BURNING, BURNING, "critical", 6),  # the worse of two
        (EMPTY, BURNING, "warning", 24),
        (EMPTY, CALM, "frozen", None),
        (EMPTY, EMPTY, "frozen", None),
    ],
)
def test_the_worst_burn_rate_rule_that_holds(
    high: Counts, elevated: Counts, expected: str, look_back: int | None
) -> None:
    found = verdict(BURN, figures(high=high, elevated=elevated))
    assert how(found) == expected
    if look_back:
        assert found.look_back == timedelta(hours=look_back)
        assert (found.value, found.counts) == (6, BURNING)
        assert found.threshold == (2 if look_back == 6 else D("1.5"))


def test_without_a_rule_that_holds_the_nearest_speaks() -> None:
    found = verdict(BURN, figures(high=counts(9, 100), elevated=counts(7, 100)))
    assert (found.severity, found.value, found.threshold) == (None, D("1.4"), D("1.5"))  # 93 % of it, 1.8 is 90 % of 2


# --- error budget ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("bad", "consumed", "exhausted"),
    [
        ("0", "over", "over"),
        ("74.999999", "over", "over"),
        ("75", "between", "between"),
        ("79.999999", "between", "between"),
        ("80", "warning", "between"),
        ("94.999999", "warning", "between"),
        ("95", "critical", "between"),
        ("99.999999", "critical", "between"),
        ("100", "superseded", "incident"),
        ("140", "superseded", "incident"),
    ],
)
def test_the_share_of_the_budget_that_is_consumed(bad: str, consumed: str, exhausted: str) -> None:
    found = figures(spent(bad))
    assert (how(verdict(CONSUMED, found)), how(verdict(EXHAUSTED, found))) == (consumed, exhausted)
    assert {verdict(kind, found).value for kind in (CONSUMED, EXHAUSTED)} == {D(bad)}
    assert verdict(CONSUMED, found).look_back == MONTH
    assert verdict(CONSUMED, found).counts == found.window.counts


@pytest.mark.parametrize(
    ("bad", "consumed", "threshold"),
    [(49, "over", 60), (55, "between", 60), (60, "warning", 60), (89, "warning", 60), (90, "critical", 90)],
)
def test_the_shares_of_the_objective_hold(bad: int, consumed: str, threshold: int) -> None:
    found = verdict(CONSUMED, figures(spent(bad), warning_percent=D(60), critical_percent=D(90)))
    assert (how(found), found.threshold) == (consumed, threshold)


@pytest.mark.parametrize(
    ("elapsed", "consumed", "value"),
    [
        (MONTH, "warning", 90),
        (timedelta(days=15), "over", 45),  # twice as many may come, and be bad
        (timedelta(minutes=5), "over", 3),  # no less than a day
    ],
)
def test_before_a_window_has_run_its_length_its_whole_budget_counts(
    elapsed: timedelta, consumed: str, value: int
) -> None:
    found = verdict(CONSUMED, figures(spent(90, elapsed=elapsed)))
    assert (how(found), found.value) == (consumed, value)


def test_without_an_event_nothing_is_known_of_a_budget() -> None:
    found = figures(spent(0, total=0))
    assert [how(verdict(kind, found)) for kind in (CONSUMED, EXHAUSTED)] == ["frozen", "frozen"]


def test_a_used_up_budget_that_raises_no_alert_supersedes_none() -> None:
    found = figures(spent(140), off=frozenset({"error_budget_exhausted"}))
    assert how(verdict(CONSUMED, found)) == "critical"


# --- measurements ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("days", "expected", "taken"),
    [
        ([], "frozen", 0),
        ([(6, 10)], "critical", 1),
        ([(5, 10)], "over", 1),  # just 50 % are good
        ([("5.000001", 10)], "critical", 1),
        ([(6, 10), (0, 500)], "critical", 1),  # the last one alone holds enough
        ([(4, 6), (2, 4), (0, 500)], "critical", 2),
        ([(4, 6), (2, 3), (0, 500)], "over", 3),
        ([(9, 9)], "over", 1),  # too few, and none before
    ],
)
def test_the_last_measurement_reaches_back_until_it_holds_enough(days: list, expected: str, taken: int) -> None:
    found = verdict(PERFORMANCE, figures(measured=measured(*days)))
    assert how(found) == expected
    if taken:
        assert found.look_back == timedelta(days=taken)
        assert found.measurement == UUID(int=0)
        assert found.counts is not None
        assert found.counts.total == sum(total for _, total in days[:taken])
        assert found.value == found.counts.good * 100 / found.counts.total


@pytest.mark.parametrize(("percent", "events", "expected"), [(60, 10, "critical"), (59, 10, "over"), (60, 11, "over")])
def test_what_is_critical_is_the_objectives_own(percent: int, events: int, expected: str) -> None:
    days = measured((D("4.1"), 10))  # 59 % are good
    found = figures(measured=days, performance_percent=D(percent), guards=Guards(min_events=events))
    assert how(verdict(PERFORMANCE, found)) == expected


@pytest.mark.parametrize(
    ("days", "expected", "in_a_row"),
    [
        ([], "frozen", None),
        ([(9, 40), (9, 40), (9, 40)], "warning", 3),
        ([(9, 40), (9, 40), (9, 40), (0, 40)], "warning", 3),
        ([(9, 40), (9, 40)], "over", 2),
        ([(9, 40), (2, 40), (9, 40), (9, 40)], "over", 1),  # just 95 % are no failure
        ([(0, 40), (9, 40), (9, 40), (9, 40)], "over", 0),
        ([(3, 40), (3, 40), (3, 40)], "over", 3),  # 9 of 6 allowed: 6 + 3 * sqrt(6) = 13.3
        ([(4, 40), (5, 40), (5, 40)], "warning", 3),
        ([(1, 3), (1, 3), (1, 3)], "over", 3),  # 9 events
        ([(1, 3), (1, 3), (1, 4)], "warning", 3),  # 10, 3 of them bad
        ([(1, 1), (1, 3), ("0.5", 6)], "over", 3),  # but 2.5 bad
    ],
)
def test_several_measurements_in_a_row_miss_their_target(days: list, expected: str, in_a_row: int | None) -> None:
    found = verdict(FAILURES, figures(measured=measured(*days)))
    assert (how(found), found.value, found.threshold) == (expected, in_a_row, 3)
    if days:
        assert found.measurement == UUID(int=0)
        assert found.look_back == timedelta(days=min(3, len(days)))


def test_a_measurement_is_judged_by_the_target_of_its_time() -> None:
    days = measured((9, 40), (9, 40), (9, 40), target=70)
    assert how(verdict(FAILURES, figures(measured=days))) == "over"
    tighter = [*days[:2], replace(days[2], target=D(95), budget=D(5))]
    assert verdict(FAILURES, figures(measured=tighter)).value == 0


@pytest.mark.parametrize(("failures", "expected"), [(1, "warning"), (2, "warning"), (5, "over")])
def test_how_many_in_a_row_is_the_objectives_own(failures: int, expected: str) -> None:
    found = figures(measured=measured((20, 40), (20, 40), (20, 40), (20, 40)), failures=failures)
    assert how(verdict(FAILURES, found)) == expected


# --- all of them -------------------------------------------------------------------------------------------
EVERYTHING = {"high": BURNING, "elevated": BURNING, "measured": measured((30, 40), (30, 40), (30, 40))}


def test_there_is_a_verdict_on_each_type() -> None:
    found = {each.alert_type: how(each) for each in verdicts(figures(spent(140), **EVERYTHING))}
    assert found == {
        BURN: "critical", CONSUMED: "superseded", EXHAUSTED: "incident", PERFORMANCE: "critical", FAILURES: "warning",
    }  # fmt: skip


def test_a_type_that_is_switched_off_has_no_verdict() -> None:
    off = frozenset({"burn_rate_warning", "consecutive_failures"})
    found = {each.alert_type for each in verdicts(figures(off=off, **EVERYTHING))}
    assert found == {CONSUMED, EXHAUSTED, PERFORMANCE}


@pytest.mark.parametrize("window", [spent(140), spent(0), spent(77)])
def test_a_stale_feed_freezes_every_verdict_and_keeps_its_figures(window: Window) -> None:
    now, then = figures(window, **EVERYTHING), figures(window, stale=True, **EVERYTHING)
    assert {how(each) for each in verdicts(then)} == {"frozen"}
    assert [each.value for each in verdicts(then)] == [each.value for each in verdicts(now)]


@pytest.mark.parametrize(
    ("total", "min_bad", "expected"),
    [
        (59, 3, {"warning", "superseded"}),  # 2.95 may be bad
        (60, 3, {"warning", "critical", "incident", "superseded"}),
        (59, 2, {"warning", "critical", "incident", "superseded"}),
    ],
)
def test_too_few_events_are_never_more_than_a_warning(total: int, min_bad: int, expected: set[str]) -> None:
    found = figures(spent(50, total), guards=Guards(min_bad=min_bad), **EVERYTHING)
    assert {how(each) for each in verdicts(found)} == expected
