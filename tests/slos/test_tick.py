"""The tick: what it counts, when, and that it is all or nothing."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from kpis.models import DirtyBucket
from slos import jobs, measure
from slos.lock import wait_alone
from slos.models import EngineState, Job, SLIBucket, SLIMeasurement, SLODefinition, SLOSnapshot
from slos.status import overview
from slos.tick import tick
from tests.facts import at, exception, firm, invoice, slo

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parent.parent.parent


def counted(objective: SLODefinition) -> tuple[float, int, int]:
    """Good, total and pending events as everybody reads them."""
    row = SLOSnapshot.objects.get(slo=objective)
    return float(row.good), row.total, row.pending


def test_an_invoice_that_nobody_touches_becomes_late_by_itself():
    organization = firm()
    ready = slo(organization, "time_to_ready")
    invoice(organization, "stuck", uploaded_at=0, now=at(1))
    tick(organization, now=at(4))
    assert counted(ready) == (0, 0, 1)
    tick(organization, now=at(6))
    assert counted(ready) == (0, 1, 0)


def test_after_an_outage_one_tick_counts_all_that_time_has_decided():
    organization = firm()
    for n in range(20):
        invoice(organization, f"stuck-{n}", uploaded_at=17 * n, now=at(0))
    tick(organization, now=at(0))
    tick(organization, now=at(60 * 24 * 3))
    assert counted(slo(organization, "time_to_ready")) == (0, 20, 0)
    assert SLIBucket.objects.filter(slo__sli_type="time_to_ready", width=5).count() == 20


def test_a_late_message_takes_its_miss_back():
    organization = firm()
    invoice(organization, "slow", uploaded_at=0, now=at(1))
    tick(organization, now=at(30))
    assert counted(slo(organization, "time_to_ready")) == (0, 1, 0)
    invoice(organization, "slow", ready_at=4, now=at(31))
    tick(organization, now=at(32))
    assert counted(slo(organization, "time_to_ready")) == (1, 1, 0)


def test_another_limit_judges_all_invoices_anew():
    organization = firm()
    ready = slo(organization, "time_to_ready")
    invoice(organization, "a", uploaded_at=0, ready_at=8, now=at(10))
    invoice(organization, "b", uploaded_at=0, ready_at=30, now=at(40))
    tick(organization, now=at(60))
    assert counted(ready) == (0, 2, 0)
    ready.target_value = 10
    ready.save()
    tick(organization, now=at(61))
    assert counted(ready) == (1, 2, 0)


def test_another_target_judges_the_window_at_once_and_leaves_closed_measurements():
    organization = firm()
    ready = slo(organization, "time_to_ready")
    invoice(organization, "a", uploaded_at=-60 * 24, ready_at=-60 * 24 + 8, now=at(0))
    tick(organization, now=at(0))
    measure.calculate(organization, "daily", at(-60 * 24), at(0), now=at(0))
    ready.target_percentage = 80
    ready.save()
    tick(organization, now=at(1))
    measure.calculate(organization, "daily", at(-60 * 24), at(0), now=at(1))
    kept = SLIMeasurement.objects.filter(slo=ready, period="daily", total_events_count=1).get()
    assert kept.target_percentage == 95


def test_each_objective_has_its_own_share_of_the_budget_that_is_a_warning():
    organization = firm()
    ready = slo(organization, "time_to_ready")
    for n in range(100):
        invoice(organization, str(n), uploaded_at=-60 * 24 * 31, ready_at=-60 * 24 * 31 + 1, now=at(0))
        invoice(
            organization, f"now-{n}", uploaded_at=-60 * 24 * 5, ready_at=-60 * 24 * 5 + (9 if n < 3 else 1), now=at(0)
        )
    tick(organization, now=at(0))  # 3 of 5 allowed: 60 %
    said = {one.slo.pk: one.status for one in overview(organization, now=at(0)).slos}
    assert said[ready.pk] == "healthy"
    ready.alerting_threshold_percentage = 50
    ready.save()
    said = {one.slo.pk: one.status for one in overview(organization, now=at(0)).slos}
    assert said[ready.pk] == "warning"


def test_an_objective_that_was_off_is_counted_anew_when_it_comes_back():
    organization = firm()
    ready = slo(organization, "time_to_ready")
    SLODefinition.objects.filter(pk=ready.pk).update(is_active=False)
    invoice(organization, "a", uploaded_at=0, ready_at=1, now=at(2))
    tick(organization, now=at(3))
    assert not SLOSnapshot.objects.filter(slo=ready).exists()
    SLODefinition.objects.filter(pk=ready.pk).update(is_active=True)
    tick(organization, now=at(4))
    assert counted(ready) == (1, 1, 0)


def test_voiding_an_invoice_takes_its_exceptions_along_and_unvoiding_brings_them_back():
    organization = firm()
    resolution = slo(organization, "exception_resolution_time")
    exception(organization, "e", invoice_id="a", opened_at=0, resolved_at=5, now=at(6))
    tick(organization, now=at(7))
    assert counted(resolution) == (1, 1, 0)
    invoice(organization, "a", voided_at=8, now=at(8))
    tick(organization, now=at(9))
    assert counted(resolution) == (0, 0, 0)
    invoice(organization, "a", voided_at=None, now=at(10))
    tick(organization, now=at(11))
    assert counted(resolution) == (1, 1, 0)


def test_one_organisation_never_counts_the_other():
    ours, theirs = firm("ours"), firm("theirs")
    invoice(ours, "same-id", uploaded_at=0, ready_at=1, now=at(2))
    tick(ours, now=at(3))
    tick(theirs, now=at(3))
    assert counted(slo(ours, "time_to_ready")) == (1, 1, 0)
    assert counted(slo(theirs, "time_to_ready")) == (0, 0, 0)


def test_a_clock_that_goes_back_breaks_nothing():
    organization = firm()
    invoice(organization, "a", uploaded_at=0, ready_at=1, now=at(2))
    tick(organization, now=at(60))
    assert tick(organization, now=at(3)).ran
    tick(organization, now=at(61))
    assert counted(slo(organization, "time_to_ready")) == (1, 1, 0)


def test_a_quiet_tick_writes_no_figures():
    organization = firm()
    invoice(organization, "a", uploaded_at=0, ready_at=1, now=at(2))
    tick(organization, now=at(3))
    changed_at = EngineState.objects.get(organization=organization).figures_changed_at
    assert changed_at == at(3)
    tick(organization, now=at(3.5))
    state = EngineState.objects.get(organization=organization)
    assert (state.ticked_at, state.figures_changed_at) == (at(3.5), changed_at)


@pytest.mark.django_db(transaction=True)
def test_two_ticks_of_an_organisation_never_run_at_once_and_measurements_wait_for_one():
    organization = firm()
    invoice(organization, "a", uploaded_at=0, ready_at=1, now=at(2))
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            wait_alone(organization)
            entered.set()
            leave.wait(60)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait(60)
    assert not tick(organization, now=at(3)).ran
    assert DirtyBucket.objects.exists()  # its marks wait for the next tick

    def calculate() -> None:
        measure.calculate(organization, "daily", at(0), at(1), now=at(3))
        connection.close()

    measuring = threading.Thread(target=calculate)
    measuring.start()
    while not _somebody_waits() and measuring.is_alive():
        pass
    assert not SLIMeasurement.objects.exists()
    leave.set()
    holder.join(60)
    measuring.join(60)
    assert SLIMeasurement.objects.exists()
    assert tick(organization, now=at(3)).ran


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_a_tick_that_is_killed_leaves_nothing_half_done_and_the_next_one_does_it_all():
    organization = firm()
    invoice(organization, "a", uploaded_at=0, ready_at=1, now=at(2))
    done = _tick_elsewhere(organization.slug, "tick.before_commit=kill")
    assert done.returncode == -signal.SIGKILL  # the failpoint was met
    assert DirtyBucket.objects.exists()
    assert not SLIBucket.objects.exists()
    assert _tick_elsewhere(organization.slug, "").returncode == 0
    assert counted(slo(organization, "time_to_ready"))[:2] == (1, 1)
    assert not DirtyBucket.objects.exists()


def _tick_elsewhere(slug: str, failpoints: str) -> subprocess.CompletedProcess[bytes]:
    """A tick in a process of its own, on this test's database."""
    code = f"""
import django; django.setup()
from django.conf import settings
from datetime import datetime
from django.db import connections
connections["default"].settings_dict.update({_address()!r})
from accounts.models import Organization
from slos.status import overview
from slos.tick import tick
tick(Organization.objects.get(slug={slug!r}), now=datetime.fromisoformat({at(3).isoformat()!r}))
"""
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "FAILPOINTS": failpoints}
    return subprocess.run([sys.executable, "-c", code], env=env, cwd=ROOT, check=False)


