"""Organisations and schedules in the admin: what is saved there is what beat does."""

import json
from datetime import UTC, datetime

import pytest
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from accounts.models import Organization
from slo_portal.celery import app
from tests.admin_world import address, errors, filled, text, world

BOOKS = {"fiscal_year_start": "4", "fiscal_weeks": "4-4-5"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    return world()  # not one that lasts: beat reads what is committed


@pytest.fixture
def root(house):
    return house.client("root")


def beat() -> DatabaseScheduler:
    """The schedule as a beat that starts now reads it."""
    return DatabaseScheduler(app, lazy=True)


def test_a_new_organization_gets_its_objectives_and_its_schedule(root):
    new = {"name": "Third", "slug": "third", "time_zone": "Asia/Kathmandu", "is_active": "on", **BOOKS}
    answer = root.post(address(Organization, "add"), new, follow=True)
    third = Organization.objects.get(slug="third")
    assert third.slos.count() == 7
    tasks = PeriodicTask.objects.filter(name__endswith=": third")
    meant = [json.loads(task.kwargs) for task in tasks]
    assert {one.get("period") for one in meant} == {"hourly", "daily", "weekly", None}
    assert {one.get("kind") for one in meant} == {"daily", "weekly", "monthly", None}
    assert "7 objectives" in text(answer)


def test_a_changed_organization_keeps_what_its_people_made_of_it(root, house):
    house.ours.slos.all().delete()
    sent = {"name": "Renamed", "slug": "other", "time_zone": "Europe/Berlin", "is_active": "on", **BOOKS}
    assert root.post(address(Organization, "change", house.ours.pk), sent).status_code == 302
    house.ours.refresh_from_db()
    assert (house.ours.name, house.ours.slug, house.ours.slos.count()) == ("Renamed", "ours", 0)


def test_an_organization_that_cannot_be_is_refused(root, house):
    cases = [("slug", "ours"), ("slug", "no spaces"), ("name", ""), ("time_zone", "Mars/Olympus"), ("slug", "x" * 64)]
    cases += [("fiscal_weeks", "4-4-4"), ("fiscal_year_start", "13")]
    for field, value in cases:
        new = {"name": "Third", "slug": "third", "time_zone": "UTC", "is_active": "on", **BOOKS, field: value}
        assert field in errors(root.post(address(Organization, "add"), new)), (field, value)
    assert Organization.objects.count() == 2


def test_only_a_superuser_switches_an_organization_off(house):
    client = house.client("admin")
    sent = {"name": "Ours too", "time_zone": "UTC", **BOOKS}
    assert client.post(address(Organization, "change", house.ours.pk), sent).status_code == 302
    house.ours.refresh_from_db()
    assert (house.ours.name, house.ours.is_active) == ("Ours too", True)


def test_times_are_those_of_the_organization_and_of_nobody_after(house):
    Organization.objects.filter(pk=house.ours.pk).update(time_zone="Asia/Kathmandu")
    assert "times in Asia/Kathmandu" in text(house.client("viewer").get("/admin/"))
    assert timezone.get_current_timezone_name() == "UTC"


@pytest.mark.django_db(transaction=True)
def test_an_edited_schedule_is_what_beat_reads(root):
    tick = PeriodicTask.objects.get(name="tick")
    assert beat().schedule["tick"].schedule.run_every.total_seconds() == 5
    minute = IntervalSchedule.objects.create(every=1, period="minutes")
    sent = {**filled(root, PeriodicTask, tick.pk), "interval": minute.pk}
    assert root.post(address(PeriodicTask, "change", tick.pk), sent).status_code == 302
    assert beat().schedule["tick"].schedule.run_every.total_seconds() == 60


@pytest.mark.django_db(transaction=True)
def test_a_running_beat_notices_an_edit_of_a_shared_interval(root):
    running = beat()
    for _ in range(2):  # the first look reads, the second remembers when
        assert running.schedule["tick"].schedule.run_every.total_seconds() == 5
    interval = PeriodicTask.objects.get(name="tick").interval
    page = text(root.get(address(IntervalSchedule, "change", interval.pk)))
    assert "tick" in page
    root.post(address(IntervalSchedule, "change", interval.pk), {"every": 30, "period": "seconds"})
    assert running.schedule["tick"].schedule.run_every.total_seconds() == 30


@pytest.mark.django_db(transaction=True)
def test_a_task_that_is_switched_off_is_not_done(root):
    tick = PeriodicTask.objects.get(name="tick")
    for action, there in (("switch_off", False), ("switch_on", True)):
        root.post(address(PeriodicTask, "changelist"), {"action": action, "_selected_action": [tick.pk]})
        assert ("tick" in beat().schedule) == there


def given(root, **changed):
    interval = IntervalSchedule.objects.first()
    sent = {"name": "extra", "task": "slo_portal.tasks.tick", "kwargs": "{}", "enabled": "on", "interval": interval.pk}
    return root.post(address(PeriodicTask, "add"), {**sent, **changed})


def test_one_of_our_tasks_can_be_scheduled(root):
    assert (
        given(
            root, task="slo_portal.tasks.measurement", kwargs='{"period": "daily", "organization": "ours"}'
        ).status_code
        == 302
    )
    assert PeriodicTask.objects.get(name="extra").task == "slo_portal.tasks.measurement"


REFUSED: list[tuple[dict, str, str]] = [
    ({"task": "celery.backend_cleanup"}, "task", "valid choice"),
    ({"task": "os.system"}, "task", "valid choice"),
    ({"task": "slo_portal.tasks.measurement"}, "kwargs", "missing a required argument"),
    ({"kwargs": '{"pk": 1}'}, "kwargs", "unexpected keyword"),
    ({"kwargs": "[]"}, "kwargs", "JSON object"),
    ({"kwargs": "{"}, "kwargs", "JSON object"),
    ({"kwargs": "[" * 90_000}, "kwargs", "JSON object"),
    (
        {"task": "slo_portal.tasks.measurement", "kwargs": '{"period": "yearly", "organization": "ours"}'},
        "kwargs",
        "hourly, daily, weekly",
    ),
    (
        {"task": "slo_portal.tasks.measurement", "kwargs": '{"period": "daily", "organization": "nobody"}'},
        "kwargs",
        "no organisation 'nobody'",
    ),
    (
        {"task": "slo_portal.tasks.measurement", "kwargs": '{"period": ["daily"], "organization": "ours"}'},
        "kwargs",
        "hourly, daily, weekly",
    ),
    ({"interval": ""}, "interval", "one of the two"),
    ({"name": "tick"}, "name", "already exists"),
]


def test_a_task_that_could_not_run_is_refused(root):
    for changed, field, says in REFUSED:
        assert says in errors(given(root, **changed))[field][0], changed
    assert not PeriodicTask.objects.filter(name="extra").exists()


def test_an_interval_and_a_crontab_together_are_refused(root):
    assert "one of the two" in errors(given(root, crontab=CrontabSchedule.objects.first().pk))["interval"][0]


CRONTABS: list[tuple[dict[str, str], bool]] = [
    ({}, True),
    ({"month_of_year": "2"}, False),  # 31 February
    ({"month_of_year": "3"}, True),
    ({"minute": "99"}, False),
    ({"minute": "*/0"}, False),
    ({"hour": "x"}, False),
    ({"timezone": "Mars/Olympus"}, False),
]


def test_a_crontab_must_come_some_day(root):
    monthly = {
        "minute": "7",
        "hour": "3",
        "day_of_month": "31",
        "month_of_year": "*",
        "day_of_week": "*",
        "timezone": "UTC",
    }
    for changed, fine in CRONTABS:
        answer = root.post(address(CrontabSchedule, "add"), {**monthly, **changed})
        assert answer.status_code == (302 if fine else 200), changed
    for crontab in CrontabSchedule.objects.filter(minute="7"):
        crontab.schedule.remaining_estimate(datetime(2026, 1, 1, tzinfo=UTC))


def test_an_interval_has_a_sensible_length(root):
    for every, period in [(0, "seconds"), (1, "microseconds"), (10**12, "days"), ("", "days"), (1, "eras")]:
        answer = root.post(address(IntervalSchedule, "add"), {"every": every, "period": period})
        assert answer.status_code == 200, (every, period)
    assert root.post(address(IntervalSchedule, "add"), {"every": 7, "period": "days"}).status_code == 302


def test_a_schedule_in_use_is_not_deleted(root):
    used = PeriodicTask.objects.get(name="tick").interval
    free = IntervalSchedule.objects.create(every=77, period="days")
    assert root.post(address(IntervalSchedule, "delete", used.pk), {"post": "yes"}).status_code == 403
    assert root.post(address(IntervalSchedule, "delete", free.pk), {"post": "yes"}).status_code == 302
    assert PeriodicTask.objects.filter(name="tick").exists()
