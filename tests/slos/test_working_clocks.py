"""Limits that are read in working time: calendars, the objectives that keep them, and what a tick makes of it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Organization
from kpis.ingest import store_rows
from kpis.messages import INVOICE
from kpis.models import InvoiceMetric
from kpis.rows import INVOICES
from slos import behind, working
from slos.indicators import Count
from slos.models import SLIBucket, SLODefinition, WorkingCalendar
from slos.pending import pending
from slos.tick import tick
from slos.verdicts import verdicts
from tests.admin_world import member

OFFICE = "zone Europe/Berlin\nMon-Fri 08:30-17:30"
FRIDAY = datetime(2024, 5, 17, 14, 30, tzinfo=UTC)  # 16:30 in Berlin
HOUR, MICROSECOND = timedelta(hours=1), timedelta(microseconds=1)
MONDAY_DUE = datetime(2024, 5, 20, 7, 30, tzinfo=UTC)  # two working hours later: 9:30 on Monday


@pytest.fixture
def organization(db: None) -> Organization:
    return Organization.objects.create(name="Firm", slug="firm")


@pytest.fixture
def office(organization: Organization) -> WorkingCalendar:
    calendar = WorkingCalendar(organization=organization, name="Office")
    working.save(calendar, text=OFFICE)
    return calendar


@pytest.fixture
def approval(organization: Organization, office: WorkingCalendar) -> SLODefinition:
    return promised(organization)


def promised(organization: Organization, **fields: object) -> SLODefinition:
    given = {
        **{"name": "Approval", "sli_type": "approval_latency", "target_percentage": Decimal(90)},
        **{"target_value": Decimal(2), "target_unit": "hours", "measurement_periods": ["daily"]},
        **{"clock": "working", "calendar": "Office", **fields},
    }
    slo = SLODefinition(organization=organization, **given)
    slo.full_clean()
    slo.save()
    return slo


def approve(organization: Organization, number: str, ready: datetime, approved: datetime | None) -> None:
    row = {"invoice_id": number, "uploaded_at": ready, "ready_at": ready, "approved_at": approved}
    assert not store_rows(INVOICE, organization, [row], now=MONDAY_DUE).errors


def judged(slo: SLODefinition) -> dict[datetime, tuple[int, int]]:
    rows = SLIBucket.objects.filter(slo=slo, width=5, total__gt=0).order_by("start")
    return {row.start: (int(row.good), row.total) for row in rows}


def test_a_weekend_does_not_count_and_a_deadline_is_kept_to_the_microsecond(
    organization: Organization, approval: SLODefinition
) -> None:
    approve(organization, "in time", FRIDAY, MONDAY_DUE)
    approve(organization, "late", FRIDAY, MONDAY_DUE + MICROSECOND)
    approve(organization, "open", FRIDAY, None)
    approve(organization, "at closing time", FRIDAY - HOUR, FRIDAY + HOUR)
    tick(organization, now=MONDAY_DUE - MICROSECOND)
    assert judged(approval) == {FRIDAY + HOUR: (1, 1)}
    assert pending(organization, [Count.of(approval)], MONDAY_DUE - MICROSECOND) == {Count.of(approval): 3}
    tick(organization, now=MONDAY_DUE + HOUR)
    assert judged(approval) == {FRIDAY + HOUR: (1, 1), MONDAY_DUE: (1, 3)}
    bad = behind.page(approval, FRIDAY, MONDAY_DUE + HOUR, behind.Outcome.BAD, now=MONDAY_DUE + HOUR, limit=9)
    assert {(one.row.invoice_id, one.at) for one in bad} == {("late", MONDAY_DUE), ("open", MONDAY_DUE)}
    rows = list(InvoiceMetric.objects.order_by("invoice_id"))
    found = verdicts(INVOICES, organization, [approval], rows, now=MONDAY_DUE + HOUR)
    assert [found[row.pk][0].outcome for row in rows] == ["good", "good", "bad", "bad"]


def test_a_calendar_that_changes_counts_anew_what_its_objectives_have_counted(
    organization: Organization, approval: SLODefinition, office: WorkingCalendar
) -> None:
    approve(organization, "a", FRIDAY, FRIDAY + 4 * HOUR)
    tick(organization, now=MONDAY_DUE)
    assert judged(approval) == {FRIDAY + 4 * HOUR: (1, 1)}
    working.save(office, text="zone Europe/Berlin\nMon-Sun 00:00-24:00")
    tick(organization, now=MONDAY_DUE)
    assert judged(approval) == {FRIDAY + 2 * HOUR: (0, 1)}


def test_an_objective_follows_the_name_of_its_calendar_and_a_day_is_a_working_day(
    organization: Organization, approval: SLODefinition, office: WorkingCalendar
) -> None:
    working.save(office, name="Head office")
    approval.refresh_from_db()
    assert (approval.calendar, approval.limit_unit) == ("Head office", "working hours")
    approval.target_unit = "days"
    assert approval.limit_seconds == 2 * 9 * 3600


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"calendar": ""}, "Name the calendar"),
        ({"calendar": "Moon"}, "There is no calendar “Moon”"),
        (
            {"sli_type": "processing_success_rate", "target_unit": "percent"},
            "Only a timed SLI can be read on a working clock",
        ),
    ],
)
def test_a_working_clock_needs_a_calendar_and_a_limit(
    organization: Organization, office: WorkingCalendar, fields: dict[str, str], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        promised(organization, **fields)


def test_a_calendar_is_tried_before_it_is_saved_and_stays_while_a_clock_keeps_it(
    organization: Organization, approval: SLODefinition, office: WorkingCalendar
) -> None:
    client = Client()
    client.force_login(member(organization, "editor", Membership.Role.EDITOR))
    address = reverse("admin:slos_workingcalendar_change", args=[office.pk])
    half = f"{OFFICE}\nSat 09:00-12:00"
    tried = client.post(address, {"name": "Office", "text": half, "_preview": "1"}).content.decode()
    assert "Nothing is saved yet" in tried
    assert tried.count("09:00-12:00") >= 4
    assert WorkingCalendar.objects.get().text == OFFICE
    wrong = client.post(address, {"name": "Office", "text": f"{OFFICE}\nMon 09:00-12:00"}).content.decode()
    assert "Line 3: Mon has been named before" in wrong
    assert client.post(address, {"name": "Office", "text": half}).status_code == 302
    approval.refresh_from_db()
    assert approval.working_hours == WorkingCalendar.objects.get().text == half
    client.post(reverse("admin:slos_workingcalendar_delete", args=[office.pk]), {"post": "yes"})
    assert WorkingCalendar.objects.exists()
    approval.clock = "elapsed"
    approval.save()
    client.post(reverse("admin:slos_workingcalendar_delete", args=[office.pk]), {"post": "yes"})
    assert not WorkingCalendar.objects.exists()
