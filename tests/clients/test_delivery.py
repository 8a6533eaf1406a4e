"""Every message reaches the portal, whatever happens on the way: real servers that misbehave."""

import json
import logging

import pytest
from slo_portal_client import PortalError, Rejected

from tests.clients.conftest import TAKEN, Open
from tests.clients.receipts import API, bodies, ids, rows
from tests.sink import Sink

INVOICES, EVENTS = f"{API}invoices", f"{API}events"


def problem(status: int, **more: object) -> str:
    return f"{status} {json.dumps({'detail': 'No.', **more})}"


def test_messages_arrive_in_batches_in_their_order(sink: Sink, open_portal: Open):
    portal = open_portal(max_age=60.0, batch_size=100)
    assert all(portal.invoice(f"INV-{n}", page_count=n) for n in range(250))
    assert portal.flush()
    assert rows(sink) == [{"invoice_id": f"INV-{n}", "page_count": n} for n in range(250)]
    assert [len(body["invoices"]) for body in bodies(sink)] == [100, 100, 50]
    assert (portal.waiting, portal.counts.sent) == (0, 250)


def test_a_message_leaves_by_itself_when_it_is_old_enough(sink: Sink, open_portal: Open):
    open_portal(max_age=0.05).invoice("INV-1")
    sink.ledger.wait_for(1, accepted=True)


def test_a_request_says_who_sends_what(sink: Sink, open_portal: Open):
    portal = open_portal()
    portal.event("invoice.approved", "INV-1", vendor="Acme")
    portal.exception("E-1", kind="price")
    assert portal.flush()
    events, exceptions = sink.ledger.entries()
    assert events.target == EVENTS
    assert events.headers["Content-Type"] == "application/cloudevents-batch+json"
    assert events.headers["Authorization"] == "Bearer secret-token"
    [event] = json.loads(events.body)
    assert event.items() >= {"specversion": "1.0", "source": "tests", "type": "invoice.approved"}.items()
    assert event["data"] == {"vendor": "Acme"}
    assert json.loads(exceptions.body) == {"exceptions": [{"exception_id": "E-1", "kind": "price"}]}


@pytest.mark.parametrize("steps", [["500"], ["503 0", "429 0"], ["closed"], ["garbage"], ["200 welcome to our proxy"]])
def test_the_same_is_sent_again_under_the_same_key(sink: Sink, open_portal: Open, steps):
    sink.http.script.play(EVENTS, *steps)
    portal = open_portal()
    portal.event("invoice.ready", "INV-1")
    assert portal.flush()
    sent = sink.ledger.entries()
    assert len(sent) == len(steps) + 1
    assert {(entry.body, entry.key) for entry in sent} == {(sent[0].body, sent[0].key)}
    assert sent[0].key


def test_what_was_taken_in_without_an_answer_is_sent_again_under_the_same_key(sink: Sink, open_portal: Open):
    sink.http.script.play(INVOICES, "accepted")
    portal = open_portal()
    portal.invoice("INV-1")
    assert portal.flush()
    first, second = sink.ledger.entries(accepted=True)
    assert (first.key, first.body) == (second.key, second.body)


def test_two_acts_that_look_alike_have_two_keys(sink: Sink, open_portal: Open):
    portal = open_portal()
    for vendor in ("Acme", "Other", "Acme"):
        portal.invoice("INV-1", vendor=vendor)
        assert portal.flush()
    assert len({entry.key for entry in sink.ledger.entries()}) == 3


@pytest.mark.parametrize("step", ["hang", "drip", "endless"])
def test_an_answer_that_never_ends_is_given_up(sink: Sink, open_portal: Open, step):
    sink.http.script.play(INVOICES, step)
    portal = open_portal(timeout=0.3)
    portal.invoice("INV-1")
    assert portal.flush()
    assert len(sink.ledger.entries()) == 2


def test_the_portal_says_when_to_come_again(sink: Sink, open_portal: Open):
    sink.http.script.always("*", "429 300")
    portal = open_portal()
    portal.invoice("INV-1")
    assert not portal.flush(0.3)  # other failures are tried again many times in this time
    assert len(sink.ledger.entries()) == 1
    sink.http.script.always("*", "429 0")
    other = open_portal()
    other.invoice("INV-1")
    assert not other.flush(0.3)
    assert len(sink.ledger.entries()) > 2


def test_a_portal_that_is_gone_is_waited_for(sink: Sink, open_portal: Open):
    sink.http.script.play("connect", *["drop"] * 5)
    portal = open_portal()
    assert portal.invoice("INV-1")
    assert portal.flush()
    assert ids(sink) == ["INV-1"]


