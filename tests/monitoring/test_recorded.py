"""What the portal records of itself each minute: true for each part, seen by operators alone, kept for a month."""

from datetime import timedelta

import pytest
import time_machine

from accounts import reach
from kpis.models import SystemMetric
from monitoring import recorded
from monitoring.models import Process
from slo_portal import clean_up, tasks
from slos.models import EngineState
from tests.alerts.alerting import a_sent_message
from tests.calling import a_caller
from tests.facts import at, firm
from tests.monitoring.scraping import scrape, value

pytestmark = pytest.mark.django_db
EACH = {"queue_depth": "ap_intake_queue_depth", "tick_duration": "ap_intake_tick_duration_seconds"}


@pytest.fixture
def organization():
    return firm()


def own() -> dict[tuple[str, str], float]:
    rows = SystemMetric.objects.filter(organization=None)
    return {(row.metric_name, row.dimensions.get("component", "")): row.value for row in rows}


def test_every_part_is_recorded_whichever_process_does_it(organization):
    for place, component, memory in (("a 1", "web", 100), ("b 1", "web", 50), ("a 2", "beat", 30)):
        seen = {"seen_at": at(0), "measured_at": at(0)}
        Process.objects.create(component=component, place=place, memory_bytes=memory, cpu_percent=2, **seen)
    EngineState.objects.create(organization=organization, slowest_tick=1.5)
    EngineState.objects.create(organization=firm("other"), slowest_tick=0.2)
    for seconds in (3, 7):
        a_sent_message(organization, seconds, now=at(0))
    recorded.record(4, now=at(0))
    found = own()
    assert found.pop(("database_size", "")) > 1e6
    assert found == {
        ("memory", "web"): 150,
        ("memory", "beat"): 30,
        ("cpu", "web"): 4,
        ("cpu", "beat"): 2,
        ("queue_depth", ""): 4,
        ("tick_duration", ""): 1.5,
        ("delivery_duration", ""): 7,
    }
    assert recorded.record(None, now=at(0.5)) == 6  # nothing new of ticks, and of the queue nothing is known
    assert own() == {**found, ("database_size", ""): own()["database_size", ""]}  # once a minute


def test_each_tick_tells_how_long_it_took_and_the_slowest_of_a_minute_is_kept(organization):
    with time_machine.travel(at(0), tick=False):
        tasks.tick_organization(str(organization.pk))
    first = EngineState.objects.get().slowest_tick
    assert first > 0
    recorded.tick.took(organization, first + 1)
    recorded.tick.took(organization, first)
    assert recorded.tick.slowest() == first + 1
    assert recorded.tick.slowest() is None


def test_operators_see_them_and_members_of_an_organisation_do_not(organization):
    caller = a_caller(organization, scope="read")
    with time_machine.travel(at(0), tick=False):
        tasks.tick_organization(str(organization.pk))
        recorded.record(4, now=at(0))
        assert {word for word, name in EACH.items() if value(scrape(), name) is not None} == set(EACH)
        assert value(scrape(), "ap_intake_queue_depth") == 4
        assert {word for word, name in EACH.items() if value(scrape(token=caller.token), name) is not None} == set()
    with reach.within(reach.of(organization.pk)):
        assert own() == {}
    assert own() != {}


def test_pieces_of_time_hold_their_highest_figure_and_the_clean_up_forgets_them(organization):
    for minute, depth in ((0, 1), (4, 9), (7, 2)):
        recorded.record(depth, now=at(minute))
    found = recorded.readings(at(0), at(10), timedelta(minutes=5))
    assert found["queue_depth", ""] == {at(0): 9, at(5): 2}
    assert clean_up.of_all(now=at(0) + timedelta(days=30))["system figures"] == 0
    assert clean_up.of_all(now=at(5) + timedelta(days=30), dry_run=True)["system figures"] == 4
    assert clean_up.of_all(now=at(5) + timedelta(days=30))["system figures"] == 4
    assert len(recorded.readings(at(0), at(10), timedelta(minutes=5))["queue_depth", ""]) == 1
