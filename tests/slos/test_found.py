"""What has changed in the series of KPIs and SLIs: found once, kept up to date, with what changed with it."""

from datetime import datetime, timedelta

import pytest
import time_machine
from django.test import Client

from accounts.models import Membership, Organization, User
from kpis import ingest, rollups
from kpis.messages import INVOICE
from kpis.models import SeriesChange
from kpis.params import Span
from slo_portal.reports import mail, writing
from slos import found
from slos.tick import tick
from tests.calling import a_caller, data
from tests.facts import NOON, firm, slo

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
BROKE = NOON - 12 * DAY


def play(organization: Organization, first: int, last: int, *, now: datetime, failing: int = 3) -> None:
    """Ten invoices a day; since BROKE nearly all of one vendor fail."""
    rows = []
    for days in range(first, last):
        for n in range(10):
            at = NOON - days * DAY + timedelta(minutes=n)
            broken = at >= BROKE and n < failing
            rows.append(
                {
                    "invoice_id": f"{days} {n}",
                    "vendor": "Acme" if n < 4 else "Globex",
                    "uploaded_at": at,
                    "completed_at": at + timedelta(minutes=10),
                    "processing_outcome": "failed" if broken else "succeeded",
                }
            )
    ingest.store_rows(INVOICE, organization, rows, now=now)
    count(organization, now)


def count(organization: Organization, now: datetime) -> None:
    assert tick(organization, now=now).ran
    while rollups.refresh(organization, now=now):
        pass


@pytest.fixture
def broken() -> Organization:
    organization = firm()
    play(organization, 1, 45, now=NOON)
    assert found.look(organization, "daily", now=NOON)
    return organization


def rows(organization: Organization, series: str) -> list[SeriesChange]:
    return list(SeriesChange.objects.filter(organization=organization, series=series))


def test_a_regression_is_found_in_kpi_and_objective_with_what_changed_with_it(broken: Organization) -> None:
    rate = slo(broken, "processing_success_rate")
    for series in ("processing_success_rate", str(rate.pk)):
        (row,) = rows(broken, series)
        assert (row.kind, row.before, row.after, row.worse) == ("shift", 100, 70, True)
        assert (row.start.date(), row.end) == (BROKE.date(), None)
        assert (row.cause["field"], row.cause["value"], row.cause["share"]) == ("vendor", "Acme", 100)
    assert rows(broken, "total_invoices") == []  # as many as ever


def test_it_is_found_once_updated_and_ended(broken: Organization) -> None:
    assert not found.look(broken, "daily", now=NOON)
    later = NOON + 12 * DAY
    play(broken, -11, 0, now=later, failing=0)
    assert found.look(broken, "daily", now=later)

    fell, rose = sorted(rows(broken, "processing_success_rate"), key=lambda row: row.start)
    assert (fell.found_at, fell.seen_at, fell.end) == (NOON, later, rose.start)
    assert (rose.after, rose.worse, rose.end) == (100, False, None)


def test_what_is_no_longer_found_is_taken_back_after_some_days(broken: Organization) -> None:
    broken.refresh_from_db()
    SeriesChange.objects.filter(organization=broken).update(start=NOON - 30 * DAY)  # nothing has changed there
    for days, left in ((1, 2), (4, 1)):
        assert found.look(broken, "daily", now=NOON + days * DAY)
        assert len(rows(broken, "processing_success_rate")) == left


def test_the_page_says_what_changed(broken: Organization) -> None:
    viewer = User.objects.create_user("viewer")
    Membership.objects.create(user=viewer, organization=broken, role="viewer")
    client = Client()
    client.force_login(viewer)
    span = f"range=custom&start={(NOON - 30 * DAY):%Y-%m-%dT%H:%M:%SZ}&end={NOON:%Y-%m-%dT%H:%M:%SZ}"

    page = client.get(f"/kpis/changes/?{span}").content.decode()
    assert "went from 100.0\N{NO-BREAK SPACE}% to 70.0\N{NO-BREAK SPACE}% on 29 Oct 2026" in page
    assert "Processing Success Rate" in page
    assert "100\N{NO-BREAK SPACE}% of it comes with the vendor “Acme”" in page
    assert '"text": "worse"' in client.get(f"/kpis/?{span}").content.decode()
    objective = client.get(f"/slo/{slo(broken, 'processing_success_rate').pk}/?{span}").content.decode()
    assert '"text": "worse"' in objective
    with time_machine.travel(NOON, tick=False):
        objective = client.get(f"/slo/{slo(broken, 'processing_success_rate').pk}/?range=30d").content.decode()
    assert "Expected for 10 Dec: nothing left" in objective
    assert '"name": "likely range"' in objective


def test_the_api_says_of_an_objective_what_changed_and_where_its_budget_goes(broken: Organization) -> None:
    caller, rate = a_caller(broken), slo(broken, "processing_success_rate")
    path = f"slos/{rate.pk}/measurements?start_date={BROKE.date() - 7 * DAY}&end_date={NOON.date()}"
    with time_machine.travel(NOON, tick=False):
        assert data(caller.get(path))["forecast"] is None  # hours have not been looked through yet
        assert found.look(broken, "hourly", now=NOON)
        told = data(caller.get(path))
        [entry] = [one for one in data(caller.get("slos/dashboard"))["slos"] if one["id"] == str(rate.pk)]
        part = data(caller.get("slos/dashboard?vendor=Acme"))["slos"]
    (fell,) = told["changes"]
    assert (fell["series"], fell["before"], fell["after"], fell["cause"]["value"]) == (str(rate.pk), 100, 70, "Acme")
    assert entry["forecast"] == told["forecast"]
    assert entry["forecast"]["said"].startswith("Expected for 10 Dec: nothing left")
    assert entry["forecast"]["left_percentage_low"] < entry["forecast"]["left_percentage_high"]
    assert {one["forecast"] for one in part} == {None}


def test_api_and_report_say_it_too_with_the_next_step(broken: Organization) -> None:
    caller = a_caller(broken)
    found = data(caller.get(f"kpis/summary?start_date={BROKE.date() - 7 * DAY}&end_date={NOON.date()}"))["changes"]
    (fell,) = [one for one in found if one["series"] == "processing_success_rate"]
    assert (fell["before"], fell["after"], fell["worse"], fell["cause"]["value"]) == (100, 70, True, "Acme")
    filtered = data(caller.get(f"kpis/summary?start_date={BROKE.date()}&end_date={NOON.date()}&vendor=Acme"))
    assert filtered["changes"] == []

    report = writing.write(broken, Span(BROKE - 7 * DAY, NOON), {}, by=None, now=NOON)
    told = {one["name"]: one for one in data(caller.get(f"reports/{report.pk}"))["content"]["regressions"]}
    assert told["Processing Success Rate"]["why"] == fell_with("Acme")
    assert told["Succeeded"]["next_step"].startswith("Next step: read the error of three failed invoices")
    assert fell_with("Acme") in mail.of(report).text
    (one,) = [one for one in report.content["objectives"] if one["name"] == "Processing Success Rate"]
    assert one["forecast"]["said"].startswith("Expected for 10 Dec: nothing left")
    assert one["forecast"]["left_percentage"] < 0


def fell_with(vendor: str) -> str:
    return f"100\N{NO-BREAK SPACE}% of it comes with the vendor “{vendor}”."
