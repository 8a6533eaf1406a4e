"""What the workers do, and that an operator's switches are obeyed."""

import threading
from copy import copy
from itertools import pairwise
from uuid import uuid4

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from accounts.models import Organization, User
from slo_portal import schedule, tasks
from slo_portal.celery import app
from slo_portal.reports.models import Report
from slos.models import SLIBucket, SLIMeasurement, SLODefinition
from tests.facts import at, firm, invoice, slo

pytestmark = pytest.mark.django_db


@pytest.fixture
def busy():
    """A firm with one invoice that was ready in time, a minute before now."""
    organization = firm()
    invoice(organization, "a", uploaded_at=0, ready_at=1, completed_at=1, processing_outcome="succeeded", now=at(2))
    with time_machine.travel(at(2), tick=False):
        yield organization


def test_bootstrap_may_run_again_and_again_and_overwrites_nothing(capsys):
    call_command("bootstrap")
    first = capsys.readouterr().out
    assert "admin, password" in first
    default = Organization.objects.get(slug="default")
    assert str(default.time_zone) == "UTC"
    assert default.slos.count() == 7
    default.slos.filter(sli_type="time_to_ready").update(target_percentage=91)
    PeriodicTask.objects.filter(name="tick").update(enabled=False)
    renamed = slo(default, "approval_latency")
    renamed.name = "Approvals"
    renamed.save()
    call_command("bootstrap")
    assert "password" not in capsys.readouterr().out
    assert default.slos.count() == 7
    assert slo(default, "time_to_ready").target_percentage == 91
    assert not PeriodicTask.objects.get(name="tick").enabled
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)  # the scheduler looks after its connection itself
def test_each_new_organisation_has_a_schedule_of_its_own_and_the_clock_reads_it():
    schedule.ensure()
    schedule.ensure_for(firm("one"))
    schedule.ensure_for(firm("two"))
    entries = DatabaseScheduler(app=app).schedule
    assert {"tick", "hourly measurement: one", "daily measurement: two", "weekly measurement: two"} <= set(entries)
    PeriodicTask.objects.get(name="daily measurement: two").delete()
    edited = PeriodicTask.objects.get(name="weekly measurement: two")
    edited.enabled = False
    edited.save()
    entries = DatabaseScheduler(app=app).schedule
    assert "tick" in entries
    assert not {"daily measurement: two", "weekly measurement: two"} & set(entries)


def test_every_scheduled_task_exists():
    schedule.ensure()
    schedule.ensure_for(firm())
    assert set(PeriodicTask.objects.exclude(name__startswith="celery.").values_list("task", flat=True)) <= set(
        app.tasks
    )


@pytest.mark.parametrize("period", ["hourly", "daily", "weekly"])
def test_a_measurement_is_written_unless_its_setting_is_off(busy, settings, period):
    setattr(settings, f"SLO_{period.upper()}_ENABLED", False)
    tasks.measurement(period, busy.slug)
    assert not SLIMeasurement.objects.exists()
    setattr(settings, f"SLO_{period.upper()}_ENABLED", True)
    tasks.measurement(period, busy.slug)
    written = SLIMeasurement.objects.filter(period=period)
    assert written.count() == SLODefinition.objects.measured(period).count() > 0


def test_a_report_is_made_once_when_its_day_is_over(busy, settings):
    settings.METRICS_ENABLED = False
    with time_machine.travel(at(60 * 19), tick=False):
        tasks.report("daily", busy.slug)
        assert not Report.objects.exists()
        settings.METRICS_ENABLED = True
        for _ in range(2):
            tasks.report("daily", busy.slug)
    report = Report.objects.get()
    assert report.content["kpis"]["volume"]["total_invoices"] == 1


def test_without_metrics_facts_are_stored_and_nothing_is_counted(busy, settings):
    settings.METRICS_ENABLED = False
    tasks.tick_organization(str(busy.pk))
    tasks.measurement("daily", busy.slug)
    assert not SLIBucket.objects.exists()
    assert not SLIMeasurement.objects.exists()
    settings.METRICS_ENABLED = True
    tasks.tick_organization(str(busy.pk))
    assert SLIBucket.objects.exists()


def test_an_organisation_that_is_switched_off_is_not_counted(busy):
    Organization.objects.update(is_active=False)
    tasks.tick_organization(str(busy.pk))
    assert not SLIBucket.objects.exists()


def test_a_task_that_was_down_for_days_catches_up(busy):
    tasks.measurement("daily", busy.slug)
    with time_machine.travel(at(60 * 24 * 5), tick=False):
        tasks.measurement("daily", busy.slug)
    days = SLIMeasurement.objects.filter(slo=slo(busy, "time_to_ready"), period="daily").order_by("period_start")
    assert [row.total_events_count for row in days] == [1, 0, 0, 0, 0, 0]
    assert [a.period_end == b.period_start for a, b in pairwise(days)] == [True] * 5


def test_history_that_is_imported_late_is_measured_where_it_has_events(busy):
    tasks.measurement("daily", busy.slug)
    old = -60 * 24 * 100
    invoice(busy, "old", uploaded_at=old, ready_at=old + 1, now=at(2))
    tasks.measurement("daily", busy.slug)
    rows = SLIMeasurement.objects.filter(slo=slo(busy, "time_to_ready"), period="daily", total_events_count=1)
    assert sorted(row.period_start.date() for row in rows) == [at(old).date(), at(0).date()]


def test_a_tick_of_many_objectives_takes_as_many_statements_as_one_of_few(busy):
    taken, originals = [], [slo(busy, "time_to_ready"), slo(busy, "approval_latency")]
    for k, more in enumerate((0, 0, 30)):
        for n in range(more):
            one = copy(originals[n % 2])
            one.pk, one.name = uuid4(), f"Copy {n}"
            one.save(force_insert=True)
        tasks.measurement("hourly", busy.slug)  # what is new is counted as a whole, once
        with time_machine.travel(at(20 + k), tick=False):
            invoice(busy, f"i{k}", uploaded_at=k, ready_at=k + 9, now=at(20 + k))
            with CaptureQueriesContext(connection) as seen:
                tasks.tick_organization(str(busy.pk))
        taken.append([query["sql"].split(maxsplit=1)[0] for query in seen.captured_queries])
    assert len(taken[1]) > 20
    assert taken[2] == taken[1]


@pytest.mark.django_db(transaction=True)
def test_two_clocks_that_fire_at_once_leave_one_row_for_each_period():
    organization = firm()
    invoice(organization, "a", uploaded_at=0, ready_at=1, now=at(2))
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for period in ("hourly", "daily", "weekly"):
                tasks.measurement(period, organization.slug)
                tasks.tick_organization(str(organization.pk))
        except BaseException as error:  # shown by the assertion below
            errors.append(error)
        finally:
            connection.close()

    with time_machine.travel(at(2), tick=False):
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert not errors
    rows = SLIMeasurement.objects.values_list("slo", "period", "period_start")
    assert len(rows) == len(set(rows)) == sum(len(one.measurement_periods) for one in organization.slos.all())
    assert set(
        SLIMeasurement.objects.filter(slo__sli_type="time_to_ready").values_list("total_events_count", flat=True)
    ) == {1}
