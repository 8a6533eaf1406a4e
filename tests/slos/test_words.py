"""Figures in words never look better than they are."""

from decimal import Decimal

import pytest

from slos import words
from slos.budget import Status


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (94.96, "94.9 %"),
        (99.9999, "99.9 %"),
        (100.0, "100.0 %"),
        (-0.0001, "-0.1 %"),
        (-4.69e-12, "-0.1 %"),
        (0.0, "0.0 %"),
        (-1234.56, "-1,234.6 %"),
        (None, "no data"),
    ],
)
def test_a_percentage_is_rounded_down(value, text):
    assert words.percentage(value) == text.replace("-", "\N{MINUS SIGN}").replace(" %", "\N{NO-BREAK SPACE}%")


@pytest.mark.parametrize(("value", "text"), [(1.0001, "1.01"), (0.0, "0.00"), (20.0, "20.00"), (None, "no data")])
def test_a_burn_rate_is_rounded_up(value, text):
    assert words.burn_rate(value) == text


@pytest.mark.parametrize(("events", "word"), [(1, "few events"), (9, "few events"), (10, "too fast")])
def test_a_burn_rate_of_few_events_says_only_that(events, word):
    assert words.burn("too fast", events) == word


@pytest.mark.parametrize(
    ("sli", "left", "allowed", "text"),
    [
        ("time_to_ready", "48.35", "210.35", "48 of 210 invoices left"),
        ("time_to_ready", "0.9", "1.9", "0 of 1 invoice left"),
        ("time_to_ready", "-0.6", "210.4", "1 invoice too many, 210 allowed"),
        ("time_to_ready", "-1200", "3100", "1,200 invoices too many, 3,100 allowed"),
        ("exception_resolution_time", "9.1", "29.1", "9 of 29 exceptions left"),
        ("duplicate_recall", "-0.28", "1.72", "1 duplicate too many, 1 allowed"),
        ("extraction_accuracy", "89.6197", "307.28", "89.6 of 307.2 points left"),
    ],
)
def test_a_budget_is_counted_in_what_can_go_wrong(sli, left, allowed, text):
    assert words.budget_left(sli, Decimal(left), Decimal(allowed)) == text


@pytest.mark.parametrize(
    ("status", "consumed", "too_few", "word"),
    [
        (Status.CRITICAL, 100.0, False, "Budget used up"),
        (Status.CRITICAL, 99.9, False, "Critical"),
        (Status.WARNING, 500.0, True, "At risk"),
        (Status.HEALTHY, 10.0, False, "Met"),
        (Status.HEALTHY, 10.0, True, "Too few to judge"),
        (Status.NO_DATA, None, False, "No data"),
    ],
)
def test_a_state_has_one_word(status, consumed, too_few, word):
    assert words.state(status, consumed, too_few).word == word


def test_every_state_has_a_shape_of_its_own():
    states = [words.MET, words.AT_RISK, words.CRITICAL, words.NOTHING_YET, words.STALE, words.PAUSED]
    assert len({one.mark for one in states}) == len(states)


@pytest.mark.parametrize(
    ("target", "limit", "unit", "text"),
    [
        ("95.000", "5.0000", "minutes", "95 % within 5 minutes"),
        ("99.950", "1.0000", "hours", "99.95 % within 1 hour"),
        ("90.000", None, "percent", "90 %"),
    ],
)
def test_a_promise_reads_as_people_say_it(target, limit, unit, text):
    found = words.promise(Decimal(target), limit and Decimal(limit), unit)
    assert found == text.replace(" %", "\N{NO-BREAK SPACE}%")


def test_a_window_says_how_far_it_reaches():
    assert words.window("rolling", 30) == "over 30 days"
    assert words.window("rolling", 1) == "over 1 day"
    assert words.window("month", 30) == "this month"


@pytest.mark.parametrize(
    ("seconds", "text"), [(-3, "0 s"), (59, "59 s"), (60, "1 min"), (7300, "2 h"), (200000, "2 d")]
)
def test_an_age_is_told_in_its_largest_unit(seconds, text):
    assert words.ago(seconds) == text.replace(" ", "\N{NO-BREAK SPACE}")
