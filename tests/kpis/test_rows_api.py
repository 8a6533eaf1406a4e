"""GET /invoices, /invoices/{invoice_id} and /exceptions: which rows are listed, in which order, page by page."""

import json
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
import time_machine

from accounts.models import AuditEntry
from kpis import cursors
from kpis.cursors import Cursor
from kpis.models import InvoiceMetric
from kpis.rows import EXCEPTIONS, INVOICES
from tests.calling import Caller, a_caller, an_organization, data, lines
from tests.facts import at, exception, invoice

NOW = datetime(2026, 11, 10, 12, 2, tzinfo=UTC)
pytestmark = pytest.mark.django_db
LIFE = [  # each with the fields of the one before
    ("announced", {"vendor": "Acme"}),
    ("uploaded", {"uploaded_at": -60}),
    ("extracted", {"extracted_at": -59}),
    ("validated", {"validated_at": -58}),
    ("ready", {"ready_at": -57}),
    ("approved", {"approved_at": -56}),
    ("completed", {"completed_at": -55, "processing_outcome": "succeeded"}),
    ("failed", {"processing_outcome": "failed"}),
    ("rejected", {"rejected_at": -54}),
    ("voided", {"voided_at": -53}),
]


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def api() -> Caller:
    return a_caller(scope="read")


def ids(answer: Any, kind: str = "invoice") -> list[str]:
    return [row[f"{kind}_id"] for row in data(answer)[f"{kind}s"]]


def every_page(api: Caller, path: str, kind: str = "invoice", limit: int = 2) -> list[str]:
    found: list[str] = []
    query = f"{path}{'&' if '?' in path else '?'}limit={limit}"
    cursor = ""
    for _ in range(100):
        answer = api.get(query + cursor)
        found += ids(answer, kind)
        pages = data(answer)["pagination"]
        if not pages["has_more"]:
            assert pages["next_cursor"] is None
            return found
        cursor = f"&cursor={pages['next_cursor']}"
    raise AssertionError("the pages never end")


def test_a_row_shows_what_messages_said_and_unknown_as_null(api: Caller) -> None:
    given = {
        "vendor": "Ümlaut",
        "amount": 12.5,
        "extraction_confidence": 0.93,
        "extracted_at": NOW,
        "labels": {"a": "b"},
    }
    invoice(api.organization, "I/1 ä?", now=NOW, **given)
    exception(api.organization, "E", now=NOW, invoice_id="I/1 ä?", kind="price", opened_at=0)
    [row] = data(api.get("invoices"))["invoices"]
    assert {*INVOICES.kind.columns, "status", "created_at", "updated_at"} == row.keys()
    assert {name: row[name] for name in given} == given | {"extracted_at": "2026-11-10T12:02:00Z"}
    assert (row["approved_at"], row["status"]) == (None, "extracted")
    alone = data(api.get("invoices/I%2F1%20%C3%A4%3F"))
    assert alone.pop("exceptions") == data(api.get("exceptions"))["exceptions"] != []
    assert alone == row
    assert api.get("invoices/nothing").status_code == 404
    assert api.get("invoices/%00").status_code == 404


def test_every_row_has_one_status_and_is_found_by_it(api: Caller) -> None:
    fields: dict[str, Any] = {}
    for status, more in LIFE:
        fields |= more
        invoice(api.organization, status, now=NOW, **fields)
    assert [status for status, _ in reversed(LIFE)] == INVOICES.status_names
    for status, _ in LIFE:
        assert ids(api.get(f"invoices?status={status}")) == [status]
    for row in data(api.get("invoices"))["invoices"]:
        assert row["status"] == row["invoice_id"]


def test_exceptions_are_found_by_their_own_fields_and_those_of_their_invoice(api: Caller) -> None:
    invoice(api.organization, "i1", now=NOW, vendor="Acme", channel="email")
    exception(api.organization, "e1", now=NOW, invoice_id="i1", kind="price", severity="low", opened_at=-9)
    exception(api.organization, "e2", now=NOW, invoice_id="i2", kind="price", opened_at=-8, resolved_at=-7)
    exception(api.organization, "e3", now=NOW, kind="tax")
    queries = {
        "kind=price": ["e1", "e2"],
        "severity=low": ["e1"],
        "invoice_id=i2": ["e2"],
        "exception_id=e3": ["e3"],
        "vendor=Acme": ["e1"],
        "vendor=Acme&channel=fax": [],
        "status=open": ["e1"],
        "status=resolved": ["e2"],
        "status=announced": ["e3"],
        "resolved_at_from=2026-11-10": ["e2"],
    }
    assert {query: ids(api.get(f"exceptions?{query}"), "exception") for query in queries} == queries
    assert EXCEPTIONS.status_names == ["resolved", "open", "announced"]


def test_invoices_are_found_by_parts_of_the_work_and_by_the_time_of_each_step(api: Caller) -> None:
    invoice(api.organization, "a", now=NOW, vendor="Acme", channel="email", uploaded_at=-60, ready_at=-30)
    invoice(api.organization, "b", now=NOW, vendor="Acme", document_type="credit", uploaded_at=-50, ready_at=-40)
    invoice(api.organization, "c", now=NOW, uploaded_at=-50)
    queries = {
        "vendor=Acme": ["a", "b"],
        "vendor=Acme&channel=email": ["a"],
        "document_type=credit": ["b"],
        "invoice_id=c": ["c"],
        "ready_at_from=2026-11-10": ["b", "a"],
        "ready_at_to=2026-11-10T11:30:00Z": ["b"],
        "uploaded_at_from=2026-11-10T11:00:00Z&uploaded_at_to=2026-11-10T11:10:00Z": ["a"],
        "start_date=2026-11-10T11:10:00Z&end_date=2026-11-11": ["b", "c"],
        "days=1": ["a", "b", "c"],
        "days=1&ready_at_from=2026-11-10T11:30:00Z": ["a"],
        "start_date=2026-11-09&end_date=2026-11-10": [],
    }
    assert {query: ids(api.get(f"invoices?{query}")) for query in queries} == queries


