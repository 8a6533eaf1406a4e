"""The burn-rate rules of section 4 of the definitions (docs/reference/alerts.md), line by line."""

from datetime import timedelta
from decimal import Decimal
from itertools import accumulate
from random import Random
from typing import Any

import pytest

from kpis.periods import look_back_name
from slos.budget import Counts, Window
from slos.burn import Burn, BurnRule, Guards, Scan, beyond_chance, default_rules, lengthened, sre_rules

D = Decimal
MONTH = timedelta(days=30)


def minutes(text: str) -> timedelta:
    """A length as the definitions write it: "4 h 20 min", "3 d"."""
    words = text.split()
    units = {"min": 1, "h": 60, "d": 1440}
    return timedelta(
        minutes=sum(int(number) * units[unit] for number, unit in zip(words[::2], words[1::2], strict=True))
    )


@pytest.mark.parametrize(
    ("target", "highest", "first", "second", "short"),
    [
        ("85", "6.67", ("4 h 20 min", "3.32"), ("10 h 50 min", "3.32"), ("25 min", "55 min")),
        ("90", "10", ("2 h 55 min", "4.94"), ("7 h 15 min", "4.97"), ("15 min", "40 min")),
        ("92", "12.5", ("2 h 20 min", "6.17"), ("6 h", "6"), ("15 min", "30 min")),
        ("95", "20", ("1 h 30 min", "9.6"), ("6 h", "6"), ("10 min", "30 min")),
        ("98", "50", ("1 h", "14.4"), ("6 h", "6"), ("5 min", "30 min")),
        ("99.9", "1000", ("1 h", "14.4"), ("6 h", "6"), ("5 min", "30 min")),
    ],
)
def test_the_sre_policy_of_a_month(
    target: str, highest: str, first: tuple[str, str], second: tuple[str, str], short: tuple[str, str]
) -> None:
    budget = (100 - D(target)) / 100
    rules = sre_rules(budget, MONTH)
    assert [rule.severity for rule in rules] == ["critical", "critical", "warning", "warning"]
    assert [(rule.long, round(rule.threshold, 2)) for rule in rules[:2]] == [
        (minutes(length), D(threshold)) for length, threshold in (first, second)
    ]
    assert [rule.short for rule in rules[:2]] == [minutes(length) for length in short]
    assert all(rule.threshold * budget <= D("0.5") and rule.threshold < D(highest) for rule in rules)


@pytest.mark.parametrize(("target", "day"), [("95", "1 d"), ("90", "1 d"), ("80", "1 d 4 h 50 min"), ("50", "3 d")])
def test_the_slow_pairs_of_the_sre_policy_are_widened_too(target: str, day: str) -> None:
    _, _, slow, slowest = sre_rules((100 - D(target)) / 100, MONTH)
    assert slow.long == minutes(day)
    assert slowest.long == minutes("3 d")
    assert slowest.threshold == 1


@pytest.mark.parametrize("days", [1, 7, 28])
def test_in_a_shorter_window_no_share_warns_of_a_budget_that_lasts(days: int) -> None:
    rules = sre_rules(D("0.05"), timedelta(days=days))
    assert min(rule.threshold for rule in rules) == 1
    assert sre_rules(D("0.05"), timedelta(days=7))[0].threshold == D("3.36")


def test_the_default_policy_has_the_thresholds_of_its_objective() -> None:
    rules = default_rules(D("1.5"), timedelta(hours=24), D(2), timedelta(hours=6))
    found = {(rule.severity, rule.long, rule.short, rule.threshold) for rule in rules}
    assert found == {
        ("warning", minutes("1 d"), minutes("2 h"), D("1.5")),
        ("critical", minutes("6 h"), minutes("30 min"), D(2)),
    }


@pytest.mark.parametrize(
    ("length", "short"),
    [("1 h", "5 min"), ("3 d", "6 h"), ("2 h", "10 min"), ("4 h 20 min", "25 min"), ("5 min", "5 min")],
)
def test_the_short_look_back_is_a_twelfth_in_whole_buckets(length: str, short: str) -> None:
    assert BurnRule(minutes(length), D(2), "warning").short == minutes(short)


def test_a_look_back_has_one_name() -> None:
    assert [look_back_name(minutes(text)) for text in ("30 min", "1 d", "4 h 20 min", "25 min")] == [
        "30m", "1d", "260m", "25m",
    ]  # fmt: skip


# --- guards: 95 % over 30 days, 6000 events: 300 may be bad; 6 h at a threshold of 2 ------------------------
RULE = BurnRule(timedelta(hours=6), D(2), "critical")
FULL = Window(Counts(D(5990), 6000), MONTH, MONTH)


def counts(bad: float | str, total: int) -> Counts:
    return Counts(total - D(str(bad)), total)


def holds(
    long: Counts, short: Counts | None = None, *, window: Window = FULL, rule: BurnRule = RULE, **guards: Any
) -> bool:
    return Burn(rule, long, short or counts(5, 5)).holds(window, D("0.05"), Guards(**guards))


