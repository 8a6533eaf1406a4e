"""Counters grow by what is new, and nothing lets them fall."""

import random
from decimal import Decimal

import pytest

from kpis.models import InvoiceException, InvoiceMetric
from slos import counters
from slos.hourly import CONFIDENCE, CONFIDENCES, DURATION, PROCESSED, RAISED, SECONDS, VALIDATED
from slos.models import Counter, EngineState, SLIBucket, SLODefinition, Tally
from slos.tick import tick
from tests.facts import at, exception, firm, invoice, slo

pytestmark = pytest.mark.django_db
DAY = 60 * 24


@pytest.fixture
def organization():
    return firm()


def grown(organization, name, *labels):
    return counters.values(organization)[name].get(labels, 0)


def events(organization, sli_type):
    """Good and bad, as counted."""
    name = slo(organization, sli_type).name
    return tuple(float(grown(organization, counters.EVENTS, name, outcome)) for outcome in ("good", "bad"))


def test_outcomes_and_checks_are_counted_when_they_are_told(organization):
    invoice(organization, "a", completed_at=1, processing_outcome="succeeded", now=at(2))
    invoice(
        organization,
        "b",
        completed_at=1,
        processing_outcome="failed",
        validated_at=1,
        structural_valid=True,
        math_valid=False,
        now=at(2),
    )
    invoice(organization, "c", validated_at=1, structural_valid=True, math_valid=True, now=at(2))
    tick(organization, now=at(2))
    found = counters.values(organization)
    assert found[PROCESSED] == {("succeeded",): 1, ("failed",): 1}
    assert found[VALIDATED] == {("pass",): 1, ("fail",): 1}


@pytest.mark.parametrize(("seconds", "edge"), [(300, 300), (300.000001, 600), (7200, 7200), (0, 10), (14400, 14400)])
def test_a_duration_that_equals_an_edge_is_within_it(organization, seconds, edge):
    invoice(organization, "a", uploaded_at=0, ready_at=seconds / 60, now=at(300))
    tick(organization, now=at(300))
    assert grown(organization, DURATION, "upload_ready", str(SECONDS.index(edge))) == 1
    assert float(grown(organization, DURATION, "upload_ready")) == pytest.approx(seconds, abs=1e-6)


def test_what_is_beyond_all_edges_is_counted_beyond_them(organization):
    invoice(organization, "a", ready_at=0, approved_at=5 * DAY, now=at(5 * DAY))
    tick(organization, now=at(5 * DAY))
    assert grown(organization, DURATION, "ready_approved", str(len(SECONDS))) == 1


def test_confidences_have_their_edges(organization):
    for number, confidence in enumerate(["0.9", "0.900001", "1", "0"]):
        invoice(organization, str(number), extracted_at=0, extraction_confidence=confidence, now=at(1))
    tick(organization, now=at(1))
    places = [CONFIDENCES.index(edge) for edge in (0.9, 0.92, 1, 0.5)]
    assert [grown(organization, CONFIDENCE, str(place)) for place in places] == [1, 1, 1, 1]
    assert grown(organization, CONFIDENCE) == Decimal("2.800001")


def test_a_message_that_is_told_again_counts_once(organization):
    for minute in (2, 3, 70):
        invoice(organization, "a", completed_at=1, processing_outcome="succeeded", vendor=f"v{minute}", now=at(minute))
        tick(organization, now=at(minute))
    assert grown(organization, PROCESSED, "succeeded") == 1


def test_corrections_and_voids_take_nothing_back_and_what_is_corrected_stays_where_it_was_first(organization):
    invoice(organization, "a", completed_at=1, processing_outcome="failed", now=at(2))
    tick(organization, now=at(2))
    invoice(organization, "a", processing_outcome="succeeded", now=at(3))
    tick(organization, now=at(3))
    assert counters.values(organization)[PROCESSED] == {("failed",): 1}
    assert events(organization, "processing_success_rate") == (0, 1)
    invoice(organization, "a", voided_at=4, now=at(4))
    tick(organization, now=at(4))
    assert counters.values(organization)[PROCESSED] == {("failed",): 1}
    assert events(organization, "processing_success_rate") == (0, 1)
    invoice(organization, "b", completed_at=5, processing_outcome="succeeded", now=at(6))
    tick(organization, now=at(6))
    assert events(organization, "processing_success_rate") == (1, 1)


