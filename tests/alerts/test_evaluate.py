"""From figures to alerts and to what is told of them, tick by tick, as the worker does it."""

from datetime import timedelta

import pytest

from accounts.models import Organization
from alerts.judged import Judged
from alerts.kinds import AlertType, Reason, Severity
from alerts.lifecycle import By, acknowledge, resolve
from alerts.models import AlertEvent, EscalationPolicy, EscalationStep, Notification, Silence, SLOAlert
from alerts.rules import Verdict
from alerts.saying import said
from slos import exclusions
from slos.models import Exclusion
from tests.alerts.firms import a_quiet_firm, breach, kinds, run, the, validated
from tests.facts import at

pytestmark = pytest.mark.django_db


@pytest.fixture
def ours() -> Organization:
    return a_quiet_firm()


def test_a_firm_that_keeps_its_promises_hears_nothing(ours):
    assert run(ours, 0) == 0
    assert not SLOAlert.objects.exists()


def test_a_breach_opens_one_alert_and_tells_it_once(ours):
    alert = breach(ours)
    assert (alert.severity, alert.state, kinds(alert)) == ("critical", "open", ["opened", "told"])
    sent = Notification.objects.get()
    assert (sent.alert, sent.target, sent.reason, sent.title) == (alert, "ops@example.com", "opened", alert.title)
    assert "Acme GmbH" in alert.message
    for minute in (11, 12, 13):
        assert run(ours, minute) == 0
    assert SLOAlert.objects.count() == 1


def test_what_nobody_has_acknowledged_escalates_and_stops_when_somebody_does(ours):
    policy = EscalationPolicy.objects.get(severity="critical")
    EscalationStep.objects.create(policy=policy, position=2, delay_minutes=15, to_operations=True)
    alert = breach(ours)
    assert run(ours, 24) == 0
    assert run(ours, 25) == 1
    alert.refresh_from_db()
    assert kinds(alert) == ["opened", "told", "escalated"]
    assert run(ours, 41) == 0  # no third step, no repeat


def test_acknowledging_stops_the_escalation(ours, django_user_model):
    policy = EscalationPolicy.objects.get(severity="critical")
    EscalationStep.objects.create(policy=policy, position=2, delay_minutes=15, to_operations=True)
    alert = breach(ours)
    dana = django_user_model.objects.create_user("dana")
    acknowledge(alert, by=By(dana, "web"), now=at(20))
    assert run(ours, 30) == 0
    assert run(ours, 300) == 0


def test_a_budget_that_is_used_up_is_an_incident_and_supersedes_the_warning(ours):
    validated(ours, "some", 190, first=0, last=9, now=at(10), good=False)
    run(ours, 10)
    assert the(ours, "error_budget_consumed").severity == "warning"
    validated(ours, "more", 100, first=11, last=19, now=at(20), good=False)
    run(ours, 20)
    exhausted = the(ours, "error_budget_exhausted")
    assert (exhausted.severity, exhausted.incident.closed_at) == ("incident", None)
    assert not SLOAlert.objects.filter(alert_type="error_budget_consumed", resolved_at=None).exists()
    superseded = SLOAlert.objects.get(alert_type="error_budget_consumed")
    assert superseded.resolution == "superseded"
    assert not superseded.notifications.filter(reason="resolved").exists()
    assert run(ours, 49) == 0
    assert run(ours, 50) == 1  # an incident is repeated every half an hour
    assert kinds(exhausted)[-1] == "repeated"


def test_it_ends_by_itself_when_it_was_over_for_half_an_hour_and_says_so(ours):
    alert = breach(ours)
    validated(ours, "flood", 3000, first=10, last=19, now=at(20))
    for minute in range(20, 51, 2):
        run(ours, minute)
    alert.refresh_from_db()
    assert (alert.state, alert.resolution) == ("resolved", "recovered")
    assert alert.resolved_at == at(50)
    told = alert.notifications.get(reason="resolved")
    assert (told.target, told.due_at) == ("ops@example.com", at(50))


