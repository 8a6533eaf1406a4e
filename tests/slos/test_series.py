"""Series of KPIs and SLIs: closed local periods from the first event on, with the figures that trends show."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Organization
from kpis import rollups
from kpis import series as kpi_series
from kpis.changes import Kind, Scale, find
from kpis.periods import local_periods
from kpis.summary import Scope
from slos import series as sli_series
from slos.tick import tick
from tests.facts import NOON, firm, invoice, slo

DAY = 24 * 60
pytestmark = pytest.mark.django_db


def done(organization: Organization, name: str, uploaded_at: float, outcome: str = "succeeded", **fields: Any) -> None:
    times = {"uploaded_at": uploaded_at, "ready_at": uploaded_at + 2, "completed_at": uploaded_at + 10}
    invoice(organization, name, now=NOON, **{**times, "processing_outcome": outcome, **fields})


def counted(organization: Organization) -> None:
    assert tick(organization, now=NOON).ran
    batches = iter(range(100))
    while rollups.refresh(organization, now=NOON):
        next(batches)


def test_a_series_runs_from_the_first_event_to_the_last_closed_day() -> None:
    berlin = firm("berlin", time_zone="Europe/Berlin")
    berlin.refresh_from_db()
    for days in range(40):
        done(berlin, f"good {days}", -days * DAY)
        if days % 4 == 1:
            done(berlin, f"bad {days}", -days * DAY, "failed")
    counted(berlin)

    kpis = kpi_series.read(Scope(berlin, {}), "daily", now=NOON)
    success = kpis["processing_success_rate"]
    assert [one.value for one in success[-4:]] == [100, 100, 100, 50]  # yesterday is the last closed day
    assert (len(success), success[-1].events, success[-1].slot) == (39, 2, 0)  # 9 November 2026 was a Monday
    assert [one.value for one in kpis["total_invoices"][-4:]] == [1, 1, 1, 2]
    assert {one.value for one in kpis["average_processing_time_seconds"]} == {120}
    assert {one.value for one in kpis["average_approval_time_seconds"]} == {None}
    starts = {start for start, _ in local_periods("daily", NOON - timedelta(days=60), NOON, berlin.time_zone)}
    assert {one.at for one in success} < starts

    rate = slo(berlin, "processing_success_rate")
    idle = slo(berlin, "approval_latency")
    slis = sli_series.read(berlin, [rate, idle], "daily", now=NOON)
    assert [(one.at, one.value, one.events) for one in slis[rate.pk]] == [
        (one.at, one.value, one.events) for one in success
    ]
    assert {one.value for one in slis[idle.pk] if one.value is not None} <= {0}  # nothing is ever approved
    assert slis[idle.pk][0].at > success[0].at - timedelta(days=1)


def test_hours_have_their_place_in_the_week() -> None:
    organization = firm()
    for hour in range(24 * 9):
        done(organization, str(hour), -hour * 60 - 30)
    counted(organization)

    hours = kpi_series.read(Scope(organization, {}), "hourly", now=NOON)["total_invoices"]

    assert len(hours) == 24 * 9
    assert hours[-1].slot == 24 * 1 + 11  # Tuesday, from 11 o'clock
    assert hours[-1].slot == hours[-1 - 168].slot
    assert {one.value for one in hours} == {1}


def test_without_an_invoice_a_series_is_empty() -> None:
    organization = firm()
    counted(organization)

    assert set(map(len, kpi_series.read(Scope(organization, {}), "daily", now=NOON).values())) == {0}
    assert (
        sli_series.read(organization, list(organization.slos.all()), "daily", now=NOON)[organization.slos.first().pk]
        == []
    )


def test_a_change_is_found_in_what_is_stored() -> None:
    organization = firm()
    for days in range(1, 60):
        for n in range(10):
            done(organization, f"{days} {n}", -days * DAY - n, "failed" if days < 20 and n < 4 else "succeeded")
    counted(organization)

    series = kpi_series.read(Scope(organization, {}), "daily", now=NOON)["processing_success_rate"]
    (shift,) = find(series, Scale.RATE)

    assert (shift.kind, shift.start.date()) == (Kind.SHIFT, (NOON - timedelta(days=19)).date())
    assert (shift.before, shift.after) == (100, 60)
