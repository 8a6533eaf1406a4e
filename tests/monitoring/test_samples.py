"""What is exposed of an organisation equals what everybody else reads of it."""

from uuid import uuid4

import pytest
import time_machine

from alerts.models import SLOAlert
from kpis.models import InvoiceMetric
from kpis.periods import LOOK_BACKS
from monitoring import samples
from monitoring.models import Exposed, Process
from slo_portal import tasks
from slos.models import EngineState, SLOSnapshot
from slos.status import SLOStatus
from tests.alerts.alerting import a_channel, an_alert, recover, tell, worsen
from tests.facts import at, exception, firm, invoice, slo
from tests.monitoring.scraping import labels_of, names, scrape, value

pytestmark = pytest.mark.django_db
READY = "Time-to-Ready Processing"


@pytest.fixture
def clock():
    with time_machine.travel(at(0), tick=False) as clock:
        yield clock


@pytest.fixture
def organization(clock):
    return firm()


def tick(organization, clock, minute):
    clock.move_to(at(minute))
    tasks.tick_organization(str(organization.pk))


def a_busy_day(organization, clock):
    for number in range(20):
        taken = number / 2
        invoice(
            organization,
            str(number),
            uploaded_at=number,
            ready_at=number + taken,
            completed_at=number + taken,
            processing_outcome="failed" if number % 5 == 0 else "succeeded",
            extracted_at=number,
            extraction_confidence="0.93",
            validated_at=number,
            structural_valid=True,
            math_valid=number % 4 > 0,
            now=at(30),
        )
    invoice(organization, "open", uploaded_at=1, now=at(30))
    exception(organization, "e", kind="price", severity="high", opened_at=1, now=at(30))
    tick(organization, clock, 31)


def test_every_name_of_the_contract_is_there_with_the_organisation_and_nothing_without(organization, clock):
    a_busy_day(organization, clock)
    Process.objects.create(component="web", place="here 1", memory_bytes=5, cpu_percent=1.5, seen_at=at(31))
    found = scrape()
    assert names(found) >= {
        "ap_intake_invoices_processed_total",
        "ap_intake_processing_duration_seconds_bucket",
        "ap_intake_extraction_confidence_bucket",
        "ap_intake_validation_results_total",
        "ap_intake_exceptions_total",
        "ap_intake_slo_achieved_percentage",
        "ap_intake_error_budget_consumed",
        "ap_intake_slo_alerts_total",
        "ap_intake_slo_events_total",
        "ap_intake_active_workflows",
        "ap_intake_memory_usage_bytes",
        "ap_intake_cpu_usage_percent",
    }
    assert all(labels["organization"] == "firm" for labels in labels_of(found))
    assert value(found, "ap_intake_memory_usage_bytes", component="web") == 5
    assert value(found, "ap_intake_cpu_usage_percent", component="web") == 1.5
    assert value(found, "ap_intake_invoices_processed_total", status="failed") == 4
    assert value(found, "ap_intake_validation_results_total", result="fail") == 5
    assert value(found, "ap_intake_exceptions_total", exception_type="price", severity="high") == 1
    assert value(found, "ap_intake_active_workflows") == 1
    assert value(found, "ap_intake_slo_events_total", slo_name=READY, outcome="good") == 11
    assert value(found, "ap_intake_slo_events_total", slo_name=READY, outcome="bad") == 10
    duration = {"step": "upload_ready"}
    assert value(found, "ap_intake_processing_duration_seconds_bucket", le="300.0", **duration) == 11
    assert value(found, "ap_intake_processing_duration_seconds_count", **duration) == 20
    assert value(found, "ap_intake_processing_duration_seconds_sum", **duration) == 60 * sum(range(20)) / 2


def test_ratios_equal_those_of_every_other_face(organization, clock):
    a_busy_day(organization, clock)
    ready = slo(organization, "time_to_ready")
    shown = SLOStatus(ready, SLOSnapshot.objects.get(slo=ready), at(31))
    found = scrape()
    achieved = value(found, "ap_intake_slo_achieved_percentage", slo_name=READY, period="daily")
    assert achieved == shown.achieved_percentage
    assert value(found, "ap_intake_error_budget_consumed", slo_name=READY) == shown.consumed_percentage
    sloth, name = scrape("?set=slo"), {"sloth_slo": "time-to-ready-processing"}
    assert value(sloth, "slo:objective:ratio", **name) == 0.95
    assert value(sloth, "slo:error_budget:ratio", **name) == 0.05
    assert value(sloth, "slo:time_period:days", **name) == 30
    for look_back in LOOK_BACKS:
        errors = value(sloth, f"slo:sli_error:ratio_rate{look_back}", sloth_window=look_back, **name)
        burn = shown.burn_rate(look_back)
        assert (errors is None) == (burn is None)
        assert errors is None or errors / 0.05 == pytest.approx(burn, abs=1e-4)
    assert value(sloth, "slo:sli_error:ratio_rate1h", **name) == pytest.approx(10 / 21, abs=1e-9)
    assert value(sloth, "slo:period_burn_rate:ratio", **name) == pytest.approx(10 / 21 / 0.05)
    assert value(sloth, "slo:period_error_budget_remaining:ratio", **name) == pytest.approx(1 - 10 / 21 / 0.05)


