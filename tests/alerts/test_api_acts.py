"""What people do with an alert over HTTP: once, attributed, and with a conflict that says who was faster."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from accounts.models import AuditEntry
from alerts.models import AlertEvent, SLOAlert
from tests.alerts.alerting import a_member, an_alert, recover, worsen
from tests.calling import Caller, a_caller, data

NOW = datetime(2026, 11, 10, 12, 2, 30, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def api() -> Caller:
    return a_caller(scope="write", role="operator")


@pytest.fixture
def alert(api: Caller) -> SLOAlert:
    return an_alert(api.organization, now=NOW - timedelta(minutes=5))


def kinds(alert: SLOAlert) -> list[str]:
    return list(alert.events.values_list("kind", flat=True))


@pytest.mark.parametrize("body", [b"", {}, {"notes": ""}, {"notes": None}, {"notes": "On it", "version": 1}])
def test_acknowledging_says_who_and_when(api: Caller, alert: SLOAlert, body: object) -> None:
    got = data(api.post(f"alerts/{alert.pk}/acknowledge", body))
    assert got["alert_id"] == str(alert.pk)
    assert (got["acknowledged_at"], got["acknowledged_by"]) == ("2026-11-10T12:02:30Z", api.user.username)
    assert (got["alert"]["state"], got["alert"]["version"]) == ("acknowledged", 2)
    event = alert.events.get(kind="acknowledged")
    assert (event.actor, event.channel) == (api.user, "api")
    assert event.note == ("On it" if body and body != b"" and body.get("version") else "")


def test_the_same_person_twice_changes_nothing(api: Caller, alert: SLOAlert, clock) -> None:
    for act in ("acknowledge", "resolve"):
        first = data(api.post(f"alerts/{alert.pk}/{act}"))
        clock.shift(60)
        assert data(api.post(f"alerts/{alert.pk}/{act}")) == first
    assert kinds(alert) == ["opened", "acknowledged", "resolved"]


def test_who_comes_second_is_told_who_was_first_and_gets_the_alert_as_it_is(api: Caller, alert: SLOAlert) -> None:
    other = a_caller(api.organization, scope="write", role="editor")
    data(other.post(f"alerts/{alert.pk}/acknowledge"))
    answer = api.post(f"alerts/{alert.pk}/acknowledge", {"notes": "Me too"})
    problem = answer.json()
    assert answer.status_code == 409
    assert (
        problem["detail"] == f"{other.user.username} acknowledged this first, at 2026-11-10 12:02. Nothing was changed."
    )
    assert (problem["alert"]["acknowledged_by"], problem["alert"]["version"]) == (other.user.username, 2)
    assert problem["alert"]["acknowledged_at"] == "2026-11-10T12:02:30Z"
    assert kinds(alert) == ["opened", "acknowledged"]


def test_resolving_what_another_has_acknowledged_is_granted(api: Caller, alert: SLOAlert) -> None:
    data(a_caller(api.organization, scope="write", role="editor").post(f"alerts/{alert.pk}/acknowledge"))
    got = data(api.post(f"alerts/{alert.pk}/resolve", {"resolution_notes": "Restarted"}))
    assert got["alert_id"] == str(alert.pk)
    assert (got["resolved_at"], got["resolution_notes"]) == ("2026-11-10T12:02:30Z", "Restarted")
    assert got["alert"]["resolved_by"] == api.user.username


def test_the_other_name_of_the_notes_is_understood_but_not_both(api: Caller, alert: SLOAlert) -> None:
    both = api.post(f"alerts/{alert.pk}/resolve", {"notes": "a", "resolution_notes": "b"})
    assert (both.status_code, both.json()["errors"][0]["field"]) == (422, "notes")
    assert data(api.post(f"alerts/{alert.pk}/resolve", {"notes": "a"}))["resolution_notes"] == "a"


@pytest.mark.parametrize("act", ["acknowledge", "resolve", "snooze", "assign", "unacknowledge"])
def test_a_resolved_alert_is_left_alone(api: Caller, alert: SLOAlert, act: str) -> None:
    recover(alert, now=NOW)
    body = {"snooze": {"until_better": True}, "assign": {"to": None}}.get(act, {})
    answer = api.post(f"alerts/{alert.pk}/{act}", body)
    assert answer.status_code == 409
    assert "because it was over, at 2026-11-10 12:02" in answer.json()["detail"]
    assert answer.json()["alert"]["state"] == "resolved"


@pytest.mark.parametrize("act", ["acknowledge", "resolve"])
def test_a_version_that_is_out_of_date_is_a_conflict(api: Caller, alert: SLOAlert, act: str) -> None:
    worsen(alert, now=NOW)
    answer = api.post(f"alerts/{alert.pk}/{act}", {"version": 1})
    assert answer.status_code == 409
    assert "it is critical and open now" in answer.json()["detail"]
    assert data(api.post(f"alerts/{alert.pk}/{act}", {"version": 2}))["alert"]["version"] == 3


def test_an_acknowledgement_is_taken_back_within_ten_minutes(api: Caller, alert: SLOAlert, clock) -> None:
    data(api.post(f"alerts/{alert.pk}/acknowledge"))
    other = a_caller(api.organization, scope="write", role="editor")
    assert other.post(f"alerts/{alert.pk}/unacknowledge").status_code == 409
    assert data(api.post(f"alerts/{alert.pk}/unacknowledge"))["acknowledged_at"] is None
    data(api.post(f"alerts/{alert.pk}/acknowledge"))
    clock.shift(601)
    assert api.post(f"alerts/{alert.pk}/unacknowledge").status_code == 409


def test_a_resolved_alert_is_opened_again_unless_another_is_open(api: Caller, alert: SLOAlert) -> None:
    data(api.post(f"alerts/{alert.pk}/resolve"))
    assert data(api.post(f"alerts/{alert.pk}/reopen", {"notes": "Not over"}))["resolved_at"] is None
    data(api.post(f"alerts/{alert.pk}/resolve"))
    newer = an_alert(api.organization, now=NOW)
    answer = api.post(f"alerts/{alert.pk}/reopen")
    assert answer.status_code == 409
    assert answer.json()["alert"]["id"] == str(newer.pk)


def test_an_alert_is_snoozed_until_a_time_or_until_better(api: Caller, alert: SLOAlert) -> None:
    path = f"alerts/{alert.pk}/snooze"
    assert data(api.post(path, {"until": "2026-11-10T15:00:00+01:00"}))["snoozed_until"] == "2026-11-10T14:00:00Z"
    got = data(api.post(path, {"until_better": True, "notes": "Supplier knows"}))
    assert (got["snoozed_until"], got["snoozed_until_better"]) == (None, True)
    assert data(api.post(f"alerts/{alert.pk}/unsnooze"))["snoozed_until_better"] is False


def test_an_alert_is_given_to_a_member_or_to_nobody(api: Caller, alert: SLOAlert) -> None:
    a_member(api.organization, "dana")
    assert data(api.post(f"alerts/{alert.pk}/assign", {"to": "dana"}))["assigned_to"] == "dana"
    assert data(api.post(f"alerts/{alert.pk}/assign", {"to": None}))["assigned_to"] is None


def test_notes_are_kept_also_of_a_resolved_alert(api: Caller, alert: SLOAlert) -> None:
    recover(alert, now=NOW)
    data(api.post(f"alerts/{alert.pk}/notes", {"notes": "It was the scanner."}))
    event = alert.events.get(kind="noted")
    assert (event.note, event.actor, event.channel) == ("It was the scanner.", api.user, "api")


@pytest.mark.parametrize(
    ("act", "body", "field"),
    [
        ("acknowledge", {"note": "x"}, "note"),
        ("acknowledge", {"notes": 7}, "notes"),
        ("acknowledge", {"notes": ["x"]}, "notes"),
        ("acknowledge", {"notes": "x" * 2001}, "notes"),
        ("acknowledge", {"notes": "a\0b"}, "notes"),
        ("acknowledge", {"version": "1"}, "version"),
        ("acknowledge", {"version": True}, "version"),
        ("acknowledge", {"version": 0}, "version"),
        ("acknowledge", {"version": 10**30}, "version"),
        ("acknowledge", {"version": 1.5}, "version"),
        ("resolve", {"resolution_notes": {}}, "resolution_notes"),
        ("resolve", {"resolved_at": "2026-01-01"}, "resolved_at"),
        ("snooze", {}, "until"),
        ("snooze", {"until": "2026-11-10T14:00:00Z", "until_better": True}, "until"),
        ("snooze", {"until": "2026-11-10T11:00:00Z"}, "until"),
        ("snooze", {"until": "2027-11-10T11:00:00Z"}, "until"),
        ("snooze", {"until": "2026-11-10T14:00:00"}, "until"),
        ("snooze", {"until": "never"}, "until"),
        ("snooze", {"until": 5}, "until"),
        ("snooze", {"until_better": "yes"}, "until_better"),
        ("assign", {}, "to"),
        ("assign", {"to": "nobody"}, "to"),
        ("assign", {"to": "a\0b"}, "to"),
        ("assign", {"to": 7}, "to"),
        ("notes", {}, "notes"),
        ("notes", {"notes": " \n"}, "notes"),
        ("unsnooze", {"notes": "x"}, "notes"),
    ],
)
def test_a_field_that_cannot_be_is_named(api: Caller, alert: SLOAlert, act: str, body: dict, field: str) -> None:
    answer = api.post(f"alerts/{alert.pk}/{act}", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert kinds(alert) == ["opened"]


@pytest.mark.parametrize("body", [b"[]", b"x", b'"notes"', b"null", b"\xff", b'{"notes": "\\ud800"}'])
def test_a_body_that_is_no_object_is_refused(api: Caller, alert: SLOAlert, body: bytes) -> None:
    assert api.post(f"alerts/{alert.pk}/acknowledge", body).status_code == 400
    assert kinds(alert) == ["opened"]


def test_reading_is_not_enough_to_act(api: Caller, alert: SLOAlert) -> None:
    for caller in (a_caller(api.organization, scope="read"), a_caller(api.organization, scope="write", role="viewer")):
        assert caller.post(f"alerts/{alert.pk}/acknowledge").status_code == 403
    assert AlertEvent.objects.count() == 1


@pytest.mark.parametrize("key", ["7", "00000000-0000-0000-0000-000000000000"])
def test_what_does_not_exist_is_not_found(api: Caller, key: str) -> None:
    assert api.post(f"alerts/{key}/acknowledge").status_code == 404
    assert api.get(f"alerts/{key}").status_code == 404


@pytest.mark.parametrize("act", ["acknowledge", "resolve"])
def test_the_audit_trail_says_who_did_it_from_where(api: Caller, alert: SLOAlert, act: str) -> None:
    api.post(f"alerts/{alert.pk}/{act}")
    api.post(f"alerts/{alert.pk}/{act}")  # changes nothing, and is no second entry
    entry = AuditEntry.objects.get(action__in=["acknowledged", "resolved"])
    assert (entry.actor_name, entry.object_id, entry.address) == (api.user.username, str(alert.pk), "127.0.0.1")
