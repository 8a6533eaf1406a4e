"""GET /alerts and GET /alerts/{id}: the fields that clients read, the filters, and what only one organisation sees."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from alerts import lifecycle
from alerts.lifecycle import By
from alerts.models import Message, SLOAlert
from tests.alerts.alerting import a_channel, a_member, an_alert, notify, recover, tell, worsen
from tests.calling import Caller, a_caller, an_organization, data

NOW = datetime(2026, 11, 10, 12, 2, 30, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def api() -> Caller:
    return a_caller(scope="read")


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


FIELDS = {
    "id", "slo_definition_id", "measurement_id", "alert_type", "severity", "title", "message", "current_value",
    "target_value", "breached_at", "acknowledged_at", "acknowledged_by", "resolved_at", "resolution_notes",
    "notification_sent", "notification_attempts", "last_notification_at", "created_at", "updated_at",
}  # fmt: skip


def test_every_field_of_the_contract_is_where_clients_read_it(api: Caller) -> None:
    alert = an_alert(api.organization, now=ago(5))
    got = data(api.get("alerts"))
    assert got.keys() == {"alerts", "pagination", "filters"}
    assert got["pagination"] == {"total_count": 1, "limit": 50, "offset": 0, "has_more": False}
    (one,) = got["alerts"]
    assert one.keys() >= FIELDS
    assert (one["id"], one["slo_definition_id"]) == (str(alert.pk), str(alert.slo_id))
    assert (one["state"], one["version"], one["slo_name"]) == ("open", 1, "Time-to-Ready Processing")
    assert (one["breached_at"], one["current_value"], one["target_value"]) == ("2026-11-10T11:57:30Z", 2.4, 1.5)
    unknown = ("acknowledged_at", "acknowledged_by", "resolved_at", "measurement_id", "last_notification_at")
    assert [one[name] for name in unknown] == [None] * 5
    assert (one["notification_sent"], one["notification_attempts"]) == (False, 0)


def test_what_people_did_is_told_with_their_names(api: Caller) -> None:
    dana = a_member(api.organization, "dana")
    alert = an_alert(api.organization, now=ago(5))
    lifecycle.acknowledge(alert, by=By(dana, "web"), now=ago(4))
    lifecycle.resolve(alert, by=By(dana, "web"), now=ago(3), note="OCR restarted")
    (one,) = data(api.get("alerts"))["alerts"]
    assert (one["acknowledged_by"], one["acknowledged_at"]) == ("dana", "2026-11-10T11:58:30Z")
    assert (one["resolved_by"], one["resolved_at"]) == ("dana", "2026-11-10T11:59:30Z")
    assert (one["resolution_notes"], one["state"]) == ("OCR restarted", "resolved")


def test_messages_are_counted_once_each_however_often_they_name_an_alert(api: Caller) -> None:
    channel, alert = a_channel(api.organization), an_alert(api.organization, now=ago(5))
    tell(alert, channel, now=ago(4), attempt=3)
    message = tell(alert, channel, now=ago(3), state=Message.State.WAITING, attempt=2)
    notify(alert, channel, now=ago(3), message=message, state="bundled")  # the second one in the same message
    notify(alert, channel, now=ago(1))  # in none yet
    (one,) = data(api.get("alerts"))["alerts"]
    assert (one["notification_sent"], one["notification_attempts"]) == (True, 5)
    assert one["last_notification_at"] == "2026-11-10T11:58:30Z"


def several(api: Caller) -> dict[str, SLOAlert]:
    dana = By(a_member(api.organization, "dana"), "web")
    found = {
        "old": an_alert(api.organization, now=ago(90)),
        "taken": an_alert(api.organization, "approval_latency", now=ago(60), severity="critical"),
        "new": an_alert(api.organization, now=ago(30), alert_type="error_budget_consumed"),
        "feed": an_alert(api.organization, None, now=ago(10), subject="invoices"),
    }
    recover(found["old"], now=ago(80))
    lifecycle.acknowledge(found["taken"], by=dana, now=ago(50))
    return found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["feed", "new", "taken", "old"]),
        ("resolved=false", ["feed", "new", "taken"]),
        ("resolved=true", ["old"]),
        ("acknowledged=true", ["taken"]),
        ("acknowledged=false&resolved=false", ["feed", "new"]),
        ("severity=critical", ["taken"]),
        ("alert_type=error_budget_consumed", ["new"]),
        ("alert_type=stale_feed&severity=warning", ["feed"]),
        ("limit=2", ["feed", "new"]),
        ("limit=2&offset=2", ["taken", "old"]),
        ("offset=9", []),
    ],
)
def test_alerts_are_chosen_newest_first(api: Caller, query: str, expected: list[str]) -> None:
    known = several(api)
    got = data(api.get(f"alerts?{query}"))
    assert [one["id"] for one in got["alerts"]] == [str(known[name].pk) for name in expected]
    assert got["pagination"]["has_more"] is (query == "limit=2")


def test_the_answer_repeats_what_was_asked_for(api: Caller) -> None:
    known = several(api)
    slo = known["new"].slo_id
    got = data(api.get(f"alerts?slo_id={slo}&resolved=false"))
    assert [one["id"] for one in got["alerts"]] == [str(known["new"].pk)]
    assert got["filters"] == {
        "severity": None, "resolved": False, "acknowledged": None, "slo_id": str(slo), "alert_type": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("severity", "loud"), ("severity", "warning&severity=critical"), ("resolved", "perhaps"), ("resolved", "1"),
        ("acknowledged", ""), ("slo_id", "7"), ("slo_id", "%00"), ("slo_id", "x" * 5000), ("alert_type", "burn"),
        ("limit", "0"), ("limit", "501"), ("offset", "-1"), ("offset", "9" * 400), ("state", "open"),
    ],
)  # fmt: skip
def test_a_query_that_is_not_understood_is_refused_by_name(api: Caller, field: str, value: str) -> None:
    answer = api.get(f"alerts?{field}={value}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field


def test_one_alert_comes_with_its_timeline_and_what_became_of_its_messages(api: Caller) -> None:
    dana = By(a_member(api.organization, "dana"), "web")
    alert = an_alert(api.organization, now=ago(30))
    worsen(alert, now=ago(20))
    lifecycle.acknowledge(alert, by=dana, now=ago(10), note="Looking")
    tell(alert, a_channel(api.organization), now=ago(29), state=Message.State.FAILED, error="refused: 550")
    got = data(api.get(f"alerts/{alert.pk}"))
    assert (got["id"], got["severity"], got["state"], got["incident"]) == (
        str(alert.pk),
        "critical",
        "acknowledged",
        None,
    )
    assert [(one["kind"], one["actor"], one["channel"], one["note"]) for one in got["timeline"]] == [
        ("opened", None, "system", ""), ("worsened", None, "system", ""), ("acknowledged", "dana", "web", "Looking"),
    ]  # fmt: skip
    (told,) = got["deliveries"]
    assert (told["channel"], told["state"], told["error"]) == ("Operations", "failed", "refused: 550")


def test_an_incident_comes_with_its_checklist(api: Caller) -> None:
    alert = an_alert(api.organization, now=NOW, severity="incident")
    incident = alert.organization.incidents.create(alert=alert, opened_at=NOW, owner=a_member(api.organization, "ida"))
    incident.items.create(position=1, text="Restart OCR", done_at=NOW, done_by=incident.owner)
    got = data(api.get(f"alerts/{alert.pk}"))["incident"]
    assert (got["owner"], got["closed_at"]) == ("ida", None)
    assert got["checklist"] == [{"text": "Restart OCR", "done_at": "2026-11-10T12:02:30Z", "done_by": "ida"}]


def test_nothing_of_another_organisation_is_shown_or_changed(api: Caller) -> None:
    mine = an_alert(api.organization, now=NOW)
    other = an_organization("other")
    foreign = an_alert(other, now=NOW, title="Secret")
    got = data(api.get("alerts"))
    assert [one["id"] for one in got["alerts"]] == [str(mine.pk)]
    assert data(api.get(f"alerts?slo_id={foreign.slo_id}"))["alerts"] == []
    assert api.get(f"alerts/{foreign.pk}").status_code == 404
    writer = a_caller(api.organization, scope="write")
    for act in ("acknowledge", "resolve", "unacknowledge", "reopen", "snooze", "unsnooze", "assign", "notes"):
        body = {"snooze": {"until_better": True}, "assign": {"to": None}, "notes": {"notes": "x"}}.get(act, {})
        answer = writer.post(f"alerts/{foreign.pk}/{act}", body)
        assert answer.status_code == 404, act
        assert "Secret" not in answer.content.decode()
    assert SLOAlert.objects.get(pk=foreign.pk).version == 1


@pytest.mark.parametrize("more", [0, 40])
def test_the_number_of_queries_does_not_grow(api: Caller, more: int, django_assert_num_queries) -> None:
    channel = a_channel(api.organization)
    for n in range(more + 1):
        alert = an_alert(api.organization, None, now=ago(n), subject=f"feed {n}")
        tell(alert, channel, now=NOW)
    api.get("alerts")  # notes that the token is used
    with django_assert_num_queries(5):  # token, role, count, page, deliveries
        assert len(data(api.get("alerts"))["alerts"]) == more + 1
