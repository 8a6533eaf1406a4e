"""Who is told: policies, owners, who is on call, and what is left out."""

from datetime import timedelta

import pytest

from accounts.models import User
from alerts import recipients, watch
from alerts.models import RotaOverride
from alerts.recipients import Directory, answerable
from tests.alerts.people import channel, member, policy, rota, told
from tests.facts import NOON, at, firm

pytestmark = pytest.mark.django_db
EVERYBODY = {"to_everybody": True}


@pytest.fixture(autouse=True)
def _everything_is_switched_on(settings):
    settings.ALERT_EMAIL_ENABLED = settings.ALERT_SLACK_ENABLED = settings.ALERT_SMS_ENABLED = True


@pytest.fixture
def organization():
    return firm()


def the_slo(organization, **fields):
    slo = organization.slos.first()
    for name, value in fields.items():
        setattr(slo, name, value)
    slo.save()
    return slo


def test_the_policy_of_an_objective_comes_before_the_general_one(organization):
    slo, other, *_ = organization.slos.all()
    one, two = channel(organization, "One", "slack"), channel(organization, "Two", "slack")
    policy(organization, "warning", {"channels": [one]})
    policy(organization, "warning", {"channels": [two]}, slos=[slo])
    policy(organization, "critical", EVERYBODY)
    assert told(organization, "warning", slo) == [("Two", "")]
    assert told(organization, "warning", other) == told(organization, "warning", None) == [("One", "")]
    assert told(organization, "critical", slo) == [("One", ""), ("Two", "")]


def test_without_a_policy_or_with_one_without_steps_the_built_in_one_holds(organization):
    channel(organization, "Team", "email", "team@firm.example", for_operations=True)
    channel(organization, "Chat", "slack")
    assert told(organization, "warning") == [("Team", "team@firm.example")]
    policy(organization, "warning")
    assert told(organization, "warning") == [("Team", "team@firm.example")]
    policy(organization, "warning", EVERYBODY)
    assert told(organization, "warning") == [("Team", "team@firm.example"), ("Chat", "")]


def test_an_alert_without_an_objective_has_no_owner(organization):
    channel(organization, "Chat", "slack")
    channel(organization, "Team", "webhook", for_operations=True)
    policy(organization, "warning", {"to_owner": True})
    slo = the_slo(organization, slos_owner="Chat")
    assert told(organization, "warning", slo) == [("Chat", "")]
    assert told(organization, "warning", None) == [("Team", "")]


@pytest.mark.parametrize("owner", ["ANN", "ann", "ann@firm.example", " Ann@Firm.Example "])
def test_an_owner_who_is_a_member_hears_by_e_mail(organization, owner):
    channel(organization, "Team", "email")
    member(organization, "Ann")
    User.objects.filter(username="Ann").update(email="ann@firm.example")
    policy(organization, "warning", {"to_owner": True})
    assert told(organization, "warning", the_slo(organization, slos_owner=owner)) == [("Team", "ann@firm.example")]


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        ("ap@firm.example", [("Team", "ap@firm.example")]),
        ("Chat", [("Chat", "")]),
        ("AP Operations", []),
        ("", []),
        ("left@firm.example", []),  # an account that was switched off
        ("other", []),  # of another organisation
    ],
)
def test_an_owner_may_be_an_address_or_a_channel(organization, owner, expected):
    channel(organization, "Team", "email")
    channel(organization, "Chat", "slack")
    channel(organization, "Hook", "webhook", for_operations=True)
    member(organization, "left", is_active=False)
    member(firm("theirs"), "other")
    policy(organization, "warning", {"to_owner": True})
    slo = the_slo(organization, slos_owner=owner)
    assert told(organization, "warning", slo) == (expected or [("Hook", "")])


def test_the_channels_of_an_objective_are_told_besides_and_unknown_names_are_listed(organization):
    channel(organization, "Team", "email", "team@firm.example", for_operations=True)
    channel(organization, "Chat", "slack")
    channel(firm("theirs"), "Theirs", "slack")
    policy(organization, "warning", {"to_operations": True, "to_owner": True})
    slo = the_slo(organization, notification_channels=["Chat", "Theirs", "Nowhere"])
    assert told(organization, "warning", slo) == [("Team", "team@firm.example"), ("Chat", "")]
    assert watch.look(organization, now=NOON).unknown_channels == [(slo.name, "Theirs"), (slo.name, "Nowhere")]
    slo.is_active = False
    slo.save()
    assert watch.look(organization, now=NOON).unknown_channels == []


