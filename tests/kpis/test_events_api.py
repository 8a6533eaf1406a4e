"""POST /events: what each CloudEvent says, once."""

import json
from datetime import UTC, datetime

import pytest
import time_machine

from kpis.models import InvoiceException, InvoiceMetric, SeenEvent
from tests.calling import JSON, NDJSON, Caller, a_caller, data

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
AT = "2026-11-10T11:00:00+02:00"
MOMENT = datetime(2026, 11, 10, 9, tzinfo=UTC)
ONE, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def api() -> Caller:
    return a_caller()


def event(**changes: object) -> dict[str, object]:
    plain = {"specversion": "1.0", "id": "1", "source": "/intake", "type": "invoice.ready", "subject": "A", "time": AT}
    return {**plain, **changes}


def counts(answer) -> tuple[int, ...]:
    got = data(answer)
    return tuple(got[name] for name in ("received", "created", "updated", "unchanged", "rejected"))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("invoice.uploaded", {"uploaded_at": MOMENT}),
        ("invoice.extracted", {"extracted_at": MOMENT}),
        ("invoice.validated", {"validated_at": MOMENT}),
        ("invoice.ready", {"ready_at": MOMENT}),
        ("invoice.approved", {"approved_at": MOMENT}),
        ("invoice.rejected", {"rejected_at": MOMENT}),
        ("invoice.completed", {"completed_at": MOMENT, "processing_outcome": "succeeded"}),
        ("invoice.failed", {"completed_at": MOMENT, "processing_outcome": "failed"}),
        ("invoice.voided", {"voided_at": MOMENT}),
        ("invoice.duplicate_flagged", {"duplicate_flagged": True, "duplicate_confirmed_at": None}),
        ("invoice.duplicate_confirmed", {"duplicate_confirmed": True, "duplicate_confirmed_at": MOMENT}),
    ],
)
def test_the_type_says_which_step_the_time_is(api: Caller, kind: str, said: dict) -> None:
    body = event(type=kind, data={"vendor": "Acme", "page_count": 2})
    assert counts(api.post("events", body, ONE)) == (1, 1, 0, 0, 0)

    row = InvoiceMetric.objects.get(invoice_id="A")
    assert {name: getattr(row, name) for name in said} == said
    assert (row.vendor, row.page_count) == ("Acme", 2)


def test_exceptions_open_and_are_resolved(api: Caller) -> None:
    opened = event(type="exception.opened", subject="E", data={"invoice_id": "A", "kind": "price"})
    resolved = event(type="exception.resolved", subject="E", id="2", time="2026-11-10T10:00:00Z")
    assert counts(api.post("events", [opened, resolved], BATCH)) == (2, 1, 1, 0, 0)

    row = InvoiceException.objects.get(exception_id="E")
    assert (row.invoice_id, row.kind, row.resolved_after) == ("A", "price", 3600.0)


def test_an_event_seen_before_changes_nothing_even_if_it_now_says_otherwise(api: Caller) -> None:
    api.post("events", event(), ONE)
    assert counts(api.post("events", event(type="invoice.voided"), ONE)) == (1, 0, 0, 1, 0)
    assert InvoiceMetric.objects.get().voided_at is None

    assert counts(api.post("events", event(type="invoice.voided", source="/other"), ONE)) == (1, 0, 1, 0, 0)
    assert InvoiceMetric.objects.get().voided_at == MOMENT


def test_an_event_that_comes_twice_in_one_batch_counts_once(api: Caller) -> None:
    assert counts(api.post("events", [event(), event(), event(id="2", type="invoice.voided")], BATCH)) == (
        3,
        1,
        1,
        1,
        0,
    )
    assert SeenEvent.objects.count() == 2


def test_a_refused_event_is_not_remembered(api: Caller) -> None:
    assert api.post("events", event(data={"colour": "red"}), ONE).status_code == 422
    assert not SeenEvent.objects.exists()
    assert counts(api.post("events", event(), ONE)) == (1, 1, 0, 0, 0)


REFUSED = {
    "another version": ({"specversion": "0.3"}, "specversion"),
    "no version": ({"specversion": None}, "specversion"),
    "no id": ({"id": None}, "id"),
    "an empty id": ({"id": ""}, "id"),
    "no source": ({"source": None}, "source"),
    "an unknown type": ({"type": "invoice.eaten"}, "type"),
    "no subject": ({"subject": None}, "subject"),
    "no time": ({"time": None}, "time"),
    "a time without an offset": ({"time": "2026-11-10T11:00:00"}, "time"),
    "a time far ahead": ({"time": "2027-11-10T11:00:00Z"}, "time"),
    "data that is no object": ({"data": [1]}, "data"),
    "binary data": ({"data_base64": "e30="}, "data_base64"),
    "an unknown field": ({"data": {"colour": "red"}}, "data.colour"),
    "a bad field": ({"data": {"vendor": 5}}, "data.vendor"),
    "another id in the data": ({"data": {"invoice_id": "B"}}, "data.invoice_id"),
    "another time in the data": ({"data": {"ready_at": "2026-11-10T11:00:00Z"}}, "data.ready_at"),
    "another outcome": (
        {"type": "invoice.failed", "data": {"processing_outcome": "succeeded"}},
        "data.processing_outcome",
    ),
    "ready before uploaded": ({"data": {"uploaded_at": "2026-11-10T11:00:00Z"}}, "time"),
}


@pytest.mark.parametrize(("change", "field"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_with_an_event_is_named(api: Caller, change: dict, field: str) -> None:
    single = api.post("events", event(**change), ONE)
    assert single.status_code == 422
    assert [error["field"] for error in single.json()["errors"]] == [field]

    batch = api.post("events", [event(**change), event(id="good", subject="B")], BATCH)
    assert counts(batch) == (2, 1, 0, 0, 1)
    (refused,) = data(batch)["errors"]
    assert refused["event_id"] == event(**change)["id"] or field == "id"
    assert [error["field"] for error in refused["errors"]] == [field]


def test_extensions_and_what_the_data_repeats_are_let_through(api: Caller) -> None:
    body = event(traceparent="00-1-2-3", datacontenttype="application/json", dataschema="https://x.example/s")
    body["data"] = {"invoice_id": "A", "ready_at": "2026-11-10T09:00:00Z", "vendor": "Acme"}
    assert counts(api.post("events", body, ONE)) == (1, 1, 0, 0, 0)
    assert InvoiceMetric.objects.get().vendor == "Acme"


@pytest.mark.parametrize("media", [ONE, BATCH, JSON, ""])
def test_one_and_many_are_told_apart_by_the_body(api: Caller, media: str) -> None:
    assert counts(api.post("events", event(), media)) == (1, 1, 0, 0, 0)
    assert counts(api.post("events", [event(id="2"), event(id="3", subject="B")], media)) == (2, 1, 0, 1, 0)


def test_events_come_as_lines_too_and_all_or_none_when_atomic(api: Caller) -> None:
    lines = b"\n".join(json.dumps(each).encode() for each in (event(), {}))
    assert counts(api.post("events", lines, NDJSON)) == (2, 1, 0, 0, 1)
    assert api.post("events?atomic=true", [event(subject="B"), {}], BATCH).status_code == 422
    assert not InvoiceMetric.objects.filter(invoice_id="B").exists()


def test_too_many_events_are_refused_as_a_whole(api: Caller) -> None:
    answer = api.post("events", [event(id=str(n)) for n in range(5_001)], BATCH)
    assert answer.status_code == 413
    assert "5,000" in answer.json()["detail"]
