"""The made-up firm: what a demo shows has to be repeatable, plausible, and bad enough when something goes wrong."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from kpis.messages import EXCEPTION, INVOICE, Refused, read_fields
from slo_portal.simulation.firm import arrivals
from slo_portal.simulation.incidents import INCIDENTS, history
from slo_portal.simulation.lives import Step, messages
from slo_portal.simulation.traffic import MONTH, Random, Traffic, past

NOW = datetime(2026, 11, 25, 3, 30, tzinfo=UTC)  # a night: nothing but the simulation is awake
BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)


def month(seed: int = 1, number: int = 3_000) -> list[list[Step]]:
    return list(past(seed, number, NOW - MONTH, NOW, BERLIN, list(history(NOW, BERLIN))))


def test_the_same_seed_makes_the_same_past_and_another_one_another():
    assert month(1, 200) == month(1, 200)
    assert month(1, 200) != month(2, 200)


def test_every_message_is_one_that_the_portal_takes():
    told = messages(step for life in month() for step in life if step.at <= NOW)
    read = [read_fields(INVOICE, row, NOW) for row in told["invoices"]]
    read += [read_fields(EXCEPTION, row, NOW) for row in told["exceptions"]]
    assert [row for row in read if isinstance(row, Refused)] == []
    assert len(told["invoices"]) == 3_000
    assert 150 < len(told["exceptions"]) < 350


def test_invoices_come_in_office_hours_seldom_at_weekends_and_more_often_at_the_end_of_a_month():
    local = [at.astimezone(BERLIN) for at in arrivals(Random(1), 20_000, NOW - MONTH, NOW, BERLIN)]
    assert sum(7 <= at.hour < 19 for at in local) > 0.95 * len(local)
    assert 0 < sum(at.weekday() >= 5 for at in local) < 0.03 * len(local)
    days = {day: sum(at.date().isoformat() == day for at in local) for day in ("2026-10-30", "2026-11-06")}
    assert days["2026-10-30"] > 1.3 * days["2026-11-06"] > 0


def late(lives: list[list[Step]], start: str, end: str, allowed: timedelta) -> float:
    """The share of those with a start that have no end in time."""
    found = [{step.when: step.at for step in life} for life in lives]
    asked = [one for one in found if start in one]
    return sum(end not in one or one[end] - one[start] > allowed for one in asked) / len(asked)


def said(lives: list[list[Step]], field: str, value: object = True) -> float:
    return sum(any(step.says.get(field) == value for step in life) for life in lives) / len(lives)


BAD = {  # what an incident is bad at, as a share of its invoices
    "ocr_slowdown": lambda lives: late(lives, "uploaded_at", "ready_at", 5 * MINUTE),
    "approver_on_holiday": lambda lives: late(lives, "ready_at", "approved_at", 120 * MINUTE),
    "duplicate_burst": lambda lives: said(lives, "duplicate_confirmed") - said(lives, "duplicate_flagged"),
    "validation_rule_change": lambda lives: said(lives, "structural_valid", False),
}


@pytest.mark.parametrize("name", INCIDENTS)
def test_an_incident_begins_with_enough_that_is_bad_and_nothing_is_told_before_it_happens(name):
    traffic = Traffic(1, 4.0, now=NOW)
    number = traffic.begin(name, NOW)
    told = traffic.due(NOW)
    assert all(step.at <= NOW for step in told)
    known: dict[str, list[Step]] = {}
    for step in [*told, *(step for _, _, step in traffic.coming)]:
        if step.kind == "invoices":
            known.setdefault(step.key, []).append(step)
    assert len(known) == number > 100
    assert BAD[name](list(known.values())) > 0.3
    assert BAD[name](month(number=1_000)) < 0.12


def test_after_the_end_of_an_incident_what_waits_is_done_within_ten_minutes_in_its_order():
    traffic = Traffic(1, 4.0, now=NOW)
    traffic.begin("ocr_slowdown", NOW)
    traffic.due(NOW)
    waiting = traffic.end(NOW)
    assert waiting > 200
    told = traffic.due(NOW + 10 * MINUTE)
    ready = {step.key: step for step in told if step.when == "approved_at"}
    assert len(ready) >= 0.9 * waiting
    for key in ready:
        life = [step.at for step in told if step.key == key]
        assert all(earlier <= later for earlier, later in pairwise(life))
    assert traffic.end(NOW + 10 * MINUTE) == 0
    traffic.due(NOW + 20 * MINUTE)
    later = [step for step in traffic.due(NOW + 60 * MINUTE) if step.when == "uploaded_at"]
    assert 100 < len(later) < 230  # 160 are usual


def test_nothing_new_comes_of_hours_in_which_nobody_asked():
    traffic = Traffic(1, 4.0, now=NOW)
    uploads = [step for step in traffic.due(NOW + timedelta(days=3)) if step.when == "uploaded_at"]
    assert 150 < len(uploads) < 350
