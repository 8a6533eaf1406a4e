"""GET /invoices and /exceptions with slo_id: the rows behind a figure, whose sum is the figure."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
import time_machine

from slos.measure import catch_up
from slos.models import EngineState, SLIBucket
from slos.tick import tick
from tests.calling import Caller, a_caller, an_organization, data, lines
from tests.facts import NOON, at, exception, invoice, slo
from tests.oracle import worlds
from tests.slos.playing import Play

pytestmark = pytest.mark.django_db
TIMED = ("time_to_ready", "approval_latency", "exception_resolution_time")


def address(sli: str) -> str:
    return "exceptions" if sli == "exception_resolution_time" else "invoices"


def rows(api: Caller, path: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What is said beside the rows, and the rows of all pages."""
    found: list[dict[str, Any]] = []
    about: dict[str, Any] = {}
    cursor = ""
    for _ in range(200):
        got = data(api.get(f"{path}&limit=7{cursor}"))
        found += got.pop("invoices", []) + got.pop("exceptions", [])
        page = got.pop("pagination")
        about = about or got
        if not page["has_more"]:
            return about, found
        cursor = f"&cursor={page['next_cursor']}"
    raise AssertionError("the pages never end")


@pytest.fixture
def play():
    play = Play(worlds.script(Random(5), invoices=40, exceptions=20))
    play.run()
    with time_machine.travel(play.script.end, tick=False):
        yield play


def test_the_rows_of_every_objective_add_up_to_the_stored_figure(play: Play) -> None:
    api = a_caller(play.organization, scope="read")
    start, end = play.script.start - timedelta(days=60), play.script.end
    span = f"start_date={start:%Y-%m-%d}&end_date={end:%Y-%m-%dT%H:%M:%SZ}"
    seen = 0
    for sli, objective in play.slos.items():
        sums = [bucket for bucket in SLIBucket.objects.filter(slo=objective, width=5) if bucket.start < end]
        good, total = sum(bucket.good for bucket in sums), sum(bucket.total for bucket in sums)
        about, bad_rows = rows(api, f"{address(sli)}?slo_id={objective.pk}&outcome=bad&{span}")
        _, good_rows = rows(api, f"{address(sli)}?slo_id={objective.pk}&outcome=good&{span}")
        figure = about["figure"]
        assert figure["good_events_count"] == pytest.approx(sum(row["good"] for row in good_rows), abs=1e-9)
        assert figure["bad_events_count"] == pytest.approx(sum(row["bad"] for row in bad_rows), abs=1e-9)
        assert (figure["good_events_count"], figure["total_events_count"]) == (pytest.approx(float(good)), total)
        seen += total
    assert seen > 20


def test_without_a_range_the_rows_are_those_of_the_budget_and_all_that_is_pending(play: Play) -> None:
    api, end = a_caller(play.organization, scope="read"), play.script.end
    invoice(play.organization, "waits", now=end, uploaded_at=end)
    tick(play.organization, now=end)
    dashboard = {one["sli_type"]: one["error_budget"] for one in data(api.get("slos/dashboard"))["slos"]}
    pending = 0
    for sli, objective in play.slos.items():
        query = f"{address(sli)}?slo_id={objective.pk}"
        about, _ = rows(api, f"{query}&outcome=bad")
        budget = dashboard[sli]
        assert about["figure"]["bad_events_count"] == pytest.approx(budget["bad_events"])
        assert about["figure"]["total_events_count"] == budget["total_events_count"]
        assert about["period"]["start_date"] == budget["window"]["start"]
        waiting, found = rows(api, f"{query}&outcome=pending")
        assert len(found) == waiting["figure"]["pending_events_count"] == budget["pending_events_count"]
        assert all((row["good"], row["bad"]) == (None, None) for row in found)
        pending += len(found)
    assert pending > 0


@pytest.fixture
def api():
    with time_machine.travel(at(60), tick=False):
        yield a_caller(scope="read")


def test_a_confidence_is_told_with_its_good_and_bad_part(api: Caller) -> None:
    for n, confidence in enumerate(("0.9", "1", "0")):
        invoice(api.organization, f"i{n}", now=at(60), extracted_at=n, extraction_confidence=confidence)
    accuracy = slo(api.organization, "extraction_accuracy")
    about, found = rows(api, f"invoices?slo_id={accuracy.pk}&outcome=bad")
    assert [(row["invoice_id"], row["good"], row["bad"]) for row in found] == [("i0", 0.9, 0.1), ("i2", 0, 1)]
    assert about["figure"]["good_events_count"] == 1.9
    assert found[0]["decided_at"] == "2026-11-10T12:00:00Z"
    assert about["counted_since"] is None
    file = lines(api.get(f"invoices?slo_id={accuracy.pk}&outcome=bad&format=csv"))
    assert [(row["invoice_id"], row["good"], row["bad"]) for row in file] == [
        ("i0", "0.900000", "0.100000"),
        ("i2", "0.000000", "1.000000"),
    ]


