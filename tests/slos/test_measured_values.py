"""What a measurement shows of its sums: the ratio, the budget of its own period, and the value in the target's unit."""

from decimal import Decimal

import pytest

from slos.models import SLIMeasurement


def measurement(unit: str, good: str = "0", total: int = 0, seconds: int = 0, ended: int = 0) -> SLIMeasurement:
    return SLIMeasurement(
        good_events_count=Decimal(good),
        total_events_count=total,
        duration_us=seconds * 1_000_000,
        duration_count=ended,
        error_budget_percentage=Decimal(10),
        target_unit=unit,
    )


@pytest.mark.parametrize(
    ("row", "actual", "achieved", "consumed"),
    [
        (measurement("minutes", "9", 10, seconds=3600, ended=8), 7.5, 90.0, 100.0),
        (measurement("hours", "1", 3, seconds=3600, ended=4), 0.25, 33.3333, 666.6667),
        (measurement("seconds", "0", 0, seconds=90, ended=1), 90.0, None, None),
        (measurement("days", "0", 2), None, 0.0, 1000.0),  # both overdue, neither has ended
        (measurement("percent", "9", 12), 75.0, 75.0, 250.0),
        (measurement("percent", "12", 12), 100.0, 100.0, 0.0),
        (measurement("confidence", "2.84", 3), 0.946667, 94.6667, 53.3333),
        (measurement("percent"), None, None, None),
        (measurement("confidence"), None, None, None),
        (measurement("minutes"), None, None, None),
    ],
)
def test_a_measurement_in_words_of_its_target(
    row: SLIMeasurement, actual: float | None, achieved: float | None, consumed: float | None
) -> None:
    assert row.actual_value == actual
    assert row.achieved_percentage == achieved
    assert row.error_budget_consumed == consumed
