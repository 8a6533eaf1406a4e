"""Definitions, measurements, initialize and calculate over HTTP."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from slo_portal.tasks import tick_organization
from slos import jobs, measure
from slos.models import Job, SLIMeasurement, SLODefinition
from slos.tick import tick
from tests.calling import Caller, a_caller, an_organization, data
from tests.slos.worlds_to_show import add, invoice

NOW = datetime(2026, 11, 10, 12, 2, 30, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def api() -> Caller:
    return a_caller(an_organization(zone="Europe/Berlin"), scope="admin")


def objective(api: Caller, sli_type: str = "time_to_ready") -> SLODefinition:
    return api.organization.slos.get(sli_type=sli_type)


# --- definitions -------------------------------------------------------------------------------------------
def test_definitions_say_what_was_promised(api: Caller) -> None:
    got = data(api.get("slos/definitions"))
    assert (got["count"], got["active_only"]) == (7, True)
    (found,) = [each for each in got["definitions"] if each["sli_type"] == "time_to_ready"]
    slo = objective(api)
    expected = {
        "id": str(slo.pk),
        "name": "Time-to-Ready Processing",
        "target_percentage": 95.0,
        "target_value": 5.0,
        "target_unit": "minutes",
        "error_budget_percentage": 5.0,  # follows the target
        "alerting_threshold_percentage": 80.0,
        "measurement_period": "daily",
        "measurement_periods": ["daily", "hourly"],
        "critical_threshold_percentage": 95.0,
        "burn_policy": "default",
        "burn_rate_warning_threshold": 1.5,
        "burn_rate_warning_hours": 24,
        "burn_rate_alert_threshold": 2.0,
        "burn_rate_alert_hours": 6,
        "critical_performance_percentage": 50.0,
        "consecutive_failures": 3,
        "min_events": 10,
        "min_bad": 3,
        "confidence": 2.0,
        "resolve_after_minutes": 30,
        "alert_types_off": [],
        "is_active": True,
        "slos_owner": "AP Operations",
        "notification_channels": [],
    }
    assert {name: found[name] for name in expected} == expected
    assert found.keys() >= {"description", "created_at", "updated_at"}


def test_a_paused_objective_is_listed_only_on_request(api: Caller) -> None:
    SLODefinition.objects.filter(pk=objective(api).pk).update(is_active=False)
    assert data(api.get("slos/definitions"))["count"] == 6
    assert data(api.get("slos/definitions?active_only=true"))["count"] == 6
    everything = data(api.get("slos/definitions?active_only=false"))
    assert (everything["count"], everything["active_only"]) == (7, False)
    assert api.get("slos/definitions?active_only=1").status_code == 400


# --- measurements ------------------------------------------------------------------------------------------
@pytest.fixture
def measured(api: Caller) -> Caller:
    """1 of 1 in time on one day, 50 of 100 on the next, nothing on the third, 3 pending ones today."""
    day = datetime(2026, 11, 6, 23, tzinfo=UTC)  # midnight in Berlin
    rows = [invoice("one", day + timedelta(hours=1))]
    rows += [invoice(f"i{n}", day + timedelta(hours=25), late=n % 2 == 0) for n in range(100)]
    rows += [{"invoice_id": f"p{n}", "uploaded_at": NOW - timedelta(minutes=2)} for n in range(3)]
    add(api.organization, rows, NOW)
    for period in ("hourly", "daily"):
        measure.calculate(api.organization, period, day, NOW, now=NOW)
    return api


def test_measurements_come_newest_first_with_their_own_target(measured: Caller) -> None:
    slo = objective(measured)
    slo.target_percentage = 99
    slo.save()
    got = data(measured.get(f"slos/{slo.pk}/measurements"))

    assert got["slo"]["target_percentage"] == 99.0
    assert [each["period_start"][:13] for each in got["measurements"]] == [f"2026-11-0{n}T23" for n in (9, 8, 7, 6)]
    today, empty, half, whole = got["measurements"]
    assert (today["measurement_metadata"], empty["measurement_metadata"]) == ({"partial": True}, {"partial": False})
    assert (today["pending_events_count"], today["total_events_count"]) == (3, 0)
    assert (empty["achieved_percentage"], empty["actual_value"], empty["total_events_count"]) == (None, None, 0)
    assert (half["good_events_count"], half["total_events_count"], half["error_budget_consumed"]) == (50, 100, 1000.0)
    assert (half["actual_value"], half["target_value"], half["target_percentage"]) == (4.5, 5.0, 95.0)
    assert (whole["achieved_percentage"], whole["measurement_period"]) == (100.0, "daily")
    assert whole.keys() >= {"id", "period_end", "created_at"}


def test_averages_are_plain_means_over_closed_measurements_with_events(measured: Caller) -> None:
    got = data(measured.get(f"slos/{objective(measured).pk}/measurements?limit=1"))
    assert got["summary"] == {
        "latest_achieved_percentage": None,  # of yesterday, which was empty
        "average_achieved_percentage": 75.0,
        "min_achieved_percentage": 50.0,
        "max_achieved_percentage": 100.0,
        "latest_error_budget_consumed": None,
        "average_error_budget_consumed": 500.0,
        "measurements_count": 4,
    }
    assert got["period"] == {"start_date": "2026-10-11T12:02:30Z", "end_date": "2026-11-10T12:02:30Z", "days": 30}


def test_pages_follow_one_another_without_gap_or_repetition(measured: Caller) -> None:
    path = f"slos/{objective(measured).pk}/measurements?period=hourly&limit=7"
    seen, cursor = [], ""
    while cursor is not None:
        got = data(measured.get(path + (f"&cursor={cursor}" if cursor else "")))
        seen += [each["id"] for each in got["measurements"]]
        assert got["pagination"]["has_more"] is (got["pagination"]["next_cursor"] is not None)
        cursor = got["pagination"]["next_cursor"]
    rows = SLIMeasurement.objects.filter(slo=objective(measured), period="hourly").order_by("-period_start")
    assert seen == [str(row.pk) for row in rows]
    assert len(seen) > 70


def test_a_range_includes_its_start_and_excludes_its_end(measured: Caller) -> None:
    path = f"slos/{objective(measured).pk}/measurements"
    got = data(measured.get(f"{path}?start_date=2026-11-07&end_date=2026-11-09"))
    assert [each["total_events_count"] for each in got["measurements"]] == [100, 1]
    assert got["period"]["days"] == 2
    long = data(measured.get(f"{path}?start_date=2001-01-01&end_date=2190-01-01"))
    assert len(long["measurements"]) == 4
    assert data(measured.get(f"{path}?days=1"))["summary"]["measurements_count"] == 1


@pytest.mark.parametrize(
    "query",
    ["days=0", "days=366", "limit=0", "limit=501", "limit=²", "period=monthly", "cursor=x", "offset=1",
     "cursor=2026-11-07T00:00:00", "days=1&start_date=2026-11-07&end_date=2026-11-08",
     "start_date=2026-11-08&end_date=2026-11-07"],
)  # fmt: skip
def test_measurements_refuse_what_they_do_not_understand(api: Caller, query: str) -> None:
    answer = api.get(f"slos/{objective(api).pk}/measurements?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] in query


# --- initialize and calculate ------------------------------------------------------------------------------
@pytest.mark.parametrize(("body", "media"), [(b"", ""), (b"", "text/plain"), (b"{}", "application/json")])
def test_initialize_brings_back_what_is_missing_and_repeats_without_harm(api: Caller, body: bytes, media: str) -> None:
    kept = objective(api)
    kept.target_percentage = 90
    kept.save()
    api.organization.slos.exclude(pk=kept.pk).delete()
    for created in (6, 0):
        answer = api.post("slos/initialize", body, media)
        assert answer.status_code == 202
        got = data(answer)
        assert (got["created"], got["initiated_by"], got["initiated_at"]) == (
            created,
            api.user.username,
            "2026-11-10T12:02:30Z",
        )
        assert got["task"]
        assert api.organization.slos.count() == 7
    assert objective(api).target_percentage == 90


CALCULATE = [
    ("?period=daily&hours_back=48", b"", ""),
    ("", {"period": "daily", "hours_back": 48}, "application/json"),
    ("?period=daily", {"hours_back": 48}, ""),
]


@pytest.mark.parametrize(("query", "body", "media"), CALCULATE)
def test_calculate_writes_the_measurements_of_its_hours(api: Caller, query: str, body: object, media: str) -> None:
    add(api.organization, [invoice("a", NOW - timedelta(hours=30))], NOW)
    answer = api.post(f"measurements/calculate{query}", body, media)
    assert answer.status_code == 202
    got = data(answer)
    assert (got["period"], got["hours_back"], got["initiated_by"]) == ("daily", 48, api.user.username)
    assert (got["period_start"], got["period_end"]) == ("2026-11-08T12:05:00Z", "2026-11-10T12:05:00Z")

    again = data(api.post(f"measurements/calculate{query}", body, media))
    assert again["task_id"] == got["task_id"]
    state = data(api.get(answer["Location"]))
    assert (state["id"], state["state"]) == (got["task_id"], "waiting")

    tick_organization(str(api.organization.pk))
    state = data(api.get(answer["Location"]))
    assert (state["state"], state["finished_at"]) == ("done", "2026-11-10T12:02:30Z")
    assert (state["done"], state["total"]) == (3, 3)
    rows = SLIMeasurement.objects.filter(slo=objective(api), period="daily").order_by("period_start")
    assert list(rows.values_list("total_events_count", flat=True)) == [0, 1, 0]


def test_a_job_says_how_far_it_is_and_another_worker_goes_on_from_there(api: Caller) -> None:
    add(api.organization, [invoice("a", NOW - timedelta(hours=2))], NOW)
    address = api.post("measurements/calculate?period=hourly&hours_back=50")["Location"]
    hours = SLIMeasurement.objects.filter(slo=objective(api), period="hourly").order_by("period_start")

    def seen() -> tuple[str, int, int, str | None, int]:
        got = data(api.get(address))
        return got["state"], got["done"], got["total"], got["finished_at"], hours.count()

    assert seen() == ("waiting", 0, 51, None, 0)
    jobs.step(api.organization, now=NOW)  # and is killed
    assert seen() == ("waiting", 24, 51, None, 24)
    assert jobs.run_waiting(api.organization, now=NOW) == 1
    assert seen() == ("done", 51, 51, "2026-11-10T12:02:30Z", 51)
    assert [row.total_events_count for row in hours] == [0] * 48 + [1, 0, 0]
    assert jobs.run_waiting(api.organization, now=NOW) == 0


@pytest.mark.parametrize(
    ("query", "body", "status", "field"),
    [
        ("", b"", 400, "period"),
        ("?period=monthly", b"", 400, "period"),
        ("?period=daily&hours_back=0", b"", 400, "hours_back"),
        ("?period=daily&hours_back=169", b"", 400, "hours_back"),
        ("?period=daily&back=1", b"", 400, "back"),
        ("", {"period": "monthly"}, 422, "period"),
        ("", {"period": ["daily"]}, 422, "period"),
        ("", {"period": "daily", "hours_back": "²"}, 422, "hours_back"),
        ("", {"period": "daily", "hours_back": 1.5}, 422, "hours_back"),
        ("", {"period": "daily", "hours_back": True}, 422, "hours_back"),
        ("", {"period": "daily", "hours": 5}, 422, "hours"),
        ("?period=daily", {"period": "daily"}, 400, "period"),
    ],
)
def test_calculate_refuses_by_name(api: Caller, query: str, body: object, status: int, field: str) -> None:
    answer = api.post(f"measurements/calculate{query}", body)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["field"] == field
    assert not Job.objects.exists()


def test_jobs_of_another_organisation_are_not_there(api: Caller) -> None:
    location = api.post("measurements/calculate?period=daily")["Location"]
    assert api.get(location).status_code == 200
    assert a_caller(an_organization("other")).get(location).status_code == 404


def test_the_number_of_queries_is_known(measured: Caller, django_assert_num_queries) -> None:
    tick(measured.organization, now=NOW)
    measured.get("slos/definitions")  # notes that the token is used
    for path, queries in (("slos/definitions", 3), (f"slos/{objective(measured).pk}/measurements?limit=500", 7)):
        with django_assert_num_queries(queries):
            measured.get(path)