def test_pages_hold_every_row_once_in_their_order(api: Caller) -> None:
    for n in range(7):
        invoice(api.organization, f"i{n}", now=NOW, uploaded_at=-(n // 3))
    assert every_page(api, "invoices") == [f"i{n}" for n in range(7)]
    found = every_page(api, "invoices?uploaded_at_from=2026-11-10")
    assert sorted(found) == [f"i{n}" for n in range(7)]
    times = [InvoiceMetric.objects.get(invoice_id=found_id).uploaded_at for found_id in found]
    assert all(one <= next_one for one, next_one in pairwise(times))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=%C3%A4", "cursor"),
        (f"days=1&cursor={Cursor('a', 1)}", "cursor"),
        (f"cursor={Cursor('a', -1)}", "cursor"),
        (f"cursor={Cursor('a', 2**64)}", "cursor"),
        (f"cursor={Cursor(chr(0), 1)}", "cursor"),
        ("status=lost", "status"),
        ("colour=red", "colour"),
        ("outcome=bad", "outcome"),
        ("as_of=2026-11-10", "as_of"),
        ("days=1&uploaded_at_to=2026-11-10", "uploaded_at_from"),
        ("uploaded_at_from=yesterday", "uploaded_at_from"),
        ("vendor=a&vendor=b", "vendor"),
        ("format=xml", "format"),
        ("format=csv&limit=5", "limit"),
        ("format=csv&cursor=5", "cursor"),
        ("slo_id=7", "slo_id"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused_by_name(api: Caller, query: str, field: str) -> None:
    answer = api.get(f"invoices?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


def test_a_cursor_comes_back_as_it_was() -> None:
    for one, key in ((Cursor("a/ä \U0001f600", 7), str), (Cursor(at(1.5), 2**62), datetime)):
        assert cursors.read(str(one), key) == one


def test_nothing_of_another_organisation_is_listed(api: Caller) -> None:
    stranger = a_caller(an_organization("other"))
    invoice(stranger.organization, "theirs", now=NOW, uploaded_at=0, vendor="Acme")
    invoice(api.organization, "ours", now=NOW, uploaded_at=0)
    exception(api.organization, "e", now=NOW, invoice_id="theirs")
    assert (ids(api.get("invoices")), ids(stranger.get("invoices"))) == (["ours"], ["theirs"])
    assert (api.get("invoices/theirs").status_code, stranger.get("invoices/theirs").status_code) == (404, 200)
    assert ids(api.get("exceptions?vendor=Acme"), "exception") == []


def test_a_file_holds_the_whole_list_and_no_formula(api: Caller) -> None:
    for n in range(3):
        invoice(api.organization, f"i{n}", now=NOW, vendor="=1+1", amount=-5, labels={"a": '"'}, uploaded_at=n - 9)
    answer = api.get("invoices?format=csv")
    assert answer.streaming
    assert answer["Content-Disposition"] == 'attachment; filename="invoices.csv"'
    rows = lines(answer)
    assert [row["invoice_id"] for row in rows] == ["i0", "i1", "i2"]
    shown = [rows[0][name] for name in ("vendor", "amount", "uploaded_at")]
    assert shown == ["'=1+1", "-5.0000", "2026-11-10T11:51:00Z"]
    assert (rows[0]["approved_at"], json.loads(rows[0]["labels"])) == ("", {"a": '"'})
    assert lines(api.get("invoices", accept="text/csv")) == rows
    assert lines(api.get("invoices?vendor=nobody&format=csv")) == []
    assert api.get("invoices?format=json", accept="text/csv").status_code == 406
    assert len(ids(api.get("invoices?format=json", accept="*/*"))) == 3
    assert api.get("invoices/i0", accept="text/csv").status_code == 406
    assert api.get("invoices?colour=red", accept="text/csv").json()["status"] == 400


def test_a_file_is_noted_in_the_audit_trail(api: Caller) -> None:
    api.get("invoices?format=csv&vendor=Acme")
    entry = AuditEntry.objects.get(action="exported")
    assert (entry.organization, entry.actor_name) == (api.organization, api.user.get_username())
    assert "vendor=Acme" in entry.note


def test_a_file_is_read_in_batches(api: Caller, django_assert_num_queries, monkeypatch) -> None:
    monkeypatch.setattr("kpis.rows.BATCH", 4)
    for n in range(9):
        invoice(api.organization, f"i{n}", now=NOW)
    answer = api.get("invoices?format=csv")
    with django_assert_num_queries(3):  # the first batch was read before the answer began
        assert len(lines(answer)) == 9


@pytest.mark.parametrize(
    ("path", "queries"),
    [("invoices", 1), ("invoices?days=3&vendor=a&status=ready", 1), ("exceptions?vendor=a", 1), ("invoices/i0", 2)],
)
def test_a_list_takes_one_statement_however_long(
    api: Caller, path: str, queries: int, django_assert_num_queries
) -> None:
    for n in range(20):
        invoice(api.organization, f"i{n}", now=NOW, uploaded_at=-n)
    api.get("slos/definitions")  # notes the use of the token
    with django_assert_num_queries(2 + queries):  # and who asks, with what role
        assert api.get(path).status_code == 200