def test_a_part_of_the_work_and_a_moment_of_the_past_can_be_asked_for(api: Caller) -> None:
    invoice(api.organization, "late", now=at(-30), uploaded_at=0, vendor="Acme")
    invoice(api.organization, "later", now=at(-30), uploaded_at=20, vendor="Bolt")
    tick(api.organization, now=at(60))
    ready = slo(api.organization, "time_to_ready")

    def found(outcome: str, more: str = "") -> list[str]:
        return [row["invoice_id"] for row in rows(api, f"invoices?slo_id={ready.pk}&outcome={outcome}{more}")[1]]

    assert found("bad") == ["late", "later"]
    assert found("bad", "&vendor=Bolt") == ["later"]
    assert found("bad", "&as_of=2026-11-10T12:10:00Z") == ["late"]
    assert (found("pending"), found("pending", "&as_of=2026-11-10T12:20:00Z")) == ([], ["later"])
    about, _ = rows(api, f"invoices?slo_id={ready.pk}&outcome=bad&as_of=2026-11-10T12:11:00Z")
    assert about["as_of"] == "2026-11-10T12:10:00Z"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "outcome"),
        ("&outcome=ugly", "outcome"),
        ("&outcome=bad&status=ready", "status"),
        ("&outcome=bad&uploaded_at_from=2026-11-10", "uploaded_at_from"),
        ("&outcome=pending&days=3", "days"),
        ("&outcome=bad&as_of=2026-12-01", "as_of"),
        ("&outcome=bad&start_date=2026-12-01", "end_date"),
    ],
)
def test_what_does_not_go_with_a_figure_is_refused_by_name(api: Caller, query: str, field: str) -> None:
    ready = slo(api.organization, "time_to_ready")
    answer = api.get(f"invoices?slo_id={ready.pk}{query}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


def test_an_objective_is_one_of_the_organisation_and_counts_such_rows(api: Caller) -> None:
    foreign = slo(an_organization("other"), "time_to_ready")
    resolved = slo(api.organization, "exception_resolution_time")
    exception(api.organization, "e", now=at(60), opened_at=0, resolved_at=5)
    for path in (f"invoices?slo_id={foreign.pk}", f"invoices?slo_id={resolved.pk}", "exceptions?slo_id=%00"):
        assert api.get(f"{path}&outcome=good").status_code == 400
    _, found = rows(api, f"exceptions?slo_id={resolved.pk}&outcome=good")
    assert [row["exception_id"] for row in found] == ["e"]


def test_how_far_back_rows_reach_is_told(api: Caller) -> None:
    cleaned = NOON - timedelta(days=30)
    tick(api.organization, now=at(60))
    EngineState.objects.filter(organization=api.organization).update(sealed_before=cleaned)
    ready = slo(api.organization, "time_to_ready")
    about, _ = rows(api, f"invoices?slo_id={ready.pk}&outcome=bad")
    assert datetime.fromisoformat(about["counted_since"]) == cleaned


@pytest.mark.parametrize(("outcome", "queries"), [("good", 7), ("pending", 7)])
def test_a_page_takes_the_same_statements_however_many_rows(
    api: Caller, outcome: str, queries: int, django_assert_num_queries
) -> None:
    objective = slo(api.organization, "time_to_ready")
    ready = {"ready_at": 11} if outcome == "good" else {}
    for n in range(7, 11):
        invoice(api.organization, f"i{n}", now=at(60), uploaded_at=n if outcome == "good" else 59, **ready)
    api.get("slos/definitions")
    with django_assert_num_queries(2 + queries):
        assert data(api.get(f"invoices?slo_id={objective.pk}&outcome={outcome}"))["invoices"]


@pytest.mark.parametrize(("period", "partial"), [("hourly", "false"), ("daily", "true")])
def test_measurements_come_as_a_file_too(api: Caller, period: str, partial: str) -> None:
    invoice(api.organization, "i", now=at(60), uploaded_at=0, ready_at=2)
    tick(api.organization, now=at(60))
    catch_up(api.organization, period, now=at(60))
    path = f"slos/{slo(api.organization, 'time_to_ready').pk}/measurements?period={period}"
    told, file = data(api.get(path))["measurements"], lines(api.get(f"{path}&format=csv"))
    assert [row["id"] for row in file] == [row["id"] for row in told] != []
    assert (float(file[0]["achieved_percentage"]), file[0]["total_events_count"]) == (100, "1")
    assert (file[0]["partial"], file[0]["period_end"]) == (partial, told[0]["period_end"])
    assert len(lines(api.get(f"{path}&format=csv&start_date=2026-11-09&end_date=2026-11-10"))) == 0
