"""Measurements of local hours, days and weeks over every clock change of a year, in more than 40 zones."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from slos.measure import calculate, catch_up
from slos.tick import tick
from tests.oracle import figures, worlds
from tests.oracle.facts import INVOICE
from tests.slos.playing import PERIODS, Play
from tests.slos.test_local_days import AROUND, YEARS, clock_changes

pytestmark = pytest.mark.django_db

STEP = timedelta(minutes=23)
JITTERS = [timedelta(0), timedelta(microseconds=-1), timedelta(microseconds=1), timedelta(minutes=11)]


def moments(change: datetime, zone: ZoneInfo) -> list[datetime]:
    """Evenly around a change of the clock, and just about each border of an hour."""
    evenly = [change - AROUND + k * STEP for k in range(2 * AROUND // STEP)]
    borders = {figures.hour_start(figures.floor(moment), zone) for moment in evenly}
    return evenly + [border + JITTERS[k % len(JITTERS)] for k, border in enumerate(sorted(borders))]


def completed(number: int, moment: datetime) -> worlds.Told:
    outcome = "succeeded" if number % 3 else "failed"
    return {"invoice_id": str(number), "completed_at": moment, "processing_outcome": outcome}


ODDEST = {
    *("Africa/Casablanca", "America/Caracas", "America/Havana", "America/Sao_Paulo", "America/St_Johns"),
    *("Antarctica/Casey", "Antarctica/Troll", "Australia/Lord_Howe", "Europe/Berlin", "Pacific/Apia"),
}


def zones() -> list[Any]:
    assert set(YEARS) > ODDEST
    return [pytest.param(name, marks=[] if name in ODDEST else pytest.mark.slow) for name in sorted(YEARS)]


@pytest.mark.parametrize("name", zones())
def test_measurements_over_clock_changes_equal_those_of_the_oracle(name: str) -> None:
    zone = ZoneInfo(name)
    changes = clock_changes(zone, YEARS[name])
    script = worlds.Script(zone=zone, start=changes[0], limits={}, windows={})
    play = Play(script, only=["processing_success_rate"])
    facts = sorted(moment for change in changes for moment in moments(change, zone))
    end = facts[-1] + timedelta(days=1)
    play.tell(INVOICE, [completed(number, moment) for number, moment in enumerate(facts)], end)
    tick(play.organization, now=end)
    for change in changes:
        for period in PERIODS:
            calculate(play.organization, period, change - AROUND, change + AROUND, now=end)
    play.compare(end)
    play.compare_all_periods(end)


def test_late_history_is_measured_where_a_zone_had_another_offset() -> None:
    """On Lord Howe Island hours begin at :30 UTC in winter, and one of them was measured before its neighbour."""
    now = datetime(2024, 1, 15, tzinfo=UTC)
    script = worlds.Script(zone=ZoneInfo("Australia/Lord_Howe"), start=now, limits={}, windows={})
    play = Play(script, only=["processing_success_rate"])
    first, second = (datetime(2023, 7, 3, 10, minute, tzinfo=UTC) for minute in (10, 40))
    play.tell(INVOICE, [completed(0, now)], now)
    tick(play.organization, now=now)
    catch_up(play.organization, "hourly", now=now)
    play.tell(INVOICE, [completed(1, first), completed(2, second)], now)
    tick(play.organization, now=now)
    calculate(play.organization, "hourly", first, first + figures.BUCKET, now=now)
    catch_up(play.organization, "hourly", now=now)
    play.compare(now)
    assert play.organization.slimeasurement_set.filter(total_events_count=1).count() == 3
