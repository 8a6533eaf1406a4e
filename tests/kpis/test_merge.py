"""The merge in SQL against a naive one, message by message, in any order and any batches."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.models import Organization
from kpis import messages
from kpis.ingest import Result, store_rows
from kpis.merge import FINDS_INVOICES, NO_TIME
from kpis.models import DirtyBucket, InvoiceException, InvoiceMetric
from kpis.periods import floor
from tests.oracle.facts import EXCEPTION, FIELDS, INVOICE, TIMES, World

pytestmark = pytest.mark.django_db
KINDS = {INVOICE: messages.INVOICE, EXCEPTION: messages.EXCEPTION}
MODELS = {INVOICE: InvoiceMetric, EXCEPTION: InvoiceException}
KEYS = {INVOICE: "invoice_id", EXCEPTION: "exception_id"}
NUMBERS = count()
DAY = datetime(2026, 11, 10, tzinfo=UTC)

instants = st.integers(0, 2_000).map(lambda minutes: DAY + timedelta(minutes=minutes, microseconds=minutes % 3))
words = st.sampled_from(["a", "b", "ü😀", ""])
letters = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
hard_letters = st.sampled_from("\\\"'\n\r\t\b\f\x01,;[]{}nut0.N")
flags = st.booleans()
labels = st.dictionaries(st.sampled_from(["x", "y", "z"]), st.none() | words, max_size=3)
values: dict[str, st.SearchStrategy[Any]] = {
    "amount": st.decimals(-100, 100, places=4),
    "extraction_confidence": st.decimals(0, 1, places=6),
    "currency": st.sampled_from(["EUR", "USD"]),
    "processing_outcome": st.sampled_from(["succeeded", "failed"]),
    "page_count": st.integers(0, 3),
    "retry_count": st.integers(0, 3),
    "labels": labels,
    **dict.fromkeys(("structural_valid", "math_valid", "duplicate_flagged", "duplicate_confirmed"), flags),
    "requires_human_review": flags,
}


def one_message(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """Some fields named, some null, the others absent; two or three rows share all of it."""
    fields = {
        name: st.none() | values.get(name, instants if name.endswith("_at") else words.filter(bool))
        for name in FIELDS[kind]
        if name != KEYS[kind]
    }
    return st.fixed_dictionaries({KEYS[kind]: st.sampled_from(["1", "2", "3"])}, optional=fields)


def batches(kind: str) -> st.SearchStrategy[list[list[dict[str, Any]]]]:
    return st.lists(st.lists(one_message(kind), max_size=8), max_size=5)


def another_organization() -> Organization:
    """Each example of a test needs rows of its own."""
    number = next(NUMBERS)
    return Organization.objects.create(name=f"Number {number}", slug=f"n{number}")


def stored(kind: str, organization: Organization) -> dict[str, dict[str, Any]]:
    """The rows as the oracle keeps them: what is unknown is not there."""
    found = {}
    for row in MODELS[kind].objects.filter(organization=organization):
        fields = {name: getattr(row, name) for name in FIELDS[kind]}
        found[getattr(row, KEYS[kind])] = {k: v for k, v in fields.items() if v is not None and v != {}}
    return found


def told(world: World, kind: str, batch: Sequence[dict[str, Any]], now: datetime) -> Result:
    answers = [world.tell(kind, message, now) for message in batch]
    return Result(len(batch), *(answers.count(word) for word in ("created", "updated", "unchanged", "rejected")))


@pytest.mark.parametrize("kind", [INVOICE, EXCEPTION])
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_batches_end_as_if_each_message_had_come_alone(kind: str, data: st.DataObject) -> None:
    organization = another_organization()
    world, now = World(), DAY + timedelta(days=2)
    for batch in data.draw(batches(kind)):
        result, expected = store_rows(KINDS[kind], organization, batch, now=now), told(world, kind, batch, now)
        result.errors.clear()
        assert result == expected
        assert stored(kind, organization) == world.rows[kind]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.lists(one_message(INVOICE), max_size=4), many=st.lists(one_message(INVOICE), min_size=25, max_size=60))
def test_more_messages_about_one_row_than_are_applied_one_by_one_end_the_same(
    before: list[dict[str, Any]], many: list[dict[str, Any]]
) -> None:
    organization = another_organization()
    world, now = World(), DAY + timedelta(days=2)
    for batch in (before, [{**message, "invoice_id": "1"} for message in many]):
        result, expected = store_rows(messages.INVOICE, organization, batch, now=now), told(world, INVOICE, batch, now)
        assert (result.received, result.rejected) == (expected.received, expected.rejected)
        assert result.created + result.updated + result.unchanged + result.rejected == result.received
    assert stored(INVOICE, organization) == world.rows[INVOICE]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=one_message(INVOICE), second=one_message(INVOICE))
def test_every_instant_of_a_changed_row_is_marked_old_and_new(first: dict[str, Any], second: dict[str, Any]) -> None:
    organization = another_organization()
    world, now = World(), DAY + timedelta(days=2)
    expected = set()
    for message in ({**first, "invoice_id": "1"}, {**second, "invoice_id": "1"}):
        old = world.rows[INVOICE].get("1", {})
        if world.tell(INVOICE, message, now) in ("created", "updated"):
            rows = (old, world.rows[INVOICE]["1"])
            expected |= {(name, floor(row[name])) for row in rows for name in TIMES[INVOICE] if name in row}
            expected |= set() if set(rows[1]) & set(FINDS_INVOICES) else {(NO_TIME, floor(now))}
        store_rows(messages.INVOICE, organization, [message], now=now)
    marks = DirtyBucket.objects.filter(organization=organization)
    assert set(marks.values_list("field", "start")) == expected


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(hard_letters | letters, min_size=1, max_size=80))
@example("null")
@example("\\.")
def test_any_text_is_stored_as_it_came(text: str) -> None:
    organization = another_organization()
    message = {"invoice_id": text, "vendor": text, "labels": {text: text}}
    result = store_rows(messages.INVOICE, organization, [message, {"invoice_id": "other" + text}], now=DAY)
    assert result.created == 2
    row = InvoiceMetric.objects.get(organization=organization, invoice_id=text)
    assert (row.vendor, row.channel, row.labels) == (text, None, {text: text})


def test_more_decimals_than_are_kept_change_nothing_the_second_time() -> None:
    organization = another_organization()
    message = {"invoice_id": "1", "amount": Decimal("1.00005"), "extraction_confidence": Decimal("0.1234565")}
    results = [store_rows(messages.INVOICE, organization, [message], now=DAY) for _ in range(2)]
    assert [(result.created, result.unchanged) for result in results] == [(1, 0), (0, 1)]
    row = InvoiceMetric.objects.get()
    assert (row.amount, row.extraction_confidence) == (Decimal("1.0001"), Decimal("0.123457"))


def test_an_amount_is_refused_from_where_rounding_would_make_it_too_large_to_store() -> None:
    amounts = ["99999999999999.99994999", "99999999999999.99995", "-99999999999999.99995"]
    rows = [{"invoice_id": amount, "amount": Decimal(amount)} for amount in amounts]
    result = store_rows(messages.INVOICE, another_organization(), rows, now=DAY)
    assert (result.created, [error.index for error in result.errors]) == (1, [1, 2])
