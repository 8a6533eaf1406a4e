"""GET /slos/dashboard: the fields that clients read, the moments and parts of the work that may be asked for."""

import copy
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from accounts.models import Organization
from kpis.ingest import store_rows
from kpis.messages import INVOICE
from slos import measure, status
from slos.models import SLIType, SLODefinition
from slos.tick import tick
from tests.calling import Caller, a_caller, an_organization, data
from tests.slos.worlds_to_show import STATES, invoice, show

NOW = datetime(2026, 11, 10, 12, 2, 30, tzinfo=UTC)
PATH = "slos/dashboard"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(scope="module")
def measured(lasting: None) -> Organization:
    """Seven objectives in seven states, in Berlin."""
    with time_machine.travel(NOW, tick=False):
        organization = show(NOW)
        for period in ("hourly", "daily", "weekly"):
            measure.calculate(organization, period, NOW - timedelta(days=8), NOW, now=NOW)
        return organization


@pytest.fixture
def api(measured: Organization, db: None) -> Caller:
    return a_caller(copy.deepcopy(measured), scope="read")


def entry(api: Caller, name: str, query: str = "") -> dict:
    (found,) = [each for each in data(api.get(PATH + query))["slos"] if each["name"] == name]
    return found


def test_every_field_of_the_contract_is_where_clients_read_it(api: Caller) -> None:
    got = data(api.get(PATH))
    assert got.keys() >= {"time_range", "summary", "slos", "alerts"}
    assert got["time_range"] == {"start_date": "2026-10-11T12:02:30Z", "end_date": "2026-11-10T12:02:30Z", "days": 30}
    assert got["alerts"] == []
    for each in got["slos"]:
        assert each.keys() >= {
            *("id", "name", "description", "sli_type", "target_percentage", "target_value", "target_unit", "status"),
            *("latest_measurement", "error_budget", "burn_rates", "recent_alerts", "alert_count"),
        }
        assert each["latest_measurement"].keys() == {
            *("period_start", "period_end", "achieved_percentage", "actual_value", "error_budget_consumed"),
            *("good_events_count", "total_events_count"),
        }
        assert list(each["burn_rates"]) == ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"]
        assert (each["recent_alerts"], each["alert_count"]) == ([], 0)


def test_the_figures_are_those_of_every_other_face_worst_first(api: Caller) -> None:
    got, expected = data(api.get(PATH)), status.overview(api.organization, now=NOW)
    assert [each["name"] for each in got["slos"]] == list(STATES)
    for each, one in zip(got["slos"], expected.slos, strict=True):
        assert each["status"] == one.status
        assert each["error_budget"]["consumed_percentage"] == one.consumed_percentage
        assert each["error_budget"]["remaining_percentage"] == one.remaining_percentage
        assert each["burn_rates"] == one.burn_rates
    summary = {"total_slos": 7, "healthy_slos": 3, "warning_slos": 1, "critical_slos": 2, "no_data_slos": 1}
    assert got["summary"] == summary


def test_an_error_budget_is_told_in_percent_and_in_events(api: Caller) -> None:
    assert entry(api, "Time-to-Ready Processing")["error_budget"] == {
        "percentage": 5.0,
        "consumed_percentage": 200.0,
        "remaining_percentage": -100.0,
        "achieved_percentage": 90.0,
        "allowed_events": 10,
        "bad_events": 20,
        "remaining_events": -10,
        "good_events_count": 180,
        "total_events_count": 200,
        "pending_events_count": 0,
        "too_few_to_judge": False,
        "window": {"kind": "rolling", "start": "2026-10-11T12:00:00Z", "end": "2026-11-10T12:05:00Z", "days": 30},
    }
    assert entry(api, "Duplicate Detection Recall")["error_budget"]["too_few_to_judge"] is True