@pytest.mark.parametrize(
    ("bad", "total", "guards", "expected"),
    [
        (9, 50, {}, True),
        (0, 50, {}, False),
        (0, 0, {}, False),
        (5, 50, {}, False),  # a burn rate of just 2 is not above it
        ("5.000001", 50, {"confidence": D(0)}, True),
        (9, 9, {}, False),  # 9 events prove nothing
        (9, 9, {"min_events": 9}, True),
        (9, 9, {"min_events": 9, "min_bad": 10}, False),
        (2, 10, {"confidence": D(0)}, False),  # nor do 2 bad ones
        (4, 10, {"confidence": D(0)}, False),  # 4 of the 5 that 6 h are worth: not really spent
        (5, 10, {"confidence": D(0)}, True),  # exactly 5
        (8, 60, {}, True),
        (7, 60, {}, True),  # 3 + 2 * sqrt(3) = 6.46
        (7, 64, {}, True),  # 3.2 + 2 * sqrt(3.2) = 6.78
        (7, 69, {}, False),  # 3.45 + 2 * sqrt(3.45) = 7.16: chance
        (7, 69, {"confidence": D(1)}, True),
        (9, 60, {"confidence": D(3)}, True),  # 3 + 3 * sqrt(3) = 8.2
        (8, 60, {"confidence": D(3)}, False),
    ],
)
def test_a_long_look_back_needs_enough_bad_events(bad: Any, total: int, guards: dict, expected: bool) -> None:
    assert holds(counts(bad, total), **guards) is expected


@pytest.mark.parametrize(("bad", "total", "expected"), [(1, 9, True), (1, 10, False), (1, 11, False), (0, 0, False)])
def test_the_short_look_back_must_burn_too(bad: int, total: int, expected: bool) -> None:
    assert holds(counts(9, 50), counts(bad, total)) is expected


@pytest.mark.parametrize(
    ("elapsed", "bad", "expected"),
    [
        (MONTH, 5, True),
        (timedelta(days=15), 10, True),  # twice the traffic: the whole window's budget is 600 bad events
        (timedelta(days=15), 9, False),
        (timedelta(hours=3), 149, False),  # at least a day: 9000, and 6 h at twice the pace are 150 of them
        (timedelta(hours=3), 150, True),
        (timedelta(days=40), 5, True),
    ],
)
def test_what_really_is_spent_is_measured_by_the_whole_window(elapsed: timedelta, bad: int, expected: bool) -> None:
    window = Window(Counts(D(5990), 6000), MONTH, elapsed)
    assert holds(counts(bad, max(bad, 10)), window=window, confidence=D(0)) is expected


@pytest.mark.parametrize("days", [7, 13, 29])
def test_what_just_reaches_a_threshold_is_not_lost_in_rounding(days: int) -> None:
    total = 280 * days  # 5 % of them in 6 hours of these days, twice: just 7
    window = Window(Counts(D(total), total), MONTH, timedelta(days=days))
    assert window.spends(timedelta(hours=6), counts(7, 7), D("0.05"), D(2))
    assert not window.spends(timedelta(hours=6), counts("6.999999", 7), D("0.05"), D(2))
    assert Window(counts(7, total), MONTH, timedelta(days=days)).judged_consumed(D("0.05")) == D(1) / 60


@pytest.mark.parametrize(
    ("bad", "expected", "confidence", "beyond"),
    [
        ("6", "4", "1", True),  # 4 + 1 * 2, just reached
        ("5.999999", "4", "1", False),
        ("4", "4", "0", True),
        ("3.999999", "4", "0", False),
        ("0", "0", "2", True),
        ("3", "9", "2", False),  # below what is expected, though its square is far off
    ],
)
def test_chance(bad: str, expected: str, confidence: str, beyond: bool) -> None:
    assert beyond_chance(D(bad), D(expected), D(confidence)) is beyond


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [
        ([], (0, 0)),
        ([(True, (1, 2)), (False, (2, 2)), (False, (1, 1)), (False, (9, 9))], (4, 5)),
        ([(True, (9, 9)), (True, (1, 1)), (False, (9, 9))], (10, 10)),  # all of the short one, however many
        ([(False, (0, 3))], (0, 3)),  # up to the long one, even if it holds fewer
    ],
)
def test_a_short_look_back_is_lengthened_until_it_holds_five(
    buckets: list[tuple[bool, tuple[int, int]]], expected: tuple[int, int]
) -> None:
    found = lengthened((within, Counts(D(good), total)) for within, (good, total) in buckets)
    assert (found.good, found.total) == expected


@pytest.mark.parametrize("seed", range(4))
def test_a_scan_finds_what_the_rules_say_of_each_bucket(seed: int) -> None:
    rng, rule = Random(seed), BurnRule(timedelta(hours=2), D("1.5"), "warning")
    guards = Guards(min_events=rng.choice([1, 10]), min_bad=rng.choice([1, 3]), confidence=D(rng.choice([0, 2])))
    counted = [(rng.choice([0, 0, 0, 1, 3]) if rng.random() < 0.5 else 0) for _ in range(400)]
    spoilt = [sum(rng.choice([0, 0, 0, 125_000, 1_000_000]) for _ in range(total)) for total in counted]
    bad, total = [0, *accumulate(spoilt)], [0, *accumulate(counted)]
    scan, window = Scan(rule, D("0.1"), guards), Window(counts(0, 0), MONTH, MONTH)
    found = []
    for k in range(24, 400):
        newest = [Counts(counted[j] - D(spoilt[j]).scaleb(-6), counted[j]) for j in range(k, k - 25, -1)]
        short = lengthened((age <= 2, one) for age, one in enumerate(newest))
        long = Counts(sum((one.good for one in newest), D(0)), sum(one.total for one in newest))
        found.append(Burn(rule, long, short).holds(window, D("0.1"), guards))
        assert scan.may_hold(bad, total, k) == found[-1], k
    assert {True, False} == set(found)
