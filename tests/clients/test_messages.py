"""What is written down of a message, what cannot be, and how messages are put together."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from random import Random

import pytest
from slo_portal_client.messages import MAX_BYTES, CannotSend, Message, batches, event, row

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)


def test_fields_are_written_as_the_portal_reads_them():
    given = {"amount": Decimal("1234.56"), "ready_at": NOON, "vendor": "Łódź", "labels": {"a": None}, "channel": None}
    assert row("invoices", given).fields == {
        "amount": 1234.56,
        "ready_at": "2026-11-10T12:00:00+00:00",
        "vendor": "Łódź",
        "labels": {"a": None},
        "channel": None,
    }


@pytest.mark.parametrize(
    "value",
    [datetime(2026, 11, 10, 12), float("nan"), Decimal("Infinity"), object(), "\ud800", {"a": b"b"}],
    ids=["no offset", "nan", "infinite", "object", "half a character", "bytes"],
)
def test_what_cannot_be_written_is_refused_with_its_field(value):
    with pytest.raises(CannotSend) as caught:
        row("invoices", {"invoice_id": "INV-1", "vendor": value})
    assert [error.field for error in caught.value.errors] == ["vendor"]
    assert caught.value.errors[0].message


def test_one_that_is_too_large_is_refused():
    with pytest.raises(CannotSend, match="200,000 bytes"):
        row("invoices", {"vendor": "x" * MAX_BYTES})
    assert row("invoices", {"vendor": "x" * (MAX_BYTES - 100)})


def test_a_message_is_the_same_after_it_was_stored():
    message = row("invoices", {"invoice_id": "a b", "vendor": "line\nbreak\r\x85\u2028"})
    assert b"\n" not in message.record()
    assert Message.read(message.record()) == message


@pytest.mark.parametrize("record", [b"", b"x", b"invoices 1 [1]", b"system 1 {}", b"invoices 1 {", b"events 1 \xff"])
def test_what_is_no_message_is_not_read(record):
    with pytest.raises(ValueError, match=r"\w"):
        Message.read(record)


def an_invoice(name: str) -> Message:
    return row("invoices", {"invoice_id": name})


def an_event(name: str, kind: str = "invoice.ready") -> Message:
    return event({"type": kind, "subject": name}, {})


def test_messages_of_one_kind_share_a_request():
    given = [an_invoice("a"), an_event("b"), an_invoice("c"), an_event("d"), an_invoice("a")]
    assert batches(given) == [[given[0], given[2], given[4]], [given[1], given[3]]]


def test_what_is_said_about_one_row_keeps_its_order():
    given = [an_invoice("a"), an_event("a"), an_invoice("a")]
    assert batches(given) == [[message] for message in given]
    given = [row("exceptions", {"exception_id": "a"}), an_event("a"), row("exceptions", {"exception_id": "a"})]
    assert len(batches(given)) == 2  # an invoice of that name is another row


def test_no_message_overtakes_another_about_the_same_row():
    random = Random(1)
    for _ in range(200):
        given = []
        for _ in range(random.randrange(1, 30)):
            name, kind = random.choice("abc"), random.choice(["invoice.ready", "exception.opened"])
            given.append(random.choice([an_invoice, lambda name, kind=kind: an_event(name, kind)])(name))
        sent = [message for batch in batches(given) for message in batch]
        for about in {message.about for message in given}:
            assert [m for m in sent if m.about == about] == [m for m in given if m.about == about]
        assert sorted(message.id for message in sent) == sorted(message.id for message in given)
        assert all(len({message.path for message in batch}) == 1 for batch in batches(given))


def test_json_is_what_the_row_holds():
    assert json.loads(event({"id": "1", "time": NOON}, {"vendor": "Acme"}).row) == {
        "specversion": "1.0",
        "id": "1",
        "time": "2026-11-10T12:00:00+00:00",
        "data": {"vendor": "Acme"},
    }