def test_what_nobody_knows_has_no_sample_and_what_may_be_none_is_zero(organization, clock):
    tick(organization, clock, 1)
    found = scrape()
    assert value(found, "ap_intake_slo_achieved_percentage", slo_name=READY) is None
    assert value(found, "ap_intake_slo_events_total", slo_name=READY, outcome="bad") == 0
    assert value(found, "ap_intake_invoices_processed_total", status="succeeded") == 0
    assert value(scrape("?set=slo"), "slo:current_burn_rate:ratio", sloth_slo="approval-latency") is None


def test_alerts_are_counted_when_they_open_and_when_they_worsen_and_never_twice(organization, clock):
    tick(organization, clock, 1)
    alert = an_alert(organization, now=at(2))
    tick(organization, clock, 2)
    tick(organization, clock, 2)
    worsen(alert, now=at(3))
    tick(organization, clock, 3)
    tick(organization, clock, 4)
    kind = {"slo_name": READY, "alert_type": "burn_rate_warning"}
    found = scrape()
    assert value(found, "ap_intake_slo_alerts_total", severity="warning", **kind) == 1
    assert value(found, "ap_intake_slo_alerts_total", severity="critical", **kind) == 1
    assert value(found, "ap_intake_open_alerts", severity="critical") in (0, 1)  # the tick may find it over
    SLOAlert.objects.all().delete()  # as the clean-up does after a year
    another = an_alert(organization, "approval_latency", now=at(5))
    tick(organization, clock, 5)
    found = scrape()
    assert value(found, "ap_intake_slo_alerts_total", severity="warning", **kind) == 1
    assert value(found, "ap_intake_slo_alerts_total", slo_name=another.slo.name) == 1


def test_how_alerting_is_doing_is_read_live(organization, clock):
    tick(organization, clock, 1)
    alert = an_alert(organization, now=at(2))
    tell(alert, a_channel(organization), now=at(2), state="waiting")
    clock.move_to(at(4))
    found = scrape()
    assert value(found, "ap_intake_open_alerts", severity="warning") == 1
    assert value(found, "ap_intake_notifications_waiting") >= 1
    assert value(found, "ap_intake_notification_lag_seconds") == 120
    assert value(found, "ap_intake_calculation_timestamp_seconds") == at(1).timestamp()
    recover(alert, now=at(4))
    assert value(scrape(), "ap_intake_open_alerts", severity="warning") == 0


def test_counters_go_on_through_corrections_voids_the_clean_up_and_another_limit(organization, clock):
    a_busy_day(organization, clock)
    before = scrape()
    for number in range(20):
        invoice(organization, str(number), processing_outcome="succeeded", voided_at=40, now=at(40))
    tick(organization, clock, 41)
    organization.slos.filter(sli_type="time_to_ready").update(target_value=1)
    tick(organization, clock, 42)
    InvoiceMetric.objects.all().delete()
    EngineState.objects.update(sealed_before=at(60 * 24))
    tick(organization, clock, 60 * 24 * 2)
    after = scrape()
    counted = {key for key in before if key[0].endswith(("_total", "_bucket", "_count", "_sum"))}
    assert len(counted) > 50
    assert {key for key in counted if after.get(key, -1) < before[key]} == set()


def test_two_objectives_whose_names_are_alike_are_told_apart(organization, clock):
    ready = slo(organization, "time_to_ready")
    for name in ("Ready!", "ready", "…"):
        ready.pk, ready._state.adding, ready.name = uuid4(), True, name
        ready.save()
    tick(organization, clock, 1)
    ids = {labels["sloth_slo"] for labels in labels_of(scrape("?set=slo"))}
    assert len(ids) == 10
    assert "time_to_ready" in ids
    assert len([name for name in ids if name.startswith("ready-")]) == 2


def test_an_edited_objective_shows_with_the_next_tick_and_a_deleted_one_within_a_minute(organization, clock):
    tick(organization, clock, 1)
    clock.move_to(at(2))
    ready = slo(organization, "time_to_ready")
    ready.target_percentage = 91
    ready.save()
    tick(organization, clock, 3)
    name = {"sloth_slo": "time-to-ready-processing"}
    assert value(scrape("?set=slo"), "slo:objective:ratio", **name) == 0.91
    ready.delete()
    tasks.system_figures()
    assert value(scrape("?set=slo"), "slo:objective:ratio", **name) is None


def test_what_cannot_be_put_into_words_stops_no_tick(organization, clock, monkeypatch):
    tick(organization, clock, 1)
    monkeypatch.setattr(samples, "LAST_EVENT", None)  # the database refuses to count without a name
    an_alert(organization, now=at(2))
    tick(organization, clock, 2)
    assert EngineState.objects.get().ticked_at == at(2)


def test_many_objectives_cost_no_more_statements_than_few(organization, clock, django_assert_num_queries):
    a_busy_day(organization, clock)
    with django_assert_num_queries(8):  # alone, objectives, snapshots, counters, active work, the text, a savepoint
        samples.refresh(organization, now=at(32))
    assert Exposed.objects.count() == 24
