"""Periods and invoices that objectives leave out, and take back."""

import pytest

from kpis.periods import BUCKET
from slos import behind, effect, exclusions, measure
from slos.budget import Counts
from slos.models import Exclusion, SLIBucket, SLIMeasurement, SLODefinition, SLOSnapshot
from slos.tick import tick
from tests.facts import at, exception, firm, invoice, slo

pytestmark = pytest.mark.django_db
DAY = 60 * 24


@pytest.fixture
def organization():
    """Ten invoices, an hour apart: 3 of them, in the outage of 4 to 7, never became ready."""
    organization = firm()
    for n in range(10):
        late = {} if n in (4, 5, 6) else {"ready_at": 60 * n + 1, "vendor": "Acme"}
        invoice(organization, f"i{n}", uploaded_at=60 * n, now=at(0), **late)
    tick(organization, now=at(DAY))
    return organization


def exclude(organization, *slos, withdrawn=False, **fields) -> Exclusion:
    made = Exclusion.objects.create(organization=organization, category="supplier", reason="The scanner", **fields)
    made.slos.set(slos)
    exclusions.put_in_force(made)
    return made


def counted(objective: SLODefinition) -> tuple[float, int]:
    row = SLOSnapshot.objects.get(slo=objective)
    return float(row.good), row.total


def test_an_excluded_outage_leaves_every_figure_and_comes_back_when_withdrawn(organization):
    ready = slo(organization, "time_to_ready")
    measure.calculate(organization, "daily", at(-DAY), at(DAY), now=at(DAY))
    before = buckets()
    outage = exclude(organization, ready, start=at(4 * 60), end=at(7 * 60))
    tick(organization, now=at(DAY + 1))
    assert counted(ready) == (7, 7)
    good, total = SLOSnapshot.objects.get(slo=ready).look_backs["1d"]
    assert (float(good), total) == (7, 7)
    assert {row.counts for row in measured(ready) if row.total_events_count} == {Counts(7, 7)}
    assert behind.counts(ready, at(0), at(DAY), now=at(DAY + 1))[0] == Counts(7, 7)
    assert exclusions.withdraw(outage, by=None, now=at(DAY + 2))
    assert not exclusions.withdraw(outage, by=None, now=at(DAY + 2))
    tick(organization, now=at(DAY + 2))
    assert counted(ready) == (7, 10)
    assert buckets() == before
    assert sum(row.total_events_count for row in measured(ready)) == 10


def buckets() -> list[tuple]:
    names = ("slo", "width", "start", "good", "total", "duration_us", "duration_count")
    return list(SLIBucket.objects.order_by("slo", "width", "start").values_list(*names))


def measured(objective: SLODefinition):
    return SLIMeasurement.objects.filter(slo=objective)


def test_a_late_message_changes_an_excluded_bucket_and_is_seen_once_it_counts_again(organization):
    ready = slo(organization, "time_to_ready")
    outage = exclude(organization, start=at(4 * 60), end=at(7 * 60))
    invoice(organization, "i4", ready_at=60 * 4 + 2, now=at(DAY + 1))
    tick(organization, now=at(DAY + 1))
    assert counted(ready) == (7, 7)
    exclusions.withdraw(outage, by=None, now=at(DAY + 2))
    tick(organization, now=at(DAY + 2))
    assert counted(ready) == (8, 10)


def test_what_is_decided_in_a_future_period_never_counts_and_what_comes_after_does(organization):
    ready = slo(organization, "time_to_ready")
    exclude(organization, start=at(2 * DAY), end=at(2 * DAY + 60))
    for n in (0, 30, 90):
        invoice(organization, f"late-{n}", uploaded_at=2 * DAY + n, now=at(2 * DAY + n))
        tick(organization, now=at(2 * DAY + n + 10))
    assert counted(ready) == (7, 11)


def test_a_recurring_period_follows_the_wall_clock_and_overlapping_ones_leave_out_once(organization):
    organization.time_zone = "Europe/Berlin"
    organization.save()
    organization.refresh_from_db()
    weekly = exclude(organization, start=at(4 * 60), end=at(4 * 60 + 7), rrule="FREQ=WEEKLY;COUNT=30")
    periods = [(one.start, one.end) for one in weekly.periods.all()]
    assert periods[0] == (at(4 * 60), at(4 * 60 + 10)), "widened to whole buckets"
    assert periods[-1][0] == at(4 * 60 + 29 * 7 * DAY - 60), "an hour earlier in UTC, in summer"
    ready = slo(organization, "time_to_ready")
    whole = exclude(organization, ready, start=at(4 * 60), end=at(6 * 60))
    tick(organization, now=at(DAY + 1))
    assert counted(ready) == (7, 8)
    exclusions.withdraw(whole, by=None, now=at(DAY + 2))
    tick(organization, now=at(DAY + 2))
    assert counted(ready) == (7, 9)