def test_the_latest_measurement_is_the_last_closed_one_of_its_local_period(api: Caller) -> None:
    query = "?start_date=2026-11-01&end_date=2026-11-07"
    latest = entry(api, "Approval Latency", query)["latest_measurement"]
    assert (latest["period_start"], latest["period_end"]) == ("2026-11-05T23:00:00Z", "2026-11-06T23:00:00Z")
    assert (latest["good_events_count"], latest["total_events_count"]) == (8, 8)
    assert (latest["achieved_percentage"], latest["actual_value"], latest["error_budget_consumed"]) == (100.0, 1.0, 0.0)
    accuracy = entry(api, "Extraction Accuracy", query)["latest_measurement"]
    assert (accuracy["good_events_count"], accuracy["actual_value"]) == (7.76, 0.97)

    empty = entry(api, "Approval Latency")["latest_measurement"]  # yesterday, when nothing came
    assert (empty["period_end"], empty["total_events_count"]) == ("2026-11-09T23:00:00Z", 0)
    assert (empty["achieved_percentage"], empty["actual_value"], empty["error_budget_consumed"]) == (None, None, None)


def test_what_is_unknown_is_null_and_never_missing() -> None:
    got = data(a_caller(an_organization()).get(PATH))
    assert got["summary"]["no_data_slos"] == 7
    each = got["slos"][0]
    assert each["status"] == "no_data"
    assert each["latest_measurement"] == {
        "period_start": None,
        "period_end": None,
        "achieved_percentage": None,
        "actual_value": None,
        "error_budget_consumed": None,
        "good_events_count": 0,
        "total_events_count": 0,
    }
    assert set(each["burn_rates"].values()) == {None}
    assert each["error_budget"]["consumed_percentage"] is None
    assert each["error_budget"]["bad_events"] == 0


def test_slo_types_choose_objectives_and_recall_has_its_other_name(api: Caller) -> None:
    got = data(api.get(f"{PATH}?slo_types=duplicate_detection_recall&slo_types=time_to_ready"))
    assert {each["sli_type"] for each in got["slos"]} == {SLIType.DUPLICATE_RECALL, SLIType.TIME_TO_READY}
    assert got["summary"]["total_slos"] == 2


