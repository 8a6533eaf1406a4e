"""Counts KPIs again as the portal does, and compares them with those of the oracle."""

from datetime import datetime
from fractions import Fraction
from typing import Any

import pytest

from accounts.models import Organization
from kpis import payloads, rollups
from kpis.figures import DURATIONS, SHARES, Figures
from slos.buckets import take_marks
from tests.facts import NOON
from tests.oracle import kpis as oracle


def count_again(organization: Organization, now: datetime = NOON, since: datetime | None = None) -> int:
    """What the tick and its task do for the KPIs; returns the number of batches."""
    rollups.note(organization, take_marks(organization))
    for batch in range(1, 100):
        if not rollups.refresh(organization, now=now, reach=lambda _: since):
            return batch
    raise AssertionError("there is always more")


def assert_equal(found: Figures, expected: oracle.KPIs) -> None:
    counted, data, figures = expected.counts, payloads.volume(found), payloads.performance(found)
    assert data == {
        "total_invoices": counted["total"],
        "successful_invoices": counted["succeeded"],
        "failed_invoices": counted["failed"],
        "undecided_invoices": counted["undecided"],
        "invoices_with_exceptions": counted["excepted"],
        "straight_through_invoices": counted["straight"],
        "human_reviews": counted["reviewed"],
        "retried_invoices": counted["retried"],
        "retries": counted["retries"],
        "duplicates_confirmed": counted["duplicates"],
        "duplicates_caught": counted["caught"],
    }
    decided = ("succeeded", "failed")
    assert figures["processing_success_rate"] == near(expected.rate("succeeded", *decided))
    assert found.straight_through_rate == near(expected.rate("straight", *decided))
    assert figures["exception_rate"] == near(expected.rate("excepted", "total"))
    assert figures["first_time_validation_rate"] == near(expected.rate("first", "checked"))
    mean = sum(expected.confidences) / len(expected.confidences) if expected.confidences else None
    assert figures["average_extraction_confidence"] == near(mean)
    assert {kind: n for kind, (n, _) in found.by_key("kind").items()} == expected.kinds
    assert {currency: total for currency, (_, total) in found.by_key("amount").items()} == expected.amounts
    for duration in DURATIONS:
        assert_times(found, duration, expected.seconds[duration])


def assert_times(found: Figures, duration: str, seconds: list[Fraction]) -> None:
    assert found.number(duration) == len(seconds)
    assert found.mean_seconds(duration) == near(sum(seconds) / len(seconds) if seconds else None)
    for name, value in found.percentiles(duration).items():
        exact = oracle.percentile(seconds, Fraction(str(SHARES[name]))) if seconds else None
        assert value == (None if exact is None else pytest.approx(float(exact), rel=0.01, abs=2e-6))


def near(value: Any) -> Any:
    return None if value is None else pytest.approx(float(value), rel=1e-6, abs=1e-4)
