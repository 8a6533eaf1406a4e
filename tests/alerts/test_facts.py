"""What is gathered for an alert, from a small firm whose invoices of one vendor are late."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Organization
from alerts import words
from alerts.facts import gather
from alerts.kinds import AlertType, Severity
from alerts.known import Biggest, Facts
from alerts.rules import Verdict
from slos.behind import Looks
from slos.budget import Counts
from slos.measure import calculate
from slos.models import SLIMeasurement
from slos.tick import tick
from tests.facts import NOON, at, exception, firm, invoice, slo

pytestmark = pytest.mark.django_db
NOW = at(180)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def office() -> Organization:
    """60 invoices, a minute apart from noon on: those of Acme, every fourth, are late; two more wait at the end."""
    organization = firm(time_zone=ZoneInfo("Europe/Berlin"))
    for i in range(60):
        vendor, minutes = ("Acme", 30) if i % 4 == 0 else (("Bolt", "Core")[i % 2], 3)
        invoice(organization, f"i{i}", now=NOW, vendor=vendor, uploaded_at=i, ready_at=i + minutes)
    for i in range(2):
        invoice(organization, f"w{i}", now=NOW, uploaded_at=178 + i)
    tick(organization, now=NOW)
    return organization


def verdict(alert_type: AlertType, bad: int, total: int, look_back: timedelta, **fields: Any) -> Verdict:
    counts = Counts(Decimal(total - bad), total)
    return Verdict(alert_type, Severity.CRITICAL, look_back=look_back, counts=counts, **fields)


BURN = verdict(AlertType.BURN_RATE_WARNING, 15, 60, 6 * HOUR, value=Decimal(5), threshold=Decimal(2))


def of(office: Organization, found: Verdict, sli: str = "time_to_ready") -> Facts:
    return gather(office, slo(office, sli), found, now=NOW)


def test_all_that_is_known_is_gathered(office: Organization) -> None:
    facts = of(office, BURN)
    assert (facts.bad, facts.total, facts.since) == (15, 60, at(5))
    assert facts.biggest == Biggest("vendor", "Acme", Decimal(15), Decimal(15))
    assert (facts.due, facts.due_by) == (2, at(184))
    assert facts.allowed == 90  # 5 % of 60 a day, for 30 days
    assert (facts.left, facts.too_few) == (75, False)
    assert facts.runs_out_at == NOW + 30 * HOUR  # at 15 in 6 hours


def test_it_is_told_in_one_breath(office: Organization) -> None:
    assert words.title(of(office, BURN)) == "15 invoices late since 13:05 (Europe/Berlin): Time-to-Ready Processing"
    assert words.message(of(office, BURN)) == (
        "15 of 60 invoices in the last 6 hours were not ready within 5 minutes, the first at 13:05 (Europe/Berlin). "
        "That is 17 % of the allowance for 30 days, spent 5 times as fast as it may be; 75 of 90 are left, and at this "
        "pace they run out on Wednesday at about 22:00. All 15 are from Acme. 2 more fall due by 16:04."
    )


@pytest.mark.parametrize(
    ("found", "queries"),
    [(BURN, 5), (verdict(AlertType.ERROR_BUDGET_CONSUMED, 15, 60, 30 * DAY), 4)],
    ids=["burn rate", "budget"],
)
def test_it_takes_few_statements(
    office: Organization, django_assert_num_queries: DjangoAssertNumQueries, found: Verdict, queries: int
) -> None:
    objective = slo(office, "time_to_ready")
    with django_assert_num_queries(queries):
        gather(office, objective, found, now=NOW)


def test_alerts_of_one_tick_share_what_counts_the_same(
    office: Organization, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    objective, looks = slo(office, "time_to_ready"), Looks()
    first = gather(office, objective, BURN, now=NOW, looks=looks)
    with django_assert_num_queries(2):
        assert gather(office, objective, BURN, now=NOW, looks=looks) == first
    objective.target_value = Decimal(2)  # minutes: then all 60 are late
    other = gather(office, objective, BURN, now=NOW, looks=looks)
    assert (other.biggest, other.due_by) == (None, at(181))


@pytest.mark.parametrize(("most", "named"), [(59, False), (61, True)])
def test_when_too_many_events_have_been_looked_through_the_rest_stays_unsaid(
    office: Organization, most: int, named: bool
) -> None:
    objective, looks = slo(office, "time_to_ready"), Looks(most)
    assert gather(office, objective, BURN, now=NOW, looks=looks).biggest
    objective.target_value = Decimal(4)
    assert bool(gather(office, objective, BURN, now=NOW, looks=looks).biggest) is named


def test_a_budget_is_told_as_its_condition_saw_it(office: Organization) -> None:
    facts = of(office, verdict(AlertType.ERROR_BUDGET_CONSUMED, 10, 40, 30 * DAY))
    assert (facts.allowed, facts.left, facts.since) == (60, 50, None)
    assert facts.runs_out_at == NOW + 80 * HOUR  # at the 15 of the last day
    assert facts.biggest == Biggest("vendor", "Acme", Decimal(15), Decimal(15), DAY)


def test_what_lasts_until_the_window_ends_does_not_run_out(office: Organization) -> None:
    objective = slo(office, "time_to_ready")
    slow = verdict(AlertType.BURN_RATE_WARNING, 15, 60, 6 * DAY)
    assert of(office, slow).runs_out_at == NOW + 30 * DAY
    objective.window = "week"
    objective.save()
    tick(office, now=NOW)
    facts = of(office, slow)
    assert (facts.window, facts.left, facts.runs_out_at) == ("week", 6, NOW + 2.4 * DAY)
    assert of(office, verdict(AlertType.BURN_RATE_WARNING, 15, 60, 14 * DAY)).runs_out_at is None


def test_measurements_say_when_they_were(office: Organization) -> None:
    objective = slo(office, "time_to_ready")
    calculate(office, "hourly", NOON, at(60), now=NOW, slos=[objective])
    row = SLIMeasurement.objects.get(slo=objective, period="hourly")
    found = verdict(AlertType.CRITICAL_PERFORMANCE, 13, 57, HOUR, measurement=UUID(str(row.pk)))
    facts = of(office, found)
    assert (facts.start, facts.end, facts.since) == (NOON, at(60), None)
    assert facts.biggest is not None
    assert facts.biggest.of == row.total_events_count - row.good_events_count


def test_a_vendor_that_is_hardly_worse_than_the_others_is_not_named(office: Organization) -> None:
    for i in range(60):
        invoice(office, f"x{i}", now=NOW, vendor="Bolt" if i % 10 else "Acme", uploaded_at=i, ready_at=i + 50)
    tick(office, now=NOW)
    facts = of(office, BURN)
    assert facts.biggest is not None
    assert facts.biggest.value == "Bolt"
    for i in range(60):
        invoice(office, f"x{i}", now=NOW, vendor=("Acme", "Bolt", "Core")[i % 3])
    for i in range(60):
        invoice(office, f"i{i}", now=NOW, vendor=("Acme", "Bolt", "Core")[i % 3])
    assert of(office, BURN).biggest is None


def test_confidences_have_no_first_bad_one_and_nothing_falls_due(office: Organization) -> None:
    invoice(office, "i0", now=NOW, extracted_at=1, extraction_confidence="0.5")
    tick(office, now=NOW)
    facts = of(office, verdict(AlertType.BURN_RATE_WARNING, 1, 1, 6 * HOUR), "extraction_accuracy")
    assert (facts.since, facts.due, facts.limit, facts.allowed) == (None, None, "", Decimal("2.4"))
    assert facts.too_few


def test_exceptions_are_named_by_their_kind(office: Organization) -> None:
    for i in range(8):
        kind = "price" if i < 4 else "address"
        done = {} if i < 3 else {"resolved_at": i + 5}
        exception(office, f"e{i}", now=at(600), kind=kind, opened_at=i, **done)
    tick(office, now=at(600))
    objective = slo(office, "exception_resolution_time")
    found = verdict(AlertType.BURN_RATE_WARNING, 3, 8, DAY)
    assert gather(office, objective, found, now=at(600)).biggest == Biggest("kind", "price", Decimal(3), Decimal(3))


def test_before_the_first_figures_only_the_verdict_is_known() -> None:
    organization = firm()
    facts = of(organization, Verdict(AlertType.BURN_RATE_WARNING))
    assert (facts.bad, facts.allowed, facts.left, facts.since, facts.biggest) == (None,) * 5
    assert words.message(facts) == "Budget is spent too fast: Time-to-Ready Processing."
