"""Who hears what when, by the policies that an organisation starts with."""

from datetime import timedelta
from uuid import UUID

import pytest

from alerts import defaults, telling
from alerts.escalation import DEFAULTS, Plan, Step
from alerts.models import Channel, EscalationPolicy, EscalationStep, Rota, RotaMember, SLOAlert
from alerts.recipients import Directory
from tests.alerts.people import channel, member, policy
from tests.facts import NOON, at, firm

OPERATIONS, SECOND = ("Operations", "ops@firm.example"), ("Second", "second@firm.example")
CHAT, HOOK, PAGER = ("Chat", ""), ("Hook", ""), ("Text", "+4930111")
OWNER, ON_CALL = ("Operations", "ann@firm.example"), ("Text", "+4915112345678")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ALL = {OPERATIONS, SECOND, CHAT, HOOK, PAGER, OWNER, ON_CALL}


@pytest.fixture
def organization(db, settings):
    """One with a channel of each kind, an owner and somebody on call."""
    settings.ALERT_EMAIL_ENABLED = settings.ALERT_SLACK_ENABLED = settings.ALERT_SMS_ENABLED = True
    made = firm()
    defaults.ensure(made, today=NOON.date(), operations=["ops@firm.example"])
    channel(made, "Second", "email", "second@firm.example")
    channel(made, "Chat", "slack")
    channel(made, "Hook", "webhook")
    channel(made, "Text", "sms", "+4930111")
    member(made, "ann")
    ben = member(made, "ben", phone="+4915112345678")
    RotaMember.objects.create(rota=made.rotas.get(), position=1, user=ben)
    made.slos.update(slos_owner="ann")
    return made


def heard(organization, severity):
    """What nobody acknowledges: after how long who hears of it, for the first five times."""
    directory, slo = Directory.load(organization, now=NOON), organization.slos.first()
    found, step, after = [], 0, directory.delay(severity, slo, 0)
    while after is not None and len(found) < 5:
        step = min(step + 1, directory.steps(severity, slo))
        found.append(
            (after, {(target.channel.name, target.address) for target in directory.targets(severity, slo, step)})
        )
        further = directory.delay(severity, slo, step)
        after = None if further is None else after + further
    return found


EXPECTED = {
    "info": [(0 * HOUR, {OPERATIONS, OWNER})],
    "warning": [(0 * HOUR, {OPERATIONS, OWNER}), (4 * HOUR, {OPERATIONS, ON_CALL})],
    "critical": [(0 * HOUR, {OPERATIONS, SECOND, CHAT, OWNER, ON_CALL}), (15 * MINUTE, ALL)],
    "incident": [(times * 30 * MINUTE, ALL) for times in range(5)],
}


@pytest.mark.parametrize("severity", EXPECTED)
def test_who_hears_what_when(organization, severity):
    assert heard(organization, severity) == EXPECTED[severity]


@pytest.mark.parametrize("severity", EXPECTED)
def test_without_any_policy_the_same_people_hear(organization, severity):
    EscalationPolicy.objects.all().delete()
    assert heard(organization, severity) == EXPECTED[severity]


def test_what_an_organisation_starts_with_is_created_once_and_never_overwritten(organization):
    tables = (Channel, EscalationPolicy, EscalationStep, Rota)
    assert [table.objects.count() for table in tables] == [5, 3, 5, 1]
    Channel.objects.filter(name="Operations").update(name="AP team")
    EscalationPolicy.objects.filter(severity="critical").delete()
    assert defaults.ensure(organization, today=NOON.date(), operations=["new@firm.example"]) is False
    assert [table.objects.count() for table in tables] == [5, 2, 3, 1]
    assert set(organization.channels.values_list("name", flat=True)) == {"AP team", "Second", "Chat", "Hook", "Text"}


def test_each_organisation_starts_with_its_own(organization):
    theirs = firm("theirs")
    assert defaults.ensure(theirs, today=NOON.date(), operations=[]) is True
    steps = EscalationStep.objects.filter(policy__organization=theirs)
    assert {rota for step in steps for rota in step.on_call.all()} == {theirs.rotas.get()}


def test_a_step_without_delay_is_taken_with_the_next_tick(organization):
    policy(organization, "warning", {"to_operations": True}, {"to_everybody": True}, name="A")
    alert = SLOAlert.objects.create(
        organization=organization, alert_type="stale_feed", severity="warning", title="Silent", message="No message.",
        breached_at=NOON, updated_at=NOON,
    )  # fmt: skip
    told = []
    for minutes in range(3):
        told.append(telling.plan(organization, [alert], {}, now=at(minutes)))
        alert.refresh_from_db()
    assert told == [1, 5, 0]


def test_every_severity_has_a_plan_whose_first_step_is_taken_at_once():
    assert {severity: plan.delay(0) for severity, plan in DEFAULTS.items()} == dict.fromkeys(DEFAULTS, timedelta(0))
    assert set(DEFAULTS) == set(EXPECTED)


def test_a_plan_ends_with_its_last_step_or_repeats_it():
    one, two = Step(people=(UUID(int=1),)), Step(HOUR, people=(UUID(int=2),))
    plan = Plan((one, two))
    assert [plan.step(number) for number in range(4)] == [one, one, two, two]
    assert [plan.delay(number) for number in range(4)] == [timedelta(0), HOUR, None, None]
    assert Plan((one,), repeat=MINUTE).delay(1) == MINUTE