def test_an_event_counts_as_it_was_first_decided(organization):
    invoice(organization, "slow", uploaded_at=0, now=at(1))
    tick(organization, now=at(30))
    assert events(organization, "time_to_ready") == (0, 1)
    invoice(organization, "slow", ready_at=4, now=at(31))  # it had been in time after all
    tick(organization, now=at(32))
    assert events(organization, "time_to_ready") == (0, 1)


def test_fractions_are_counted_exactly(organization):
    for number, confidence in enumerate(["0.90", "0.95", "0.99"]):
        invoice(organization, str(number), extracted_at=0, extraction_confidence=confidence, now=at(1))
    tick(organization, now=at(1))
    assert events(organization, "extraction_accuracy") == (2.84, 0.16)


def test_another_limit_counts_anew_and_its_counters_go_on(organization):
    for number in range(10):
        invoice(organization, str(number), uploaded_at=0, ready_at=number, now=at(20))
    tick(organization, now=at(20))
    assert events(organization, "time_to_ready") == (6, 4)
    SLODefinition.objects.filter(sli_type="time_to_ready").update(target_value=1)
    tick(organization, now=at(21))
    assert SLIBucket.objects.filter(slo__sli_type="time_to_ready", width=1440).get().good == 2
    assert events(organization, "time_to_ready") == (6, 4)
    invoice(organization, "new", uploaded_at=20, ready_at=20.5, now=at(22))
    tick(organization, now=at(22))
    assert events(organization, "time_to_ready") == (7, 4)


def test_a_new_objective_begins_with_what_the_rows_tell(organization):
    invoice(organization, "a", uploaded_at=0, ready_at=1, now=at(2))
    tick(organization, now=at(2))
    SLODefinition.objects.create(
        organization=organization,
        name="Another",
        sli_type="time_to_ready",
        target_percentage=90,
        target_value=9,
        target_unit="minutes",
        measurement_periods=["daily"],
    )
    tick(organization, now=at(3))
    assert grown(organization, counters.EVENTS, "Another", "good") == 1


def test_the_clean_up_of_old_rows_takes_nothing_back(organization):
    for number in range(5):
        invoice(organization, f"old-{number}", uploaded_at=0, completed_at=1, processing_outcome="failed", now=at(2))
    invoice(organization, "open", uploaded_at=0, now=at(2))
    tick(organization, now=at(2))
    before = counters.values(organization)
    InvoiceMetric.objects.filter(invoice_id__startswith="old").delete()
    EngineState.objects.update(sealed_before=at(20 * DAY))
    SLIBucket.objects.all().delete()
    now = 40 * DAY
    invoice(organization, "new", uploaded_at=now, completed_at=now, processing_outcome="failed", now=at(now))
    tick(organization, now=at(now))
    after = counters.values(organization)
    assert after[PROCESSED] == {("failed",): 6}
    assert all(after[name][labels] >= value for name in before for labels, value in before[name].items())
    assert not Tally.objects.filter(field="completed_at", start__lt=at(DAY)).exists()


def test_active_work_is_what_is_uploaded_and_not_ended(organization):
    for name in ("a", "b", "c", "d", "e"):
        invoice(organization, name, uploaded_at=0, now=at(1))
    invoice(organization, "never uploaded", ready_at=0, now=at(1))
    tick(organization, now=at(1))
    assert counters.active(organization) == 5
    invoice(organization, "a", completed_at=2, now=at(2))
    invoice(organization, "b", rejected_at=2, now=at(2))
    invoice(organization, "c", voided_at=2, now=at(2))
    tick(organization, now=at(2))
    assert counters.active(organization) == 2
    invoice(organization, "c", voided_at=None, now=at(3))
    tick(organization, now=at(3))
    assert counters.active(organization) == 3


