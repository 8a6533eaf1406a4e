"""POST /invoices, /exceptions and /system: what is stored, what is refused, and how both are told."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from kpis.models import DirtyBucket, InvoiceException, InvoiceMetric, SystemMetric
from tests.calling import NDJSON, Caller, a_caller, an_organization, data

NOW = datetime(2026, 11, 10, 12, 2, tzinfo=UTC)
pytestmark = pytest.mark.django_db
EVERYTHING = {
    "invoice_id": "I-1",
    "vendor": "Ümlaut & Söhne",
    "channel": "email",
    "document_type": "invoice",
    "amount": 1234.56,
    "currency": "EUR",
    "uploaded_at": "2026-11-10T10:00:00+02:00",
    "extracted_at": "2026-11-10T08:01:00Z",
    "validated_at": "2026-11-10T08:02:00Z",
    "ready_at": "2026-11-10T08:03:00.123456Z",
    "approved_at": "2026-11-10T09:00:00Z",
    "rejected_at": None,
    "completed_at": "2026-11-10T09:30:00Z",
    "extraction_confidence": 0.93,
    "structural_valid": True,
    "math_valid": False,
    "processing_outcome": "succeeded",
    "duplicate_flagged": False,
    "duplicate_confirmed": None,
    "duplicate_confirmed_at": None,
    "voided_at": None,
    "page_count": 3,
    "retry_count": 0,
    "requires_human_review": False,
    "labels": {"batch": "7", "site": "Köln"},
}


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def api() -> Caller:
    return a_caller()


def counts(answer) -> tuple[int, ...]:
    got = data(answer)
    return tuple(got[name] for name in ("received", "created", "updated", "unchanged", "rejected"))


def test_one_invoice_with_every_field_is_stored_and_its_repetition_changes_nothing(api: Caller) -> None:
    assert counts(api.post("invoices", EVERYTHING)) == (1, 1, 0, 0, 0)
    marks = DirtyBucket.objects.count()
    assert counts(api.post("invoices", EVERYTHING)) == (1, 0, 0, 1, 0)

    row = InvoiceMetric.objects.get(organization=api.organization)
    assert (row.vendor, row.labels) == (EVERYTHING["vendor"], EVERYTHING["labels"])
    assert row.uploaded_at == datetime(2026, 11, 10, 8, tzinfo=UTC)
    assert str(row.extraction_confidence) == "0.930000"
    assert DirtyBucket.objects.count() == marks > 0


def test_a_later_message_fills_in_changes_and_clears_what_it_names(api: Caller) -> None:
    api.post("invoices", EVERYTHING)
    change = {"invoice_id": "I-1", "vendor": "Other", "page_count": None, "labels": {"site": None, "new": "x"}}
    assert counts(api.post("invoices", change)) == (1, 0, 1, 0, 0)

    row = InvoiceMetric.objects.get()
    assert (row.vendor, row.page_count, row.channel) == ("Other", None, "email")
    assert row.labels == {"batch": "7", "new": "x"}


@pytest.mark.parametrize("wrap", [lambda rows: {"invoices": rows}, lambda rows: rows])
def test_a_batch_is_stored_but_for_its_bad_rows(api: Caller, wrap) -> None:
    rows = [
        {"invoice_id": "a"},
        {"invoice_id": "b", "vendor": 7, "colour": "red"},
        {"vendor": "c"},
        {"invoice_id": "d"},
    ]
    answer = api.post("invoices", wrap(rows))

    assert counts(answer) == (4, 2, 0, 0, 2)
    first, second = data(answer)["errors"]
    assert (first["index"], first["invoice_id"]) == (1, "b")
    assert [(error["field"], error["code"]) for error in first["errors"]] == [
        ("vendor", "type"),
        ("colour", "unknown_field"),
    ]
    assert "Known: invoice_id, vendor" in first["errors"][1]["message"]
    assert (second["index"], second["invoice_id"], second["errors"][0]["field"]) == (2, None, "invoice_id")
    assert set(InvoiceMetric.objects.values_list("invoice_id", flat=True)) == {"a", "d"}


def test_lines_are_stored_but_for_the_broken_ones(api: Caller) -> None:
    answer = api.post("invoices", b'{"invoice_id": "a"}\r\n\n{"invoice_id": "b"\n{"invoice_id": "c"}', NDJSON)

    assert counts(answer) == (3, 2, 0, 0, 1)
    assert data(answer)["errors"][0]["index"] == 1


@pytest.mark.parametrize("media", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", ""])
def test_json_is_read_however_it_is_announced(api: Caller, media: str) -> None:
    assert counts(api.post("invoices", {"invoice_id": "a"}, media)) == (1, 1, 0, 0, 0)


def test_atomic_stores_all_or_none(api: Caller) -> None:
    rows = [{"invoice_id": "a"}, {"invoice_id": "b", "ready_at": "soon"}]
    refused = api.post("invoices?atomic=true", {"invoices": rows})

    assert refused.status_code == 422
    problem = refused.json()
    assert (problem["received"], problem["rejected"]) == (2, 1)
    assert [(each["index"], each["invoice_id"], each["field"]) for each in problem["errors"]] == [(1, "b", "ready_at")]
    assert not InvoiceMetric.objects.exists()
    assert counts(api.post("invoices?atomic=true", {"invoices": rows[:1]})) == (1, 1, 0, 0, 0)


REFUSED = {
    "an end before its start": (
        {"uploaded_at": "2026-11-10T10:00:00Z", "ready_at": "2026-11-10T09:59:59Z"},
        "ready_at",
    ),
    "approved before ready": (
        {"ready_at": "2026-11-10T10:00:00Z", "approved_at": "2026-11-10T09:00:00Z"},
        "approved_at",
    ),
    "rejected before ready": (
        {"ready_at": "2026-11-10T10:00:00Z", "rejected_at": "2026-11-10T09:00:00Z"},
        "rejected_at",
    ),
    "more than a day ahead": ({"uploaded_at": "2026-11-11T12:02:01Z"}, "uploaded_at"),
    "before 2000": ({"voided_at": "1999-12-31T23:59:59Z"}, "voided_at"),
    "no offset": ({"ready_at": "2026-11-10T10:00:00"}, "ready_at"),
    "a number as time": ({"ready_at": 1762768800}, "ready_at"),
    "a confidence above 1": ({"extraction_confidence": 1.01}, "extraction_confidence"),
    "a confidence below 0": ({"extraction_confidence": -0.01}, "extraction_confidence"),
    "a confidence as text": ({"extraction_confidence": "0.93"}, "extraction_confidence"),
    "pages below 0": ({"page_count": -1}, "page_count"),
    "too many pages": ({"page_count": 1_000_001}, "page_count"),
    "half a page": ({"page_count": 1.5}, "page_count"),
    "an amount out of range": ({"amount": 99_999_999_999_999.99999}, "amount"),
    "an unknown field": ({"colour": "red"}, "colour"),
    "a number as text": ({"vendor": 5}, "vendor"),
    "a text as flag": ({"math_valid": "yes"}, "math_valid"),
    "an unknown outcome": ({"processing_outcome": "maybe"}, "processing_outcome"),
    "a currency that is none": ({"currency": "euro"}, "currency"),
    "labels that are no texts": ({"labels": {"a": 1}}, "labels"),
    "too many labels": ({"labels": {str(n): "x" for n in range(51)}}, "labels"),
    "an id that is too long": ({"invoice_id": "x" * 201}, "invoice_id"),
    "an empty id": ({"invoice_id": ""}, "invoice_id"),
    "no id": ({"invoice_id": None}, "invoice_id"),
}


@pytest.mark.parametrize(("change", "field"), REFUSED.values(), ids=REFUSED)
def test_what_the_contract_refuses_is_refused_with_the_field_named(api: Caller, change: dict, field: str) -> None:
    answer = api.post("invoices", {"invoice_id": "bad", **change})

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not InvoiceMetric.objects.exists()


def test_what_is_just_within_the_limits_is_stored(api: Caller) -> None:
    edges = {
        "invoice_id": "x" * 200,
        "uploaded_at": "2026-11-11T12:02:00Z",
        "ready_at": "2026-11-11T12:02:00Z",
        "voided_at": "2000-01-01T00:00:00Z",
        "extraction_confidence": 1,
        "page_count": 1_000_000,
        "amount": 99_999_999_999_999,
        "labels": {str(n): "x" for n in range(50)},
    }
    assert counts(api.post("invoices", edges)) == (1, 1, 0, 0, 0)


def test_what_contradicts_only_the_stored_row_is_stored(api: Caller) -> None:
    api.post("invoices", {"invoice_id": "a", "uploaded_at": "2026-11-10T10:00:00Z"})
    assert counts(api.post("invoices", {"invoice_id": "a", "ready_at": "2026-11-10T09:00:00Z"})) == (1, 0, 1, 0, 0)


def test_five_thousand_rows_are_taken_and_one_more_is_too_many(api: Caller) -> None:
    rows = [{"invoice_id": str(n)} for n in range(5_001)]
    for body, media in (
        (json.dumps({"invoices": rows}).encode(), "application/json"),
        ("\n".join(map(json.dumps, rows)).encode(), NDJSON),
    ):
        refused = api.post("invoices", body, media)
        assert refused.status_code == 413
        assert "5,000" in refused.json()["detail"]
    assert not InvoiceMetric.objects.exists()
    assert counts(api.post("invoices", {"invoices": rows[:-1]})) == (5_000, 5_000, 0, 0, 0)


def test_exceptions_come_the_same_way(api: Caller) -> None:
    rows = [
        {"exception_id": "e1", "invoice_id": "a", "kind": "price", "opened_at": "2026-11-10T10:00:00Z"},
        {"exception_id": "e2", "opened_at": "2026-11-10T10:00:00Z", "resolved_at": "2026-11-10T09:00:00Z"},
    ]
    answer = api.post("exceptions", {"exceptions": rows})
    assert counts(answer) == (2, 1, 0, 0, 1)
    assert data(answer)["errors"][0]["exception_id"] == "e2"
    assert InvoiceException.objects.get().kind == "price"


def test_system_figures_come_one_or_many_and_the_last_value_of_a_moment_holds(api: Caller) -> None:
    figure = {"metric_name": "queue", "value": 3, "measured_at": "2026-11-10T12:00:00Z", "dimensions": {"host": "a"}}
    assert counts(api.post("system", figure)) == (1, 1, 0, 0, 0)
    assert counts(api.post("system", figure)) == (1, 0, 0, 1, 0)
    many = [{**figure, "value": n} for n in range(5)] + [{**figure, "dimensions": {}}]
    assert counts(api.post("system", {"system": many})) == (6, 1, 5, 0, 0)
    assert list(SystemMetric.objects.order_by("value").values_list("value", "dimensions")) == [
        (3.0, {}),
        (4.0, {"host": "a"}),
    ]
    too_wide = {**figure, "dimensions": {name * 100: "ü" * 200 for name in "klm"} | {"n": "x"}}
    assert api.post("system", too_wide).json()["errors"][0]["field"] == "dimensions"


def test_rows_belong_to_the_tokens_organisation_alone(api: Caller) -> None:
    other = a_caller(an_organization("other"))
    for caller, vendor in ((api, "ours"), (other, "theirs")):
        assert counts(caller.post("invoices", {"invoice_id": "same", "vendor": vendor})) == (1, 1, 0, 0, 0)
    assert InvoiceMetric.objects.get(organization=api.organization).vendor == "ours"
    assert InvoiceMetric.objects.get(organization=other.organization).vendor == "theirs"


@pytest.mark.parametrize(
    "query", ["atomic=maybe", "atomic=", "atomic=true&atomic=true", "atomik=true", "organization=x"]
)
def test_a_query_that_is_not_understood_stores_nothing(api: Caller, query: str) -> None:
    answer = api.post(f"invoices?{query}", {"invoice_id": "a"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]
    assert not InvoiceMetric.objects.exists()


@pytest.mark.parametrize("rows", [1, 1_000])
def test_a_batch_takes_the_same_statements_however_large(api: Caller, rows: int, django_assert_num_queries) -> None:
    body = {"invoices": [{"invoice_id": str(n), "ready_at": "2026-11-10T10:00:00Z"} for n in range(rows)]}
    api.post("invoices", body)
    later = (NOW - timedelta(minutes=1)).isoformat()
    for row in body["invoices"]:
        row["approved_at"] = later
    # token and role; savepoint of the batch (2); the arrival; staging (3), merge; the poke
    with django_assert_num_queries(2 + 2 + 1 + 4 + 1):
        assert counts(api.post("invoices", body))[2] == rows