def test_whoever_is_on_call_gets_an_sms_where_that_is_possible(organization, settings):
    channel(organization, "Team", "email")
    text = channel(organization, "Text", "sms", "+4930111")
    ann = member(organization, "ann", phone="+4915112345678")
    policy(organization, "critical", {"on_call": [rota(organization, ann)]})
    assert told(organization, "critical") == [("Text", "+4915112345678")]
    by_mail = [("Team", "ann@firm.example")]
    text.refused = ["+4915112345678"]
    text.save()
    assert told(organization, "critical") == by_mail
    text.refused = []
    text.save()
    settings.ALERT_SMS_ENABLED = False
    assert told(organization, "critical") == by_mail
    settings.ALERT_SMS_ENABLED = True
    User.objects.update(phone="")
    assert told(organization, "critical") == by_mail


def test_who_cannot_be_reached_is_followed_by_the_next_in_turn(organization):
    channel(organization, "Team", "email")
    ann, ben = member(organization, "ann"), member(organization, "ben")
    turns = rota(organization, ann, ben)
    policy(organization, "critical", {"on_call": [turns]})
    assert told(organization, "critical") == [("Team", "ann@firm.example")]
    User.objects.filter(pk=ann.pk).update(is_active=False)
    assert told(organization, "critical") == [("Team", "ben@firm.example")]
    User.objects.filter(pk=ann.pk).update(is_active=True)
    RotaOverride.objects.create(rota=turns, user=ben, start=at(-10), end=at(10))
    assert told(organization, "critical") == [("Team", "ben@firm.example")]


def test_only_members_are_told(organization):
    channel(organization, "Team", "email", "team@firm.example", for_operations=True)
    ann, stranger = member(organization, "ann"), member(firm("theirs"), "stranger")
    policy(organization, "critical", {"people": [ann, stranger], "on_call": [rota(organization, stranger)]})
    assert told(organization, "critical") == [("Team", "ann@firm.example")]
    ann.memberships.all().delete()
    assert told(organization, "critical") == [("Team", "team@firm.example")]


def test_everybody_hears_once(organization):
    channel(organization, "A", "email", "ann@firm.example", "team@firm.example", for_operations=True)
    channel(organization, "B", "email", "TEAM@firm.example")
    ann = member(organization, "ann")
    turns = rota(organization, ann)
    policy(organization, "critical", {**EVERYBODY, "to_owner": True, "people": [ann], "on_call": [turns]})
    slo = the_slo(organization, slos_owner="ann@firm.example", notification_channels=["A", "B"])
    assert told(organization, "critical", slo) == [("A", "ann@firm.example"), ("A", "team@firm.example")]


@pytest.mark.parametrize(
    "broken", [{"is_active": False}, {"off_at": NOON}, {"refused": ["one@firm.example", "two@firm.example"]}]
)
def test_what_does_not_work_is_left_out(organization, broken):
    channel(organization, "Hook", "webhook")
    made = channel(organization, "Team", "email", "one@firm.example", "two@firm.example")
    policy(organization, "warning", EVERYBODY)
    assert told(organization) == [("Hook", ""), ("Team", "one@firm.example"), ("Team", "two@firm.example")]
    for name, value in broken.items():
        setattr(made, name, value)
    made.save()
    assert told(organization) == [("Hook", "")]


@pytest.mark.parametrize("kind", ["email", "slack", "sms"])
def test_a_kind_that_the_environment_switches_off_is_left_out(organization, settings, kind):
    channel(organization, "Hook", "webhook")
    channel(organization, "It", kind, "+4930111" if kind == "sms" else "it@firm.example")
    policy(organization, "warning", EVERYBODY)
    assert [name for name, _ in told(organization)] == ["Hook", "It"]
    setattr(settings, f"ALERT_{kind.upper()}_ENABLED", False)
    assert [name for name, _ in told(organization)] == ["Hook"]