@pytest.mark.parametrize("step", ["401", "403", "404", "405", "302 http://elsewhere.invalid/"])
def test_what_an_operator_can_mend_loses_nothing_and_the_token_goes_nowhere_else(
    sink: Sink, open_portal: Open, step, caplog
):
    sink.http.script.play(INVOICES, step, step)
    portal = open_portal()
    portal.invoice("INV-1")
    assert portal.flush()
    assert ids(sink) == ["INV-1"]
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1  # once for each trouble, not for each attempt
    assert step.split()[0] in warnings[0]
    assert "secret-token" not in caplog.text


def test_what_the_portal_rejects_is_named_by_field_and_reason(sink: Sink, open_portal: Open):
    error = {"field": "amount", "code": "type", "message": "Expected a number."}
    answer = {"received": 3, "rejected": 1, "errors": [{"index": 1, "invoice_id": "INV-1", "errors": [error]}]}
    sink.http.script.play(INVOICES, "200 " + json.dumps({"success": True, "data": answer}))
    told: list[Rejected] = []
    portal = open_portal(max_age=60.0, on_rejected=told.append)
    for n in range(3):
        portal.invoice(f"INV-{n}")
    assert portal.flush()
    [rejected] = told
    assert (rejected.path, rejected.id, str(rejected.errors[0])) == ("invoices", "INV-1", "amount: Expected a number.")
    assert (portal.counts.sent, portal.counts.rejected) == (2, 1)


def test_without_a_callback_the_log_says_it(sink: Sink, open_portal: Open, caplog):
    sink.http.script.play(
        INVOICES, problem(422, errors=[{"field": "vendor", "code": "type", "message": "Not a text."}])
    )
    portal = open_portal()
    portal.invoice("INV-1")
    assert portal.flush()
    assert "INV-1 was rejected: vendor: Not a text." in caplog.text


@pytest.mark.parametrize("status", [400, 413, 422])
def test_one_that_spoils_a_batch_is_found_and_the_others_are_sent(sink: Sink, open_portal: Open, status):
    no = problem(status)
    sink.http.script.play(INVOICES, no, TAKEN, no, no, TAKEN)  # 0-3; 0-1; 2-3; 2; 3
    told: list[Rejected] = []
    portal = open_portal(max_age=60.0, on_rejected=told.append)
    for n in range(4):
        portal.invoice(f"INV-{n}")
    assert portal.flush()
    assert [rejected.id for rejected in told] == ["INV-2"]
    assert ids(sink) == ["INV-0", "INV-1", "INV-3"]
    assert (portal.counts.sent, portal.counts.rejected) == (3, 1)


def test_a_callback_that_fails_stops_nothing(sink: Sink, open_portal: Open, caplog):
    def fails(rejected: Rejected) -> None:
        raise RuntimeError("of the workflow")

    sink.http.script.play(INVOICES, problem(422))
    portal = open_portal(on_rejected=fails)
    portal.invoice("INV-1")
    assert portal.flush()
    portal.invoice("INV-2")
    assert portal.flush()
    assert ids(sink) == ["INV-2"]
    assert "of the workflow" in caplog.text


def test_flush_and_close_keep_their_time_limits(sink: Sink, open_portal: Open, caplog):
    sink.http.script.always("*", "hang")
    portal = open_portal(timeout=1.0)
    portal.invoice("INV-1")
    assert not portal.flush(0.1)
    assert not portal.close(0.1)
    assert "1 messages are lost" in caplog.text
    assert not portal.invoice("INV-2")


def test_a_strict_portal_says_what_has_not_arrived(sink: Sink, open_portal: Open):
    portal = open_portal(strict=True)
    sink.http.script.play(INVOICES, problem(422))
    portal.invoice("INV-1")
    with pytest.raises(PortalError, match="1 messages were rejected"):
        portal.flush()
    portal.invoice("INV-2")
    assert portal.flush()  # each is told once
    sink.http.script.always("*", "500")
    portal.invoice("INV-3")
    with pytest.raises(PortalError, match="1 still wait"):
        portal.close(0.05)


def test_memory_is_bounded_and_the_oldest_go_first(sink: Sink, open_portal: Open, caplog):
    sink.http.script.always("*", "hang")
    portal = open_portal(memory_bytes=20_000, timeout=1.0)
    portal.invoice("INV-0")
    sink.ledger.wait_for(1)  # what is on its way is not dropped
    for n in range(1, 1000):
        assert portal.invoice(f"INV-{n}")
    counts = portal.counts
    assert (counts.recorded, counts.sent) == (1000, 0)
    assert 500 < counts.dropped < 999
    assert portal.waiting == 1000 - counts.dropped
    assert 3 < caplog.text.count("dropped the oldest") < 12
