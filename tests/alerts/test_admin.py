"""Alerts, policies, rotas, silences and the outbox in the administration."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, Membership
from alerts import incidents, lifecycle
from alerts.lifecycle import By
from alerts.models import EscalationPolicy, Incident, Message, Rota, Silence, SLOAlert
from tests.admin_world import World, address, errors, filled, listed, member, text
from tests.alerts.alerting import a_channel, an_alert, tell

pytestmark = pytest.mark.django_db


def act(house: World, who: str, model, action: str, *rows) -> str:
    sent = {"action": action, "_selected_action": [row.pk for row in rows]}
    return text(house.client(who).post(address(model, "changelist"), sent, follow=True))


def plain(page: str) -> str:
    return " ".join(page.replace("<br>", " ").split())


# --- alerts ----------------------------------------------------------------------------------------------


def test_an_alert_is_shown_with_its_history_and_changed_by_nobody(house):
    now, user = timezone.now(), house.people["operator"]
    alert = an_alert(house.ours, "extraction_accuracy", now=now)
    lifecycle.acknowledge(alert, by=By(user, "web"), now=now, note="Look <b>")
    tell(alert, a_channel(house.ours, "Chat"), now=now, state=Message.State.FAILED, error="550 no", attempt=3)
    page = plain(text(house.client("admin").get(address(SLOAlert, "change", alert.pk))))
    assert "Acknowledged by our-operator, Page: Look &lt;b&gt;" in page
    assert "Opened to ops@example.com by Chat: Failed for good, 3 attempts, 550 no" in page
    assert f'href="/alerts/{alert.pk}/"' in page
    assert 'name="_save"' not in page


def test_alerts_are_acknowledged_and_resolved_by_the_verbs(house):
    now, dana = timezone.now(), member(house.ours, "dana", "operator")
    first, second = (an_alert(house.ours, sli, now=now) for sli in ("extraction_accuracy", "approval_latency"))
    lifecycle.acknowledge(second, by=By(dana, "web"), now=now)
    page = act(house, "operator", SLOAlert, "acknowledge", first, second)
    assert "dana acknowledged this first" in page
    assert "1 of 2 alerts acknowledged." in page
    assert "2 of 2 alerts resolved." in act(house, "operator", SLOAlert, "resolve", first, second)
    event = first.events.get(kind="acknowledged")
    assert (event.actor, event.channel) == (house.people["operator"], "admin")
    assert AuditEntry.objects.filter(actor_id=house.people["operator"].pk, object_id=str(first.pk)).exists()


def test_a_viewer_cannot_act_nor_can_an_operator_elsewhere(house):
    Membership.objects.create(user=house.people["operator"], organization=house.theirs, role="viewer")
    alert = an_alert(house.theirs, "extraction_accuracy", now=timezone.now())
    query = {"organization": str(house.theirs.pk)}
    client = house.client("operator")
    assert str(alert.pk) in listed(client, SLOAlert, **query)
    sent = {"action": "acknowledge", "_selected_action": [alert.pk]}
    client.post(f"{address(SLOAlert, 'changelist')}?organization={house.theirs.pk}", sent)
    act(house, "viewer", SLOAlert, "acknowledge", SLOAlert.objects.filter(organization=house.ours)[0])
    assert not SLOAlert.objects.exclude(acknowledged_at=None).exists()


@pytest.mark.parametrize(("state", "number"), [("open", 2), ("acknowledged", 1), ("resolved", 1), ("x", 4)])
def test_alerts_are_filtered_by_their_state(house, state, number):
    now, by = timezone.now(), By(house.people["operator"], "web")
    an_alert(house.ours, "extraction_accuracy", now=now)  # another one is open in every world
    lifecycle.acknowledge(an_alert(house.ours, "approval_latency", now=now), by=by, now=now)
    lifecycle.resolve(an_alert(house.ours, "validation_pass_rate", now=now), by=by, now=now)
    assert len(listed(house.client("viewer"), SLOAlert, state=state)) == number


def test_an_incident_shows_its_checklist(house):
    incident, user = Incident.objects.get(organization=house.ours), house.people["operator"]
    incident.items.all().delete()
    incident.items.create(position=1, text="Look")
    item = incident.items.create(position=2, text="Restart")
    incidents.check(item, by=By(user, "web"), now=timezone.now(), done=True)
    page = plain(text(house.client("viewer").get(address(Incident, "change", incident.pk))))
    assert "☐ Look ☑ Restart (our-operator," in page


# --- who is told -----------------------------------------------------------------------------------------


def test_a_policy_gets_its_steps_once_its_organisation_is_known(house):
    client = house.client("editor")
    sent = {"organization": house.ours.pk, "name": "Night", "severity": "critical", "repeat_minutes": "30"}
    answer = client.post(address(EscalationPolicy, "add"), sent)
    policy = EscalationPolicy.objects.get(name="Night")
    assert answer["Location"] == address(EscalationPolicy, "change", policy.pk)
    page = text(client.get(answer["Location"]))
    channel = house.ours.channels.get()
    assert str(channel.pk) in page
    assert str(house.theirs.channels.get().pk) not in page
    step = {"steps-0-position": "1", "steps-0-delay_minutes": "0", "steps-0-channels": [channel.pk]}
    forms = {"steps-TOTAL_FORMS": "1", "steps-INITIAL_FORMS": "0", "steps-0-people": [house.people["viewer"].pk]}
    answer = client.post(address(EscalationPolicy, "change", policy.pk), {**sent, **step, **forms})
    assert answer.status_code == 302, errors(answer)
    (row,) = policy.steps.all()
    assert list(row.channels.all()) == [channel]
    assert list(row.people.all()) == [house.people["viewer"]]
    assert "at once" in text(client.get(address(EscalationPolicy, "changelist")))


@pytest.mark.parametrize("field", ["channels", "people", "on_call"])
def test_a_step_names_nothing_of_another_organisation(house, field):
    policy = house.ours.escalation_policies.filter(severity="warning")[0]
    foreign = {
        "channels": house.theirs.channels.get(), "people": house.stranger, "on_call": house.theirs.rotas.get(),
    }[field]  # fmt: skip
    Membership.objects.create(user=house.people["editor"], organization=house.theirs, role="editor")
    sent = {"name": policy.name, "severity": policy.severity, "steps-TOTAL_FORMS": "1", "steps-INITIAL_FORMS": "0"}
    sent |= {"steps-0-position": "9", "steps-0-delay_minutes": "0", f"steps-0-{field}": [str(foreign.pk)]}
    before = policy.steps.count()
    client = house.client("editor")
    assert client.post(address(EscalationPolicy, "change", policy.pk), sent).status_code == 200
    assert policy.steps.count() == before
    del sent[f"steps-0-{field}"]
    assert client.post(address(EscalationPolicy, "change", policy.pk), sent).status_code == 302
    assert policy.steps.count() == before + 1


def test_a_policy_of_one_organisation_names_no_objective_of_another(house):
    Membership.objects.create(user=house.people["editor"], organization=house.theirs, role="editor")
    sent = {"organization": house.ours.pk, "name": "Mixed", "severity": "info", "slos": [house.theirs.slos.first().pk]}
    answer = house.client("editor").post(address(EscalationPolicy, "add"), sent)
    assert errors(answer) == {"slos": ["Choose what belongs to the organisation above."]}


def test_a_rota_shows_who_takes_over_when(house):
    rota = house.ours.rotas.get()
    for position, role in enumerate(("operator", "editor"), 1):
        rota.members.create(position=position, user=house.people[role])
    page = plain(text(house.client("viewer").get(address(Rota, "change", rota.pk))))
    assert page.count(": our-operator") + page.count(": our-editor") >= 5
    assert "our-operator" in text(house.client("viewer").get(address(Rota, "changelist")))
    client = house.client("editor")
    assert client.post(address(Rota, "change", rota.pk), {"name": ""}).status_code == 200


# --- silences --------------------------------------------------------------------------------------------


def a_silence(house: World, **fields: object) -> dict[str, object]:
    start = timezone.localtime() + timedelta(hours=1)
    times = {name: f"{at:%Y-%m-%dT%H:%M:%S}" for name, at in (("start", start), ("end", start + timedelta(hours=2)))}
    given = {"organization": house.ours.pk, "owner": house.people["operator"].pk, "reason": "Supplier moves", **times}
    return {**given, **fields}


def test_an_operator_silences_and_sees_when_it_holds(house):
    client = house.client("operator")
    initial = filled(client, Silence)
    assert str(initial["owner"]) == str(house.people["operator"].pk)
    answer = client.post(address(Silence, "add"), a_silence(house, rrule="FREQ=DAILY;COUNT=3"))
    assert answer.status_code == 302, errors(answer)
    silence = Silence.objects.get(reason="Supplier moves")
    page = text(client.get(address(Silence, "change", silence.pk)))
    first = timezone.localtime(silence.start)
    assert f"{first:%a %Y-%m-%d %H:%M} to" in page
    assert f"{first + timedelta(days=2):%a %Y-%m-%d %H:%M} to" in page
    assert "1 of 1 silences ended." in act(house, "operator", Silence, "end_now", silence)
    assert 'name="_save"' not in text(client.get(address(Silence, "change", silence.pk)))
    assert str(silence.pk) in listed(client, Silence, state="over")
    assert str(silence.pk) not in listed(client, Silence, state="coming")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reason", ""), ("owner", ""), ("start", "never"), ("end", "2020-01-01T00:00:00"),
        ("end", "2099-01-01T00:00:00"), ("rrule", "FREQ=SECONDLY"), ("rrule", "FREQ=DAILY"), ("rrule", "nonsense"),
    ],
)  # fmt: skip
def test_a_silence_that_cannot_be_says_why(house, field, value):
    answer = house.client("operator").post(address(Silence, "add"), a_silence(house, **{field: value}))
    assert field in errors(answer)
    assert Silence.objects.filter(organization=house.ours).count() == 1


def test_a_silence_is_owned_by_a_member_and_names_objectives_of_its_organisation(house):
    client = house.client("operator")
    for field, foreign in (("owner", house.stranger.pk), ("slos", [house.theirs.slos.first().pk])):
        assert field in errors(client.post(address(Silence, "add"), a_silence(house, **{field: foreign})))
    slo = house.ours.slos.first()
    assert client.post(address(Silence, "add"), a_silence(house, slos=[slo.pk])).status_code == 302
    assert list(Silence.objects.get(reason="Supplier moves").slos.all()) == [slo]


# --- outbox ----------------------------------------------------------------------------------------------


def test_what_failed_is_tried_again_and_what_arrived_is_not(house):
    now, alert = timezone.now(), SLOAlert.objects.get(organization=house.ours)
    channel = house.ours.channels.get()
    rows = {state: tell(alert, channel, now=now, state=state) for state in Message.State.values}
    page = act(house, "operator", Message, "try_again", *rows.values())
    assert "3 of 5 messages are tried again" in page
    for state, row in rows.items():
        row.refresh_from_db()
        tried = state in {"waiting", "failed", "unknown"}
        assert (row.state, row.next_attempt_at is not None) == ("waiting" if tried else state, tried), state


def test_a_message_shows_what_it_holds_and_why_it_did_not_arrive(house):
    alert = an_alert(house.ours, None, now=timezone.now(), title="7 late <b>")
    message = tell(alert, house.ours.channels.get(), now=timezone.now(), state="failed", error="550 <no>")
    page = text(house.client("operator").get(address(Message, "change", message.pk)))
    assert "Opened: 7 late &lt;b&gt;" in page
    assert "550 &lt;no&gt;" in page
    assert str(message.pk) in listed(house.client("operator"), Message, state__exact="failed")


# --- the start page --------------------------------------------------------------------------------------


def test_the_first_page_says_when_alerting_is_not_well(house):
    assert "Alerting has a problem" not in text(house.client("admin").get("/admin/"))
    house.ours.channels.update(off_at=timezone.now(), off_reason="Refused.")
    page = text(house.client("admin").get("/admin/"))
    assert "The channel “Operations” is switched off: Refused." in page
