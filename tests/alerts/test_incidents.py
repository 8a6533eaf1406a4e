"""Incidents: one for each alert, who has it, what is done, and every act in the alert's history."""

import pytest

from alerts import incidents
from alerts.lifecycle import By
from alerts.models import AlertEvent, Incident, SLOAlert
from tests.alerts.people import member, rota
from tests.facts import NOON, at, firm

pytestmark = pytest.mark.django_db
RUNBOOK = "# OCR\n- [ ] Call the vendor\n- [ ] Tell AP\n- see also\n"


@pytest.fixture
def organization():
    return firm()


def alert_of(organization, *, runbook=RUNBOOK, owner="", slo=True, **fields):
    objective = organization.slos.first() if slo else None
    if objective:
        objective.runbook, objective.slos_owner = runbook, owner
        objective.save()
    return SLOAlert.objects.create(
        organization=organization, slo=objective, alert_type="error_budget_exhausted", severity="incident",
        title="Used up", message="It is used up.", breached_at=NOON, updated_at=NOON, **fields,
    )  # fmt: skip


def texts(incident):
    return list(incident.items.values_list("position", "text"))


def history(alert):
    """Kind, note, actor and details of each entry."""
    return [
        (event.kind, event.note, event.actor and event.actor.username, event.details)
        for event in alert.events.select_related("actor")
    ]


def test_an_incident_begins_with_an_owner_and_the_checklist_of_the_runbook(organization):
    ann = member(organization, "ann", first_name="Ann", last_name="Lee")
    alert = alert_of(organization, owner="ann")
    incident = incidents.open_for(alert, now=NOON)
    assert incident.owner == ann
    assert texts(incident) == [(1, "Call the vendor"), (2, "Tell AP")]
    assert history(alert) == [("incident", "Opened.", None, {"owner": "Ann Lee"})]


def test_opening_an_incident_twice_opens_one(organization):
    alert = alert_of(organization)
    first = incidents.open_for(alert, now=NOON)
    assert incidents.open_for(alert, now=at(5)) == first
    assert (Incident.objects.count(), len(texts(first)), alert.events.count()) == (1, 2, 1)
    incidents.open_for(alert_of(firm("other")), now=NOON)
    assert Incident.objects.count() == 2


@pytest.mark.parametrize("slo", [True, False])
def test_an_incident_without_a_runbook_has_no_checklist_and_goes_to_who_is_on_call(organization, slo):
    ben = member(organization, "ben")
    rota(organization, ben)
    incident = incidents.open_for(alert_of(organization, runbook="", slo=slo), now=NOON)
    assert (incident.owner, texts(incident)) == (ben, [])


def test_an_incident_goes_to_who_has_the_alert(organization):
    member(organization, "ann")
    cleo = member(organization, "cleo")
    alert = alert_of(organization, owner="ann", assigned_to=cleo)
    assert incidents.open_for(alert, now=NOON).owner == cleo


def test_somebody_takes_an_incident_and_another_takes_it_over(organization):
    ann, ben = (By(member(organization, name), AlertEvent.Channel.WEB) for name in ("ann", "ben"))
    alert = alert_of(organization)
    incident = incidents.open_for(alert, now=NOON)
    taken = [incidents.take(incident, by=by, now=at(1)) for by in (ann, ann, ben)]
    assert taken == [True, False, True]
    assert Incident.objects.get().owner == incident.owner == ben.user
    assert history(alert)[1:] == [
        ("incident", "Taken.", "ann", {"owner": "ann", "was": ""}),
        ("incident", "Taken over.", "ben", {"owner": "ben", "was": "ann"}),
    ]


def test_nobody_cannot_take_an_incident(organization):
    incident = incidents.open_for(alert_of(organization), now=NOON)
    assert incidents.take(incident, by=By(None, AlertEvent.Channel.SYSTEM), now=NOON) is False


def test_items_are_ticked_once_and_can_be_taken_back(organization):
    ann, ben = (By(member(organization, name), AlertEvent.Channel.API) for name in ("ann", "ben"))
    alert = alert_of(organization)
    item = incidents.open_for(alert, now=NOON).items.first()
    stale = incidents.open_for(alert, now=NOON).items.first()
    assert incidents.check(item, by=ann, now=at(1), done=True) is True
    assert incidents.check(stale, by=ben, now=at(2), done=True) is False
    assert (stale.done_by, stale.done_at) == (ann.user, at(1))
    assert incidents.check(stale, by=ben, now=at(3), done=False) is True
    item.refresh_from_db()
    assert (item.done_by, item.done_at) == (None, None)
    assert history(alert)[1:] == [
        ("checked", "Done: Call the vendor", "ann", {"position": 1, "done": True}),
        ("checked", "Not done: Call the vendor", "ben", {"position": 1, "done": False}),
    ]
    assert set(alert.events.exclude(actor=None).values_list("channel", flat=True)) == {"api"}


def test_a_closed_incident_stays_closed_until_its_alert_comes_back(organization):
    ann = By(member(organization, "ann"), AlertEvent.Channel.WEB)
    alert = alert_of(organization)
    incident = incidents.open_for(alert, now=NOON)
    assert incidents.close(incident, by=ann, now=at(10), note="Vendor is back.") is True
    assert incidents.close(incident, by=ann, now=at(11)) is False
    assert Incident.objects.get().closed_at == at(10)
    again = incidents.open_for(alert, now=at(30))
    assert (again.pk, again.closed_at, len(texts(again))) == (incident.pk, None, 2)
    assert [entry[:3] for entry in history(alert)[1:]] == [
        ("incident", "Closed. Vendor is back.", "ann"),
        ("incident", "Opened again.", None),
    ]
