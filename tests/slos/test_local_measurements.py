"""Measurements of local hours, days and weeks over every clock change of a year, in more than 40 zones."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from slos.measure import calculate
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


@pytest.mark.parametrize("name", sorted(YEARS))
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
