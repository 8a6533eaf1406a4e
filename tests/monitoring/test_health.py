"""What probes and people see of the state of the portal."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from alerts.models import SLOAlert
from monitoring import asking
from monitoring.models import Process
from slo_portal import tasks
from slos.models import EngineState, SLIMeasurement
from tests.alerts.alerting import a_channel, an_alert, tell
from tests.facts import NOON, at, firm

DETAILED, METRICS = "/health/detailed", "/health/metrics?format=json"
PARTS = {"database", "broker", "worker", "beat", "calculation_lag", "notification_lag", "disk", "versions"}
SECRET = "a-long-and-random-token-of-prometheus"


@pytest.fixture
def portal(valkey, settings):
    """One that is well: a firm whose figures are fresh, a worker and beat that live, and a broker."""
    settings.CELERY_BROKER_URL = f"redis+socket://{valkey.socket}?virtual_host=0"
    with time_machine.travel(at(0), tick=False) as clock:
        organization = firm(created_at=at(-60))
        EngineState.objects.create(organization=organization, ticked_at=at(0))
        for component in ("worker", "beat"):
            Process.objects.create(component=component, place="here 1", seen_at=at(0))
        yield clock


def look(path: str = DETAILED, **headers: str):
    answer = Client().get(path, headers=headers)
    return answer.status_code, answer.json()


def test_a_probe_needs_no_account_and_no_database():
    answer = Client().get("/health/live")
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_the_portal_is_ready_while_its_database_answers(settings):
    assert Client().get("/health/ready").content == b"ok\n"
    asking.connections["default"].settings_dict["HOST"], before = (
        "/nowhere",
        asking.connections["default"].settings_dict["HOST"],
    )
    try:
        answer = Client().get("/health/ready")
    finally:
        asking.connections["default"].settings_dict["HOST"] = before
    assert (answer.status_code, answer.content) == (503, b"database: it does not answer\n")


@pytest.mark.django_db
def test_a_portal_that_is_well_says_so_part_by_part(portal):
    status, body = look()
    assert (status, body["status"]) == (200, "healthy")
    assert body.keys() == PARTS | {"status", "checked_at"}
    assert all(body[part]["status"] == "ok" for part in PARTS)
    assert all(0 <= body[part]["time_taken_seconds"] < 2 for part in PARTS)
    assert body["broker"]["queue_depth"] >= 0
    assert body["versions"]["django"] == body["versions"]["django"].strip()


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["worker", "beat"])
def test_a_program_that_no_longer_shows_life_is_down(portal, name):
    Process.objects.filter(component=name).update(seen_at=at(-1))
    status, body = look()
    assert (status, body[name]["status"], body[name]["last_seen_seconds"]) == (503, "down", 60)
    assert {part for part in PARTS if body[part]["status"] != "ok"} == {name}


@pytest.mark.django_db
def test_a_worker_is_not_blamed_for_a_broker_or_a_beat_that_is_down(portal, settings):
    Process.objects.update(seen_at=at(-1))
    _, body = look()
    assert (body["worker"]["status"], body["beat"]["status"]) == ("unknown", "down")
    Process.objects.filter(component="beat").update(seen_at=at(0))
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    status, body = look()
    assert (status, body["worker"]["status"], body["broker"]["status"]) == (503, "unknown", "down")
    assert "127.0.0.1" not in str(body)


@pytest.mark.django_db
def test_late_calculation_and_late_notifications_are_told_with_their_lag(portal):
    EngineState.objects.update(ticked_at=at(-1))
    status, body = look()
    assert (status, body["calculation_lag"]["status"], body["calculation_lag"]["lag_seconds"]) == (200, "warning", 60)
    EngineState.objects.update(ticked_at=at(-3))
    organization = EngineState.objects.get().organization
    tell(an_alert(organization, now=at(-4)), a_channel(organization), now=at(-4), state="waiting")
    status, body = look()
    assert (status, body["calculation_lag"]["status"], body["notification_lag"]["status"]) == (503, "down", "down")
    assert (body["notification_lag"]["lag_seconds"], body["notification_lag"]["waiting"]) == (240, 1)
    status, body = look(METRICS)
    assert (status, body["status"], len(body["reasons"])) == (503, "unhealthy", 2)
    assert body["pending_notifications"] == {"count": 1, "oldest_seconds": 240}


@pytest.mark.django_db
def test_an_organisation_that_was_never_calculated_counts_from_its_beginning(portal):
    EngineState.objects.all().delete()
    assert look()[1]["calculation_lag"]["lag_seconds"] == 3600


@pytest.mark.django_db
def test_calculation_that_is_switched_off_is_no_fault(portal, settings):
    settings.METRICS_ENABLED = False
    EngineState.objects.all().delete()
    status, body = look()
    assert (status, body["calculation_lag"]["status"]) == (200, "off")


@pytest.mark.django_db
def test_strangers_learn_neither_versions_nor_names(portal, settings):
    assert "version" in look()[1]["database"]
    settings.METRICS_TOKEN = SECRET
    _, body = look()
    assert not {"version", "python", "portal"} & {*body["database"], *body["versions"], *body["broker"]}
    assert "firm" not in str(body).lower()
    assert "version" in look(authorization=f"Bearer {SECRET}")[1]["database"]


@pytest.mark.django_db
def test_the_metrics_system_tells_what_was_calculated_when(portal):
    organization = EngineState.objects.get().organization
    tasks.measurement("hourly", organization.slug)
    status, body = look(METRICS)
    assert (status, body["status"], body["reasons"]) == (200, "healthy", [])
    assert body["calculations"].keys() == {"tick", "hourly", "daily", "weekly"}
    assert body["calculations"]["hourly"]["lag_seconds"] == 0
    assert body["calculations"]["weekly"] == {"last": None, "lag_seconds": None}
    assert body["queue_depth"] >= 0
    SLIMeasurement.objects.update(period_end=NOON - timedelta(hours=1))
    status, body = look(METRICS)
    assert (status, body["calculations"]["hourly"]["lag_seconds"]) == (503, 3600)
    assert "hourly" in body["reasons"][0]


@pytest.mark.django_db
def test_without_a_broker_calculation_goes_on_and_says_so(portal, settings):
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    status, body = look(METRICS)
    assert (status, body["status"], body["queue_depth"]) == (200, "degraded", None)
    assert body["warnings"] == ["broker: it does not answer"]


@pytest.mark.django_db
def test_a_feed_that_is_silent_is_named_and_is_no_fault_of_ours(portal):
    organization = EngineState.objects.get().organization
    an_alert(organization, None, subject="invoices", now=at(-5))
    status, body = look(METRICS)
    assert (status, [feed["feed"] for feed in body["stale_feeds"]]) == (200, ["invoices"])
    SLOAlert.objects.update(resolved_at=at(0), resolution="recovered")
    assert look(METRICS)[1]["stale_feeds"] == []


@pytest.mark.django_db
def test_looking_costs_a_bounded_number_of_statements(portal, django_assert_num_queries):
    with django_assert_num_queries(8):
        look()


@pytest.mark.django_db
def test_nobody_is_signed_in_there(client, portal, django_user_model):
    client.force_login(django_user_model.objects.create_user("somebody"))
    for name in ("live", "ready", "detailed", "metrics"):
        assert client.get(reverse(name)).status_code == 200
    client.cookies["sessionid"] = "x" * 32
    assert client.get("/health/live").status_code == 200