def test_an_address_that_one_channel_has_refused_is_written_to_through_another(organization):
    channel(organization, "A", "email", refused=["ann@firm.example"])
    channel(organization, "B", "email")
    policy(organization, "warning", {"people": [member(organization, "ann")]})
    assert told(organization) == [("B", "ann@firm.example")]


def test_when_nobody_is_left_the_operations_team_hears_then_any_channel_then_the_admins(organization):
    policy(organization, "warning", {"to_owner": True})
    team = channel(organization, "Team", "email", "team@firm.example", for_operations=True)
    hook = channel(organization, "Hook", "webhook")
    member(organization, "boss", "admin")
    assert told(organization) == [("Team", "team@firm.example")]
    assert told(organization, avoid=team) == [("Hook", "")]
    hook.delete()
    team.targets = []
    team.save()
    assert told(organization) == [("Team", "boss@firm.example")]
    assert told(organization, avoid=team) == []
    User.objects.update(email="")
    assert told(organization) == []


def test_a_dead_channel_is_told_of_through_another(organization):
    team = channel(organization, "Team", "email", "team@firm.example", for_operations=True)
    hook = channel(organization, "Hook", "webhook")
    directory = Directory.load(organization, now=NOON)
    assert [target.channel.name for target in directory.fallback(team)] == ["Hook"]
    assert [target.channel.name for target in directory.fallback(hook)] == ["Team"]


def test_the_steps_of_a_policy_and_what_follows_after_what_time(organization):
    policy(organization, "warning", EVERYBODY, {"delay_minutes": 30, **EVERYBODY}, repeat_minutes=60)
    policy(organization, "critical", EVERYBODY, {"delay_minutes": 5, **EVERYBODY})
    directory = Directory.load(organization, now=NOON)
    delays = {
        severity: [directory.delay(severity, None, step) for step in range(4)] for severity in ("warning", "critical")
    }
    zero, hour = timedelta(0), timedelta(hours=1)
    assert delays == {
        "warning": [zero, hour / 2, hour, hour],
        "critical": [zero, hour / 12, None, None],
    }
    assert [directory.steps(severity, None) for severity in ("warning", "critical", "info")] == [2, 2, 1]


def test_a_step_beyond_the_last_is_the_last(organization):
    one, two = channel(organization, "One", "slack"), channel(organization, "Two", "slack")
    policy(organization, "warning", {"channels": [one]}, {"channels": [two]})
    assert [told(organization, step=step) for step in (1, 2, 3)] == [[("One", "")], [("Two", "")], [("Two", "")]]


def test_a_directory_takes_as_many_queries_for_much_as_for_little(organization, django_assert_num_queries):
    def furnish(number):
        users = [member(organization, f"m{number}-{user}") for user in range(3)]
        slack = channel(organization, f"c{number}", "slack")
        step = {"on_call": [rota(organization, *users, name=f"r{number}")], "channels": [slack], "people": users}
        policy(organization, "warning", dict(step), dict(step), slos=[organization.slos.first()])

    furnish(0)
    with django_assert_num_queries(11):
        Directory.load(organization, now=NOON)
    for number in range(1, 5):
        furnish(number)
    with django_assert_num_queries(11):
        directory = Directory.load(organization, now=NOON)
    slos = list(organization.slos.all())
    with django_assert_num_queries(0):
        assert all(directory.targets("warning", slo, 2) for slo in slos)


def test_who_answers_for_an_objective_is_its_owner_else_who_is_on_call(organization):
    slo = the_slo(organization, slos_owner="ann")
    assert answerable(organization, slo, now=NOON) is None
    ben = member(organization, "ben")
    rota(organization, ben)
    assert answerable(organization, slo, now=NOON) == answerable(organization, None, now=NOON) == ben
    ann = member(organization, "ann")
    assert answerable(organization, slo, now=NOON) == ann
    assert recipients.answerable(firm("theirs"), None, now=NOON) is None


def test_nobody_gets_the_mail_of_another_by_a_user_name(organization):
    channel(organization, "Team", "email")
    ann = member(organization, "ann")
    member(organization, ann.email, email="zoe@firm.example")
    policy(organization, "warning", {"to_owner": True})
    assert told(organization, "warning", the_slo(organization, slos_owner=ann.email)) == [("Team", ann.email)]