@pytest.mark.parametrize(
    ("query", "start", "end", "days"),
    [
        ("time_range_days=1", "2026-11-09T12:02:30Z", "2026-11-10T12:02:30Z", 1),
        ("time_range_days=365", "2025-11-10T12:02:30Z", "2026-11-10T12:02:30Z", 365),
        ("start_date=2026-10-25&end_date=2026-10-26", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", 1),  # 25 hours
        ("start_date=2026-10-25T00:00:00Z&end_date=2026-11-01T01:00:00%2B01:00", "2026-10-25T00:00:00Z",
         "2026-11-01T00:00:00Z", 7),
        ("start_date=2026-10-25T00:00:00Z&end_date=2026-11-01T01:00:00+01:00", "2026-10-25T00:00:00Z",
         "2026-11-01T00:00:00Z", 7),  # a + that was not escaped
    ],
)  # fmt: skip
def test_ranges_are_days_back_or_two_dates_and_a_bare_date_is_a_local_day(
    api: Caller, query: str, start: str, end: str, days: int
) -> None:
    time_range = data(api.get(f"{PATH}?{query}"))["time_range"]
    assert time_range == {"start_date": start, "end_date": end, "days": days}


def test_a_moment_of_the_past_is_answered_as_it_was_then(clock) -> None:
    organization = an_organization()
    api = a_caller(organization, scope="read")
    clock.move_to(NOW - timedelta(hours=2, minutes=2, seconds=30))
    then = datetime(2026, 11, 10, 10, tzinfo=UTC)
    rows = [invoice(str(n), then - timedelta(minutes=10 + 5 * n), late=n % 3 == 0) for n in range(60)]
    store_rows(INVOICE, organization, rows, now=NOW)
    tick(organization, now=then)
    measure.calculate(organization, "daily", then - timedelta(days=2), then, now=then)
    expected = data(api.get(PATH))

    clock.move_to(NOW)
    more = [invoice(f"new {n}", NOW - timedelta(hours=1), late=True) for n in range(50)]
    store_rows(INVOICE, organization, more, now=NOW)
    tick(organization, now=NOW)
    for as_of in ("2026-11-10T10:00:00Z", "2026-11-10T11:04:59%2B01:00"):
        got = data(api.get(f"{PATH}?as_of={as_of}"))
        assert (got["as_of"], got["slos"]) == ("2026-11-10T10:00:00Z", expected["slos"])
    assert data(api.get(PATH))["slos"] != expected["slos"]


def test_a_part_of_the_work_is_counted_from_the_rows(api: Caller) -> None:
    late = [
        {**invoice(f"v{n}", NOW - timedelta(days=1), late=True), "vendor": "Ada", "channel": "mail"} for n in range(8)
    ]
    store_rows(INVOICE, api.organization, [*late, {**invoice("w", NOW - timedelta(days=1)), "vendor": "Ada"}], now=NOW)
    tick(api.organization, now=NOW)

    budget = entry(api, "Time-to-Ready Processing", "?vendor=Ada")["error_budget"]
    assert (budget["good_events_count"], budget["total_events_count"]) == (1, 9)
    both = entry(api, "Time-to-Ready Processing", "?vendor=Ada&channel=mail")
    assert (both["error_budget"]["total_events_count"], both["latest_measurement"]["total_events_count"]) == (8, 8)
    assert entry(api, "Time-to-Ready Processing", "?vendor=nobody")["status"] == "no_data"
    before = entry(api, "Time-to-Ready Processing", "?vendor=Ada&as_of=2026-11-09T00:00:00Z")
    assert before["error_budget"]["total_events_count"] == 0
    got = data(api.get(f"{PATH}?vendor=Ada"))
    assert (got["filters"], got["counted_since"]) == ({"vendor": "Ada"}, None)


REFUSED = {
    "time_range_days": ["0", "366", "-1", "1.5", "²", "٣", "1e2", "9" * 5_000, "NaN", "", "30&time_range_days=30"],
    "slo_types": ["speed", "", "time_to_ready,duplicate_recall"],
    "start_date": ["2026-11-01", "yesterday", "2026-13-01&end_date=2026-11-02", "1999-12-31&end_date=2026-01-01"],
    "end_date": [
        "2026-11-01&start_date=2026-11-01",
        "2026-11-01T00:00:00&start_date=2026-10-01",
        "2026-11-01T00:00&start_date=2026-10-01",
        "10000-01-01&start_date=2026-10-01",
        "9999-12-31T23:59:59-23:59&start_date=2026-10-01",
    ],
    "as_of": ["2026-11-10T10:00:00", "1762768800", "2026-11-11", "2001-01-01T00:00:00Z", "soon", "%00"],
    "vendor": ["", "%00", "x" * 201, "a&vendor=b"],
    "organization": ["other"],
    "format": ["api"],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field in REFUSED for value in REFUSED[field]])
def test_a_query_that_is_not_understood_is_refused_by_name(api: Caller, field: str, value: str) -> None:
    answer = api.get(f"{PATH}?{field}={value}")
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["field"] in (field, "end_date" if field == "start_date" else "start_date")
    assert len(answer.content) < 1_000


def test_days_and_dates_exclude_each_other(api: Caller) -> None:
    answer = api.get(f"{PATH}?time_range_days=30&start_date=2026-11-01&end_date=2026-11-02")
    assert answer.json()["errors"][0]["field"] == "time_range_days"


@pytest.mark.parametrize(
    ("query", "queries"),
    [("", 3), ("?time_range_days=9", 9), ("?as_of=2026-11-10T10:00:00Z", 14), ("?vendor=Ada", 18)],
)
@pytest.mark.parametrize("more", [0, 40])
def test_the_number_of_queries_does_not_grow(
    api: Caller, query: str, queries: int, more: int, django_assert_num_queries
) -> None:
    for n in range(more):
        slo = SLODefinition.objects.filter(organization=api.organization, sli_type=SLIType.TIME_TO_READY)[0]
        slo.pk, slo.name, slo._state.adding = None, f"Copy {n}", True
        slo.save()
    tick(api.organization, now=NOW)
    api.get(PATH)  # notes that the token is used
    with django_assert_num_queries(queries):
        assert len(data(api.get(PATH + query))["slos"]) == 7 + more
