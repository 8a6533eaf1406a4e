"""What is silent when, and which silences are refused."""

from datetime import timedelta

import pytest

from accounts.models import Membership, User
from alerts import silences
from alerts.models import Silence
from tests.facts import NOON, at, firm

pytestmark = pytest.mark.django_db


def owner(organization):
    user = User.objects.create_user("olga")
    Membership.objects.create(user=user, organization=organization, role="operator")
    return user


def silence(organization, *slos, **fields):
    given = {"reason": "Release", "start": at(-60), "end": at(60), **fields}
    made = Silence.objects.create(organization=organization, **given)
    made.slos.set(slos)
    return made


@pytest.mark.parametrize(("minutes", "silent"), [(-61, False), (-60, True), (0, True), (59, True), (60, False)])
def test_a_silence_holds_from_its_start_up_to_its_end(minutes, silent):
    organization = firm()
    made = silence(organization)
    assert silences.active(organization, now=at(minutes)).of(None) == (made if silent else None)


def test_a_silence_of_named_objectives_is_for_them_alone():
    organization = firm()
    one, other, *_ = organization.slos.all()
    made = silence(organization, one)
    found = silences.active(organization, now=NOON)
    assert [found.of(one.pk), found.of(other.pk), found.of(None)] == [made, None, None]


def test_a_silence_of_everything_is_for_every_objective_and_for_what_has_none():
    organization = firm()
    slo = organization.slos.first()
    silence(organization, slo)
    made = silence(organization)
    found = silences.active(organization, now=NOON)
    assert [found.of(slo.pk), found.of(None)] == [made, made]


def test_a_silence_is_of_its_organisation_alone():
    ours, theirs = firm("ours"), firm("theirs")
    silence(theirs)
    assert silences.active(ours, now=NOON).of(None) is None
    assert silences.active(theirs, now=NOON).of(None)


def test_what_is_silent_is_one_query(django_assert_num_queries):
    organization = firm()
    for slo in organization.slos.all():
        silence(organization, slo, rrule="FREQ=DAILY;COUNT=100")
    with django_assert_num_queries(1):
        found = silences.active(organization, now=NOON)
    assert len(found.slos) == 7


def test_a_silence_that_somebody_ended_is_over_and_says_who():
    organization = firm()
    user, made = owner(organization), silence(organization, rrule="FREQ=DAILY;COUNT=5")
    assert silences.coming(made, now=NOON)
    assert silences.end_now(made, by=user, now=NOON) is True
    assert silences.active(organization, now=at(1)).of(None) is None
    assert silences.coming(made, now=NOON) == []
    assert (made.ended_at, made.ended_by) == (NOON, user)
    assert silences.end_now(made, by=None, now=at(5)) is False
    assert (made.ended_at, made.ended_by) == (NOON, user)


@pytest.mark.parametrize(
    ("days", "minutes", "silent"),
    [(0, 0, True), (6, 0, False), (7, 0, True), (7, 60, False), (7, -61, False), (14, 0, True), (21, 0, False)],
)
def test_a_recurring_silence_holds_at_each_of_its_dates(days, minutes, silent):
    organization = firm()
    silence(organization, rrule="FREQ=WEEKLY;COUNT=3")
    found = silences.active(organization, now=at(minutes) + timedelta(days=days)).of(None)
    assert bool(found) == silent


def test_a_recurring_silence_keeps_its_time_on_the_wall_clock():
    organization = firm(time_zone="Europe/Berlin")
    organization.refresh_from_db()
    start = at(0) - timedelta(days=21)  # 14:00 in summer time: 12:00 UTC; from 25 October 13:00 UTC
    silence(organization, start=start, end=start + timedelta(hours=1), rrule="FREQ=DAILY;COUNT=30")
    assert silences.active(organization, now=start + timedelta(days=1)).of(None)
    assert silences.active(organization, now=NOON).of(None) is None
    assert silences.active(organization, now=at(60)).of(None)


def test_a_recurrence_that_cannot_be_read_silences_nobody_and_stops_nothing():
    organization = firm()
    silence(organization, rrule="FREQ=SECONDLY")
    assert silences.active(organization, now=NOON).of(None) is None
    made = silence(organization)
    assert silences.active(organization, now=NOON).of(None) == made


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, {}),
        ({"reason": " "}, {"reason": "Say why"}),
        ({"owner": None}, {"owner": "Name somebody"}),
        ({"end": at(-60)}, {"end": "after the start"}),
        ({"end": at(-61)}, {"end": "after the start"}),
        ({"end": at(7 * 24 * 60 - 60)}, {}),
        ({"end": at(7 * 24 * 60 - 59)}, {"end": "7 days at most"}),
        ({"start": None}, {}),  # the form refuses it
        ({"rrule": "FREQ=DAILY;COUNT=3"}, {}),
        ({"rrule": "FREQ=DAILY"}, {"rrule": "never end"}),
    ],
)
def test_a_silence_needs_a_reason_an_owner_and_an_end(fields, wrong):
    organization = firm()
    given = {"owner": owner(organization), "reason": "Release", "start": at(-60), "end": at(60), **fields}
    found = silences.wrong(Silence(organization=organization, **given))
    assert found.keys() == wrong.keys()
    assert all(part in found[field] for field, part in wrong.items())


def test_a_preview_names_the_next_dates():
    organization = firm()
    made = silence(organization, rrule="FREQ=DAILY;COUNT=9")
    days = [timedelta(days=day) for day in range(1, 4)]
    assert silences.coming(made, now=at(60), most=3) == [(at(-60) + day, at(60) + day) for day in days]
    assert silences.coming(made, now=at(59), most=1) == [(at(-60), at(60))]
    assert silences.coming(silence(organization), now=NOON) == [(at(-60), at(60))]
