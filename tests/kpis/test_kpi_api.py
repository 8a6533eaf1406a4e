"""GET /kpis/summary and /metrics/invoice-trends: the fields that clients read, ranges, filters and comparisons."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from accounts.models import Organization
from kpis import rollups, summary
from slos.buckets import take_marks
from slos.models import EngineState
from tests.calling import Caller, a_caller, an_organization, data
from tests.facts import NOON, at, exception, invoice

DAY = 24 * 60
SUMMARY, TRENDS = "kpis/summary", "metrics/invoice-trends"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def api() -> Caller:
    return a_caller()


def done(organization: Organization, name: str, uploaded_at: float, outcome: str = "succeeded", **fields: Any) -> None:
    """An invoice that was ready two minutes after its upload, and completed after ten."""
    times = {"uploaded_at": uploaded_at, "ready_at": uploaded_at + 2, "completed_at": uploaded_at + 10}
    invoice(organization, name, now=NOON, **{**times, "processing_outcome": outcome, **fields})


def counted(organization: Organization) -> None:
    rollups.note(organization, take_marks(organization))
    rollups.refresh(organization, now=NOON)


def test_a_summary_has_the_fields_that_clients_read(api: Caller) -> None:
    firm = api.organization
    done(firm, "good", -60, extraction_confidence=0.9, extracted_at=-59, amount=12.5, currency="EUR")
    done(firm, "bad", -DAY, "failed", extraction_confidence=0.8, extracted_at=-DAY, retry_count=2)
    invoice(firm, "open", now=NOON, uploaded_at=-2 * DAY)
    exception(firm, "E", now=NOON, invoice_id="bad", kind="price")
    counted(firm)

    found = data(api.get(SUMMARY))

    assert found["period"] == {"start_date": "2026-11-03T12:00:00Z", "end_date": "2026-11-10T12:00:00Z", "days": 7}
    volume = found["volume"]
    assert (volume["total_invoices"], volume["successful_invoices"], volume["invoices_with_exceptions"]) == (3, 1, 1)
    assert (volume["undecided_invoices"], volume["retries"]) == (1, 2)
    performance = found["performance"]
    assert performance["processing_success_rate"] == 50
    assert performance["exception_rate"] == 33.3333
    assert performance["average_processing_time_seconds"] == 120
    assert performance["average_processing_time_minutes"] == 2
    assert performance["average_extraction_confidence"] == 0.85
    assert found["summary"] == {
        "daily_average_invoices": 0.4286,
        "success_rate_grade": "D",
        "performance_trend": None,
    }
    assert found["straight_through_rate"] == 50
    assert found["percentiles"]["cycle_time_seconds"]["p95"] == pytest.approx(600, rel=0.01)
    assert found["exceptions"] == [{"kind": "price", "invoices": 1, "exceptions": 1, "rate": 33.3333}]
    assert found["amounts"] == [{"currency": "EUR", "invoices": 1, "total": 12.5}]
    assert found["backlog"]["open_invoices"] == 2
    assert (found["backlog"]["oldest_age_seconds"], found["backlog"]["median_age_seconds"]) == (172_800, 172_800)
    assert found["backlog"]["by_age"][:3] == [
        {"under_days": 1, "invoices": 1},
        {"under_days": 3, "invoices": 1},
        {"under_days": 7, "invoices": 0},
    ]
    assert found["data_through"] == "2026-11-10T12:00:00Z"
    assert "counted_since" not in found


def test_without_data_everything_is_unknown_and_no_number_is_made_up(api: Caller) -> None:
    found = data(api.get(SUMMARY))

    assert set(found["performance"].values()) == {None}
    assert found["volume"]["total_invoices"] == 0
    assert found["summary"]["success_rate_grade"] is None
    assert found["summary"]["performance_trend"] is None
    assert found["straight_through_rate"] is None
    assert found["percentiles"]["processing_time_seconds"]["p50"] is None
    assert found["backlog"]["oldest_uploaded_at"] is None
    assert found["comparison"]["previous"]["figures"]["total_invoices"] == {
        "before": 0,
        "change": 0,
        "change_percentage": None,
    }
    trends = data(api.get(TRENDS))
    assert {row["success_rate"] for row in trends["volume_trends"]} == {None}
    assert {row["avg_processing_time_seconds"] for row in trends["processing_trends"]} == {None}
    assert len(trends["confidence_trends"]) == 31


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [((9, 1), (9, 1), "stable"), ((49, 1), (48, 2), "stable"), ((47, 3), (49, 1), "improving"),
     ((49, 1), (47, 3), "declining"), ((1, 0), (0, 1), "declining")],
)  # fmt: skip
def test_the_trend_compares_with_the_week_before(
    api: Caller, before: tuple[int, int], after: tuple[int, int], word: str
) -> None:
    for week, (good, bad) in enumerate((after, before)):
        for n in range(good + bad):
            done(api.organization, f"{week} {n}", -week * 7 * DAY - DAY - n, "succeeded" if n < good else "failed")
    counted(api.organization)

    found = data(api.get(SUMMARY))

    assert found["summary"]["performance_trend"] == word
    compared = found["comparison"]["previous"]
    assert compared["period"]["end_date"] == found["period"]["start_date"]
    assert compared["figures"]["total_invoices"]["before"] == sum(before)
    assert compared["figures"]["processing_success_rate"]["before"] == pytest.approx(
        100 * before[0] / sum(before), abs=1e-4
    )


@pytest.mark.parametrize(
    ("rate", "letter"), [((95, 5), "A"), ((94, 6), "B"), ((90, 10), "B"), ((80, 20), "C"), ((79, 21), "D")]
)
def test_grades_begin_at_their_border(api: Caller, rate: tuple[int, int], letter: str) -> None:
    for n in range(sum(rate)):
        done(api.organization, str(n), -60, "succeeded" if n < rate[0] else "failed")
    counted(api.organization)

    assert data(api.get(SUMMARY))["summary"]["success_rate_grade"] == letter


def test_a_single_day_is_compared_with_the_day_before_and_with_its_weekday(api: Caller) -> None:
    for days, invoices in ((1, 4), (2, 1), (8, 3)):
        for n in range(invoices):
            done(api.organization, f"{days} {n}", -days * DAY)
    counted(api.organization)

    found = data(api.get(f"{SUMMARY}?start_date=2026-11-09&end_date=2026-11-10"))

    compared = {name: one["figures"]["total_invoices"] for name, one in found["comparison"].items()}
    assert compared["previous"] == {"before": 1, "change": 3, "change_percentage": 300}
    assert compared["same_weekdays"] == {"before": 3, "change": 1, "change_percentage": 33.3333}


def test_local_days_begin_at_local_midnight_also_where_clocks_change() -> None:
    api = a_caller(an_organization("berlin", "Europe/Berlin"))
    for hour in range(-4, 52):  # one an hour around the 25 hours of 25 October
        done(api.organization, str(hour), (at(0) - NOON).total_seconds() / 60 - 18 * DAY + hour * 60)
    counted(api.organization)

    found = data(api.get(f"{TRENDS}?start_date=2026-10-23&end_date=2026-10-27"))

    days = [(row["period"], row["total_invoices"]) for row in found["volume_trends"]]
    assert days == [
        ("2026-10-23T00:00:00+02:00", 14),
        ("2026-10-24T00:00:00+02:00", 24),
        ("2026-10-25T00:00:00+02:00", 18),
        ("2026-10-26T00:00:00+01:00", 0),
    ]
    assert not any(row["partial"] for row in found["volume_trends"])


def test_a_range_is_exact_also_within_an_hour(api: Caller) -> None:
    for minute in range(-200, 0, 10):
        done(api.organization, str(minute), minute)
    counted(api.organization)

    found = data(api.get(f"{SUMMARY}?start_date=2026-11-10T08:45:00Z&end_date=2026-11-10T11:10:00Z"))

    assert found["volume"]["total_invoices"] == len([m for m in range(-200, 0, 10) if -195 <= m < -50])
    trends = data(api.get(f"{TRENDS}?start_date=2026-11-10T08:45:00Z&end_date=2026-11-10T11:10:00Z&granularity=hourly"))
    assert [(row["total_invoices"], row["partial"]) for row in trends["volume_trends"]] == [
        (1, True),
        (6, False),
        (6, False),
        (1, True),
    ]


def test_filters_and_groups_show_a_part_of_the_work_and_since_when(
    api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    firm = api.organization
    done(firm, "a", -60, vendor="Acme", channel="email")
    done(firm, "b", -50, "failed", vendor="Acme", channel="portal")
    done(firm, "c", -3 * DAY, vendor="Bolt", channel="email")
    done(firm, "d", -40)
    counted(firm)

    acme = data(api.get(f"{SUMMARY}?vendor=Acme"))
    assert acme["volume"]["total_invoices"] == 2
    assert (acme["filters"], acme["counted_since"]) == ({"vendor": "Acme"}, None)
    assert acme["backlog"]["open_invoices"] == 1
    assert data(api.get(f"{SUMMARY}?vendor=Acme&channel=email"))["performance"]["processing_success_rate"] == 100
    assert data(api.get(f"{SUMMARY}?vendor=Nobody"))["volume"]["total_invoices"] == 0
    assert sum(row["total_invoices"] for row in data(api.get(f"{TRENDS}?vendor=Acme"))["volume_trends"]) == 2

    grouped = data(api.get(f"{SUMMARY}?group_by=vendor"))
    assert [(one["value"], one["volume"]["total_invoices"]) for one in grouped["groups"]] == [
        ("Acme", 2),
        ("Bolt", 1),
        (None, 1),
    ]
    assert (grouped["volume"]["total_invoices"], grouped["more_groups"]) == (4, False)

    EngineState.objects.update_or_create(organization=firm, defaults={"sealed_before": at(-DAY)})
    sealed = data(api.get(f"{SUMMARY}?group_by=vendor"))
    assert sealed["counted_since"] == "2026-11-09T12:00:00Z"
    assert [one["value"] for one in sealed["groups"]] == ["Acme", None]
    assert data(api.get(f"{SUMMARY}?vendor=Bolt"))["volume"]["total_invoices"] == 0
    assert data(api.get(SUMMARY))["volume"]["total_invoices"] == 4

    monkeypatch.setattr(summary, "MOST_PARTS", 1)
    largest = data(api.get(f"{SUMMARY}?group_by=vendor"))
    assert ([one["value"] for one in largest["groups"]], largest["more_groups"]) == (["Acme"], True)


def test_another_organization_is_seen_nowhere(api: Caller) -> None:
    other = a_caller(an_organization("other"))
    done(other.organization, "theirs", -60, vendor="Acme")
    exception(other.organization, "E", now=NOON, invoice_id="ours", kind="price")
    done(api.organization, "ours", -60, vendor="Bolt")
    for one in (api, other):
        counted(one.organization)

    for caller, vendor in ((api, "Bolt"), (other, "Acme")):
        found = data(caller.get(f"{SUMMARY}?group_by=vendor"))
        assert (found["volume"]["total_invoices"], found["backlog"]["open_invoices"]) == (1, 1)
        assert found["volume"]["invoices_with_exceptions"] == 0
        assert [one["value"] for one in found["groups"]] == [vendor]


@pytest.mark.parametrize(
    ("query", "field"),
    [("days=0", "days"), ("days=91", "days"), ("days=7&start_date=2026-11-01&end_date=2026-11-02", "days"),
     ("start_date=2026-11-01", "end_date"), ("start_date=2026-11-02&end_date=2026-11-01", "end_date"),
     ("group_by=amount", "group_by"), ("granularity=daily", "granularity"), ("vendor=", "vendor")],
)  # fmt: skip
def test_what_a_summary_cannot_do_is_refused_by_name(api: Caller, query: str, field: str) -> None:
    answer = api.get(f"{SUMMARY}?{query}")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field


def test_two_centuries_of_hours_are_refused_and_of_weeks_are_not(api: Caller) -> None:
    ages = "start_date=2000-01-03&end_date=2190-01-01"
    refused = api.get(f"{TRENDS}?{ages}&granularity=hourly")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "granularity")
    assert data(api.get(f"{TRENDS}?{ages}&granularity=weekly"))["volume_trends"]
    assert data(api.get(f"{SUMMARY}?{ages}"))["comparison"] == {"previous": None, "same_weekdays": None}


def test_a_long_history_takes_no_more_statements_than_a_short_one(api: Caller, django_assert_num_queries: Any) -> None:
    for n in range(40):
        done(api.organization, str(n), -n * DAY)
    counted(api.organization)
    api.get(SUMMARY)  # signs the token in

    for path in (f"{SUMMARY}?days=1", f"{SUMMARY}?days=90", f"{TRENDS}?days=7", f"{TRENDS}?days=365"):
        with django_assert_num_queries(STATEMENTS[path.partition("?")[0]]):
            assert data(api.get(path))


STATEMENTS = {SUMMARY: 8, TRENDS: 5}