def test_active_work_that_the_clean_up_takes_is_no_longer_active_a_day_later(organization):
    for name in ("a", "b"):
        invoice(organization, name, uploaded_at=0, now=at(1))
    tick(organization, now=at(1))
    InvoiceMetric.objects.filter(invoice_id="a").delete()
    EngineState.objects.update(sealed_before=at(20 * DAY))
    tick(organization, now=at(40 * DAY))
    assert counters.active(organization) == 1


def test_only_the_first_kinds_of_exceptions_have_series_of_their_own(organization):
    for number in range(40):
        kind = f"kind {min(number, 30):02}"  # the last one ten times
        exception(organization, str(number), kind=kind, severity="high", opened_at=0, now=at(1))
    exception(organization, "none", opened_at=0, now=at(1))
    tick(organization, now=at(1))
    first = counters.values(organization)[RAISED]
    assert len(first) == counters.MOST_KINDS + 2
    assert first["kind 30", "high"] == 10  # the most frequent ones are among them
    assert first["other", "high"] == 31 - counters.MOST_KINDS
    assert first["unknown", "unknown"] == 1
    exception(organization, "late", kind="kind 29", severity="s", opened_at=2, now=at(2))
    exception(organization, "known", kind="kind 00", severity="s", opened_at=2, now=at(2))
    tick(organization, now=at(2))
    second = counters.values(organization)[RAISED]
    assert second["other", "s"] == 1
    assert second["kind 00", "s"] == 1
    assert all(second[labels] >= value for labels, value in first.items())


def test_severities_are_bounded_too(organization):
    for number in range(50):
        exception(organization, str(number), kind="k", severity=f"s{number}", opened_at=0, now=at(1))
    tick(organization, now=at(1))
    assert len(counters.values(organization)[RAISED]) == counters.MOST_SEVERITIES + 1


def test_organisations_count_apart(organization):
    other = firm("other")
    invoice(organization, "a", uploaded_at=0, completed_at=1, processing_outcome="failed", now=at(2))
    tick(organization, now=at(2))
    tick(other, now=at(2))
    assert grown(organization, PROCESSED, "failed") == 1
    assert (grown(other, PROCESSED, "failed"), counters.active(other)) == (0, 0)


def test_whatever_happens_no_counter_falls_and_without_corrections_they_equal_the_rows(organization):
    told = random.Random(11)
    before: dict = {}
    for minute in range(1, 240, 7):
        for number in range(told.randrange(4)):
            name = f"{minute}-{number}" if told.random() < 0.7 else f"{told.randrange(1, 240, 7)}-0"
            taken = told.randrange(0, 30)
            fields = {
                "uploaded_at": minute - taken,
                "ready_at": minute,
                "completed_at": minute,
                "processing_outcome": told.choice(["succeeded", "failed"]),
                "voided_at": told.choice([None, None, None, minute]),
            }
            invoice(organization, name, now=at(minute), **fields)
        if told.random() < 0.2:
            limit = told.choice([1, 5, 20])
            SLODefinition.objects.filter(sli_type="time_to_ready").update(target_value=limit)
        tick(organization, now=at(minute))
        after = counters.values(organization)
        assert all(after[name][labels] >= value for name in before for labels, value in before[name].items())
        before = after
    assert before[PROCESSED].keys() == {("succeeded",), ("failed",)}


def test_many_invoices_are_counted_with_few_statements(organization, django_assert_max_num_queries):
    for number in range(60):
        invoice(organization, str(number), uploaded_at=number, ready_at=number + 1, now=at(61))
    assert InvoiceException.objects.count() == 0
    marks = [("uploaded_at", at(number)) for number in range(60)] + [("ready_at", at(number)) for number in range(61)]
    with django_assert_max_num_queries(6):
        counters.count_facts(organization, marks, since=None, now=at(61), last=None)
    assert Counter.objects.filter(organization=organization, name=DURATION).exists()
