"""What is no longer kept goes, and no figure that is shown changes by it."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

import accounts.retention
from accounts.models import AuditEntry
from alerts.models import AlertEvent, SLOAlert
from kpis import rollups
from kpis.models import InvoiceException, InvoiceMetric, Rollup, SeenEvent, SystemMetric
from slo_portal import clean_up
from slos import history
from slos.measure import calculate, catch_up
from slos.models import Counter, EngineState, SLIBucket, SLIMeasurement, SLOSnapshot, TooLate
from slos.recount import rows_since
from slos.tick import tick
from tests.facts import NOON, at, exception, firm, invoice, slo

pytestmark = pytest.mark.django_db
DAY = 24 * 60  # minutes
PERIODS = ("hourly", "daily", "weekly")


@pytest.fixture
def ours():
    """A firm with an invoice every six hours for ten days, whose odd ones are slow and never completed."""
    ours = firm()
    for number in range(40):
        start = number * 360
        work = {"uploaded_at": start, "ready_at": start + (3 if number % 2 else 9), "approved_at": start + 60}
        invoice(ours, f"i-{number}", now=at(start + 60), vendor="Acme", **work)
        exception(
            ours, f"e-{number}", invoice_id=f"i-{number}", now=at(start + 30), opened_at=start, resolved_at=start + 30
        )
    counted(ours, 10 * DAY)
    return ours


def counted(organization: Any, minute: float) -> None:
    tick(organization, now=at(minute))
    for period in PERIODS:
        catch_up(organization, period, now=at(minute))
    while rollups.refresh(organization, now=at(minute), reach=rows_since):
        pass


def cleaned(organization: Any, minute: float, **how: Any) -> dict[str, int]:
    done = clean_up.of_organization(organization, now=at(minute), **how)
    return {name: number for name, number in done.items() if number}


def shown(organization: Any) -> dict[str, Any]:
    """Every stored figure."""
    kept = {
        SLIBucket: ("slo", "width", "start", "good", "total", "duration_us"),
        SLIMeasurement: ("slo", "period", "period_start", "good_events_count", "total_events_count"),
        SLOSnapshot: ("slo", "good", "total", "pending", "look_backs"),
        Rollup: ("width", "start", "figure", "key", "n", "total"),
        Counter: ("name", "labels", "value"),
    }
    return {
        model.__name__: sorted(map(str, model.objects.filter(organization=organization).values_list(*fields)))
        for model, fields in kept.items()
    }


def test_raw_rows_go_thirty_days_after_their_last_event_and_no_figure_changes(ours):
    counted(ours, 36 * DAY)
    before = shown(ours)
    assert len(before["SLIBucket"]) > 100
    assert cleaned(ours, 36 * DAY, dry_run=True) == cleaned(ours, 36 * DAY) == {"exceptions": 24, "invoices": 24}
    assert InvoiceMetric.objects.count() == InvoiceException.objects.count() == 16
    assert shown(ours) == before
    counted(ours, 36 * DAY)
    assert shown(ours) == before
    assert cleaned(ours, 36 * DAY) == {}


def test_nothing_is_sealed_while_nothing_is_old_so_that_a_history_can_still_be_imported(ours):
    assert cleaned(ours, 20 * DAY) == {}
    invoice(ours, "history", now=at(20 * DAY), uploaded_at=-500 * DAY, ready_at=-500 * DAY + 2)
    counted(ours, 20 * DAY)
    assert SLIBucket.objects.filter(start__lt=at(-499 * DAY)).exists()
    assert cleaned(ours, 29 * DAY) == {}  # it arrived nine days ago
    assert InvoiceMetric.objects.filter(invoice_id="history").exists()


def test_what_is_not_finished_or_belongs_to_what_is_not_stays(ours):
    invoice(ours, "open", now=at(0), uploaded_at=0, ready_at=2)
    invoice(ours, "asked", now=at(0), uploaded_at=0, ready_at=2, approved_at=4)
    exception(ours, "late", invoice_id="asked", now=at(35 * DAY), opened_at=34 * DAY)
    invoice(ours, "corrected", now=at(30 * DAY), uploaded_at=0, ready_at=2, approved_at=4)
    objective = slo(ours, "time_to_ready")
    objective.target_value, objective.target_unit = 30, "days"
    objective.save()
    invoice(ours, "pending", now=at(8 * DAY), uploaded_at=8 * DAY, rejected_at=8 * DAY + 5)
    counted(ours, 45 * DAY)
    assert cleaned(ours, 45 * DAY)["invoices"] == 40
    left = set(InvoiceMetric.objects.values_list("invoice_id", flat=True))
    assert left == {"open", "asked", "corrected", "pending"}
    assert cleaned(ours, 400 * DAY)["invoices"] == 4  # work that nobody has touched for a year


def test_what_comes_too_late_is_stored_and_listed_and_changes_no_figure(ours):
    counted(ours, 45 * DAY)
    cleaned(ours, 45 * DAY)
    before = shown(ours)
    invoice(ours, "late", now=at(46 * DAY), uploaded_at=2 * DAY + 7, ready_at=2 * DAY + 8)
    invoice(ours, "not too late", now=at(46 * DAY), uploaded_at=20 * DAY, ready_at=20 * DAY + 1)
    counted(ours, 46 * DAY)
    assert InvoiceMetric.objects.filter(invoice_id="late").exists()
    found = TooLate.objects.values_list("field", "start", "noticed_at")
    assert set(found) == {(name, at(2 * DAY + 5), at(46 * DAY)) for name in ("uploaded_at", "ready_at")}
    after = shown(ours)
    assert set(before["SLIBucket"]) < set(after["SLIBucket"])


def test_fine_sums_go_a_hundred_days_later_and_longer_ones_stay_as_they_are(ours):
    objective = slo(ours, "time_to_ready")
    for day in range(45, 150, 10):
        cleaned(ours, day * DAY)
    state = EngineState.objects.get(organization=ours)
    assert at(9 * DAY) < state.fine_since < at(150 * DAY)
    assert not SLIBucket.objects.filter(start__lt=state.fine_since, width__in=(5, 60)).exists()
    assert not SLIMeasurement.objects.filter(period="hourly", period_start__lt=state.fine_since).exists()
    days = SLIMeasurement.objects.filter(slo=objective, period="daily", total_events_count__gt=0)
    assert sum(days.values_list("total_events_count", flat=True)) == 40
    calculate(ours, "daily", at(-DAY), at(20 * DAY), now=at(150 * DAY))
    assert sum(days.values_list("total_events_count", flat=True)) == 40
    assert sum(SLIBucket.objects.filter(slo=objective, width=1440).values_list("total", flat=True)) == 40
    assert history.budget_left(ours, [objective], [at(12 * DAY + 7)])[objective.pk] == [-900.0]  # half of all are late


def test_figures_that_are_read_in_days_go_after_two_years(ours):
    for day in (45, 150, 700):
        cleaned(ours, day * DAY)
    assert SLIMeasurement.objects.filter(period="daily", total_events_count__gt=0).exists()
    assert Rollup.objects.exists()
    gone = cleaned(ours, 790 * DAY)
    assert gone.keys() == {"day sums", "daily and weekly measurements", "KPI sums"}
    assert not SLIMeasurement.objects.filter(total_events_count__gt=0).exists()


def test_counters_keep_counting(ours):
    def events() -> int:
        return sum(Counter.objects.filter(name="slo_events").values_list("value", flat=True))

    before = events()
    assert before > 40
    counted(ours, 45 * DAY)
    cleaned(ours, 45 * DAY)
    invoice(ours, "new", now=at(46 * DAY), uploaded_at=46 * DAY - 9, ready_at=46 * DAY - 8)
    counted(ours, 46 * DAY)
    assert events() == before + 1


def test_alerts_go_a_year_after_they_were_resolved_and_open_ones_never(ours):
    given = {"organization": ours, "alert_type": "stale_feed", "severity": "warning", "title": "t", "message": "m"}
    times = {"breached_at": at(0), "updated_at": at(0)}
    open_, old, young = (
        SLOAlert.objects.create(
            subject=name, resolved_at=resolved, resolution="better" if resolved else "", **given, **times
        )
        for name, resolved in (("a", None), ("b", at(10)), ("c", at(2 * DAY)))
    )
    SLOAlert.objects.update(created_at=at(0))
    AlertEvent.objects.create(organization=ours, alert=old, kind="resolved", at=at(10))
    assert cleaned(ours, 366 * DAY)["alerts"] == 1
    assert set(SLOAlert.objects.values_list("pk", flat=True)) == {open_.pk, young.pk}
    assert not AlertEvent.objects.filter(alert=old.pk).exists()


def test_readings_and_ids_of_events_go_after_thirty_days(ours):
    SystemMetric.objects.create(organization=ours, metric_name="queue", value=1, measured_at=at(0))
    SeenEvent.objects.create(organization=ours, source="s", event_id="1")
    SystemMetric.objects.update(created_at=at(0))
    SeenEvent.objects.update(received_at=at(0))
    assert not {"system figures", "event ids"} & cleaned(ours, 29 * DAY).keys()
    assert cleaned(ours, 31 * DAY).keys() >= {"system figures", "event ids"}


def test_the_audit_trail_is_forgotten_after_two_years_and_not_before(ours):
    entries = [
        AuditEntry(at=NOON - timedelta(days=days), action="signed_in", actor_name=str(days)) for days in (5000, 700)
    ]
    AuditEntry.objects.bulk_create(entries)
    assert accounts.retention.clean(now=NOON, dry_run=True)["audit entries"] == 1
    assert (
        accounts.retention.clean(now=NOON + timedelta(days=400))["audit entries"] == 1
    )  # the database's clock decides
    assert list(AuditEntry.objects.values_list("actor_name", flat=True)) == ["700"]


def test_others_are_left_alone(ours):
    other = firm("other")
    invoice(other, "theirs", now=at(0), uploaded_at=0, ready_at=2, approved_at=4)
    tick(other, now=at(5))
    cleaned(ours, 45 * DAY)
    assert InvoiceMetric.objects.filter(organization=other).exists()
    assert cleaned(other, 45 * DAY) == {"invoices": 1}


def test_the_command_says_what_it_would_delete_and_deletes_it(ours, capsys, time_machine):
    counted(ours, 45 * DAY)
    time_machine.move_to(at(45 * DAY))
    call_command("clean_up", "--dry-run")
    assert "firm: 40 exceptions, 40 invoices would be deleted" in capsys.readouterr().out
    assert InvoiceMetric.objects.count() == 40
    call_command("clean_up", "--organization", "firm")
    assert capsys.readouterr().out == "firm: 40 exceptions, 40 invoices deleted\n"
    assert InvoiceMetric.objects.count() == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM slos_seal")
        assert cursor.fetchone() == (1,)