def test_an_excluded_invoice_counts_nowhere_nor_do_its_exceptions(organization):
    ready, resolution = slo(organization, "time_to_ready"), slo(organization, "exception_resolution_time")
    exception(organization, "x", invoice_id="i4", opened_at=0, now=at(DAY))
    exception(organization, "y", opened_at=0, now=at(DAY))
    tick(organization, now=at(DAY))
    assert counted(resolution) == (0, 2)
    one = exclude(organization, invoice_id="i4")
    tick(organization, now=at(DAY + 1))
    assert (counted(ready), counted(resolution)) == ((7, 9), (0, 1))
    bad = behind.page(fresh(ready), at(0), at(DAY), behind.Outcome.BAD, now=at(DAY), limit=10)
    assert [event.row.invoice_id for event in bad] == ["i5", "i6"]
    exclusions.withdraw(one, by=None, now=at(DAY + 2))
    tick(organization, now=at(DAY + 2))
    assert (counted(ready), counted(resolution)) == ((7, 10), (0, 2))
    assert not fresh(ready).history.exclude(history_type="+").exists(), "the definition is the same"


def fresh(objective: SLODefinition) -> SLODefinition:
    return SLODefinition.objects.get(pk=objective.pk)


def test_an_invoice_may_be_left_out_of_one_objective_alone(organization):
    ready = slo(organization, "time_to_ready")
    twin = SLODefinition.objects.get(pk=ready.pk)
    twin.pk, twin.name, twin._state.adding = None, "Twin", True
    twin.save()
    exclude(organization, ready, invoice_id="i4")
    tick(organization, now=at(DAY + 1))
    assert (counted(ready), counted(twin)) == ((7, 9), (7, 10))


def test_a_new_objective_leaves_out_what_all_do(organization):
    exclude(organization, start=at(4 * 60), end=at(5 * 60))
    exclude(organization, invoice_id="i5")
    ready = slo(organization, "time_to_ready")
    tick(organization, now=at(DAY + 1))
    ready.target_value = 10
    ready.save()
    tick(organization, now=at(DAY + 2))
    assert counted(ready) == (7, 8)


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        ({}, "start", "Name the start and the end"),
        ({"start": at(0)}, "end", "Name the start and the end"),
        ({"start": at(5), "end": at(0)}, "end", "after the start"),
        ({"start": at(0), "end": at(200 * DAY)}, "end", "100 days"),
        ({"start": at(-120 * DAY), "end": at(-119 * DAY)}, "start", "only sums of days"),
        ({"start": at(0), "end": at(9), "rrule": "FREQ=HOURLY"}, "rrule", "FREQ is"),
        ({"start": at(0), "end": at(9), "invoice_id": "i1"}, "invoice_id", "not both"),
        ({"invoice_id": "unknown"}, "invoice_id", "There is no such invoice"),
    ],
)
def test_what_cannot_be_left_out_is_refused_with_a_way_out(organization, fields, field, says):
    made = Exclusion(organization=organization, category="other", reason="Because", **fields)
    assert says in exclusions.wrong(made, now=at(DAY))[field]
    assert exclusions.wrong(Exclusion(organization=organization, reason=" ", invoice_id="i1"), now=at(0)).keys() == {
        "reason"
    }


def test_neighbouring_periods_of_many_exclusions_become_one(organization):
    for n in range(20):
        start = at(4 * 60) + n * BUCKET
        exclude(organization, start=start, end=start + BUCKET, rrule="FREQ=DAILY;COUNT=300")
    found = exclusions.between(organization, at(0), at(400 * DAY))
    assert len(found.everyone) == 300
    assert found.everyone[0] == (at(4 * 60), at(4 * 60) + 20 * BUCKET)


def test_an_objective_is_told_once_why_it_leaves_something_out(organization):
    ready, recall, passed = (
        slo(organization, name) for name in ("time_to_ready", "duplicate_recall", "validation_pass_rate")
    )
    times = {"start": at(60), "end": at(120)}
    exclude(organization, ready, recall, **times)
    exclude(organization, passed, **times)
    exclude(organization, start=at(180), end=at(240))
    exclude(organization, ready, invoice_id="i1")
    tick(organization, now=at(DAY))
    ready.refresh_from_db()
    found = exclusions.of_objective(ready, at(0), at(DAY))
    told = [(one.slo, one.start, one.invoice_id) for one in found]
    assert told == [(ready.pk, at(60), ""), (None, at(180), ""), (ready.pk, None, "i1")]
    assert exclusions.of_objective(passed, at(0), at(60)) == []


def test_the_preview_says_what_then_comes_true_and_keeps_nothing(organization):
    ready = slo(organization, "time_to_ready")
    draft = Exclusion(organization=organization, category="other", reason="?", start=at(4 * 60), end=at(6 * 60))
    (found,) = effect.preview(draft, [ready], now=at(DAY + 1))
    assert found.said.startswith("2 bad and 0 good invoices less; achieved 70")
    assert not Exclusion.objects.exists()
    tick(organization, now=at(DAY + 1))
    assert counted(ready) == (7, 10)
    exclude(organization, ready, start=at(4 * 60), end=at(6 * 60))
    tick(organization, now=at(DAY + 1))
    assert counted(ready) == (float(found.after.snapshot.good), found.after.snapshot.total) == (7, 8)