def _address() -> dict[str, str]:
    return {name: connection.settings_dict[name] for name in ("HOST", "PORT", "USER", "PASSWORD", "NAME")}


def test_a_calculation_that_was_asked_for_twice_is_done_once():
    organization = firm()
    invoice(organization, "a", uploaded_at=0, ready_at=1, now=at(2))
    first = jobs.request(organization, "daily", at(-60), at(60), by=None)
    assert jobs.request(organization, "daily", at(-60), at(60), by=None) == first
    assert jobs.run_waiting(organization, now=at(3)) == 1
    first.refresh_from_db()
    assert first.state == Job.State.DONE
    assert SLIMeasurement.objects.filter(period="daily", total_events_count=1).count() == 1


def test_what_is_counted_as_a_whole_is_not_counted_bucket_by_bucket_as_well():
    organization = firm()
    for number in range(100):
        invoice(organization, str(number), now=at(100 * 60), uploaded_at=number * 60, ready_at=number * 60 + 1)
    with CaptureQueriesContext(connection) as first:
        tick(organization, now=at(100 * 60))
    assert len(first) < 100  # a statement for each bucket would be 200
    invoice(organization, "7", now=at(100 * 60), ready_at=7 * 60 + 9)
    tick(organization, now=at(100 * 60))
    bucket = SLIBucket.objects.get(slo=slo(organization, "time_to_ready"), width=5, start=at(7 * 60 + 5))
    assert (bucket.good, bucket.total) == (0, 1)