def test_it_flaps_once_and_is_quiet_until_that_has_lasted(ours):
    alert = breach(ours)
    validated(ours, "flood", 3000, first=10, last=19, now=at(20))
    for minute in range(20, 51, 2):
        run(ours, minute)
    again = breach(ours, 51, number=500)
    assert (again.pk, again.reopenings) == (alert.pk, 1)
    assert [row.reason for row in again.notifications.order_by("pk")] == ["opened", "resolved", "reopened"]
    validated(ours, "torrent", 12000, first=61, last=69, now=at(70))
    for minute in range(70, 102, 2):
        run(ours, minute)
    again.refresh_from_db()
    assert again.resolution == "recovered"
    last = again.notifications.filter(reason="resolved").latest("pk")
    assert last.due_at == again.resolved_at + timedelta(hours=1)


def test_what_a_person_resolves_while_it_holds_stays_away_for_a_day(ours, django_user_model):
    alert = breach(ours)
    resolve(alert, by=By(django_user_model.objects.create_user("dana"), "web"), now=at(15), note="Known.")
    assert alert.notifications.filter(reason="resolved").count() == 1
    for minute in (16, 60, 200):
        run(ours, minute)
    assert not SLOAlert.objects.unresolved().filter(alert_type="burn_rate_warning").exists()


def test_a_silence_records_and_does_not_send(ours, django_user_model):
    owner = django_user_model.objects.create_user("dana")
    Silence.objects.create(organization=ours, reason="Maintenance", owner=owner, start=at(0), end=at(60))
    validated(ours, "bad", 100, first=0, last=9, now=at(10), good=False)
    assert run(ours, 10) == 0
    assert kinds(the(ours)) == ["opened"]
    assert run(ours, 60) == 1
    assert kinds(the(ours)) == ["opened", "told"]


def test_who_heard_of_an_alert_before_a_silence_hears_of_its_end_after_it(ours, django_user_model):
    alert = breach(ours)
    dana = django_user_model.objects.create_user("dana")
    Silence.objects.create(organization=ours, reason="Maintenance", owner=dana, start=at(11), end=at(60))
    resolve(alert, by=By(dana, "web"), now=at(20))
    assert alert.notifications.get(reason="resolved").due_at == at(60)


def test_an_objective_that_is_switched_off_ends_its_alerts(ours):
    alert = breach(ours)
    ours.slos.update(is_active=False)
    run(ours, 20)
    alert.refresh_from_db()
    assert (alert.state, alert.resolution) == ("resolved", "not_judged")


def test_one_alert_that_cannot_be_written_stops_no_other(ours, monkeypatch):
    validated(ours, "bad", 300, first=0, last=9, now=at(10), good=False)
    slo = ours.slos.active().get()
    slo.name = "x" * 200
    slo.save()
    run(ours, 10)
    assert SLOAlert.objects.filter(severity=Severity.INCIDENT).exists()
    assert AlertEvent.objects.filter(kind="opened").count() == SLOAlert.objects.count()


def test_an_alert_that_cannot_be_put_into_words_opens_in_plain_ones(ours):
    """A look-back before all time, as no rule has it, stands for whatever may go wrong with words."""
    slo = ours.slos.active().get()
    verdict = Verdict(AlertType.BURN_RATE_WARNING, severity=Severity.WARNING, look_back=timedelta.max)
    words = said(None, Judged(ours, slo, "", verdict), Reason.OPENED, at(0))
    assert words.title == f"Budget is spent too fast: {slo.name}"
    assert words.text
    assert words.short


def test_an_exclusion_over_an_outage_ends_its_alert_and_one_that_is_withdrawn_brings_it_back(ours):
    alert = breach(ours)
    outage = Exclusion.objects.create(
        organization=ours, category="supplier", reason="The scanner", start=at(0), end=at(10)
    )
    exclusions.put_in_force(outage)
    for minute in range(20, 53, 2):
        run(ours, minute)
    alert.refresh_from_db()
    assert (alert.state, alert.resolution) == ("resolved", "recovered")
    exclusions.withdraw(outage, by=None, now=at(53))
    run(ours, 53)
    assert the(ours).state == "open"
