"""Every message is a sign of life of its feed, by whichever way it comes, and none of them is lost on the way."""

import json
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import Sum

from accounts.models import Organization
from kpis import feeds, ingest
from kpis.messages import INVOICE
from kpis.models import Arrival, DirtyBucket, Feed, FeedCount
from slos.tick import tick
from tests.calling import Caller, a_caller, an_organization, data
from tests.facts import NOON, at, exception, firm, invoice
from tests.together import Before, together

BATCH = "application/cloudevents-batch+json"
pytestmark = pytest.mark.django_db


def heard(organization: Organization) -> dict[str, int]:
    """Messages by feed, as the ticks have counted them."""
    feeds.take(organization)
    assert not Arrival.objects.filter(organization=organization).exists()
    counted = FeedCount.objects.filter(organization=organization).values_list("feed")
    return dict(counted.annotate(Sum("messages")))


# --- ways in ------------------------------------------------------------------------------------------------
@pytest.fixture
def api() -> Any:
    with time_machine.travel(NOON, tick=False):
        yield a_caller()


def test_what_is_not_refused_counts_changed_or_not(api: Caller) -> None:
    body = {"invoices": [{"invoice_id": "a"}, {"invoice_id": "b"}, {"invoice_id": "c", "page_count": -1}]}
    api.post("invoices", body)
    assert heard(api.organization) == {"invoices": 2}
    assert data(api.post("invoices", body))["unchanged"] == 2
    assert heard(api.organization) == {"invoices": 4}
    api.post("exceptions", {"exception_id": "e"})
    assert heard(api.organization) == {"invoices": 4, "exceptions": 1}
    states = feeds.states(api.organization, now=NOON)
    spoke = {"invoices": NOON, "exceptions": NOON, "counts": None}
    assert {name: state.last_message_at for name, state in states.items()} == spoke


def test_events_count_by_what_they_are_about_the_repeated_ones_too(api: Caller) -> None:
    kinds = ["invoice.ready", "exception.opened", "invoice.approved", "nonsense"]
    moment = (NOON - timedelta(hours=1)).isoformat()
    plain = {"specversion": "1.0", "source": "/intake", "subject": "A", "time": moment}
    body = [{**plain, "id": kind, "type": kind} for kind in kinds]
    for times in (1, 2):
        api.post("events", body, BATCH)
        assert heard(api.organization) == {"invoices": 2 * times, "exceptions": times}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("system", {"metric_name": "cpu", "value": 1, "measured_at": NOON.isoformat()}),
        ("invoices", {"invoice_id": ""}),
        ("invoices?atomic=true", {"invoices": [{"invoice_id": "a"}, {"invoice_id": ""}]}),
        ("events", []),
    ],
    ids=["a system figure", "a refused row", "a refused batch", "nothing"],
)
def test_what_is_no_message_of_a_feed_is_no_sign_of_life(api: Caller, path: str, body: Any) -> None:
    api.post(path, body, BATCH if path == "events" else "application/json")
    assert heard(api.organization) == {}
    assert feeds.states(api.organization, now=NOON)["invoices"].last_message_at is None


@pytest.mark.parametrize(
    ("command", "key", "feed"),
    [("import_invoices", "invoice_id", "invoices"), ("import_exceptions", "exception_id", "exceptions")],
)
def test_an_imported_file_counts_unless_it_was_a_trial(tmp_path: Path, command: str, key: str, feed: str) -> None:
    organization = an_organization()
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps({key: str(n)}) + "\n" for n in range(2_500)))
    call_command(command, str(file), "--dry-run", "--json")
    assert heard(organization) == {}
    call_command(command, str(file), "--json")
    assert heard(organization) == {feed: 2_500}


# --- counting -----------------------------------------------------------------------------------------------
def test_messages_are_counted_by_the_bucket_in_which_they_came() -> None:
    organization, neighbour = firm(), firm("neighbour")
    for minutes in (-1, 0, 4.9, 2, 5):
        invoice(organization, "i", uploaded_at=0, now=at(minutes))
        exception(neighbour, "e", opened_at=0, now=at(minutes))
    tick(organization, now=at(6))
    invoice(organization, "i", uploaded_at=0, now=at(3))  # another process's, committed late
    tick(organization, now=at(6))

    counted = FeedCount.objects.filter(organization=organization).order_by("start")
    assert list(counted.values_list("feed", "start", "messages")) == [
        ("invoices", at(-5), 1),
        ("invoices", at(0), 4),
        ("invoices", at(5), 1),
    ]
    feed = Feed.objects.get()
    assert (feed.name, feed.first_message_at, feed.last_message_at) == ("invoices", at(-1), at(5))
    assert Arrival.objects.count() == 5  # the neighbour's


def test_counts_are_kept_for_five_weeks_before_the_last_message_however_long_ago_that_was() -> None:
    organization = firm()
    start = NOON - timedelta(weeks=6)
    for days in range(42):
        invoice(organization, "i", now=start + timedelta(days=days))
        exception(organization, "e", now=start)
        tick(organization, now=start + timedelta(days=days))
    tick(organization, now=NOON + timedelta(days=365))
    kept = {feed: FeedCount.objects.filter(feed=feed) for feed in ("invoices", "exceptions")}
    assert (kept["invoices"].count(), kept["exceptions"].count()) == (36, 1)
    assert kept["invoices"].earliest("start").start == start + timedelta(days=6)


# --- at once ------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_batches_and_ticks_at_once_lose_no_message() -> None:
    organization = firm()

    def send(name: str) -> None:
        for n in range(40):
            rows = [{"invoice_id": f"{name}{k}"} for k in range(n % 3 + 1)]
            ingest.store_rows(INVOICE, organization, rows, now=at(n))

    def look() -> None:
        for n in range(20):
            tick(organization, now=at(40 + n))

    together(partial(send, "a"), partial(send, "b"), look, look)
    assert heard(organization) == {"invoices": 2 * sum(n % 3 + 1 for n in range(40))}
    assert Feed.objects.get().last_message_at == at(39)


@pytest.mark.django_db(transaction=True)
def test_a_tick_that_hears_of_a_batch_has_its_marks_whenever_it_was_committed() -> None:
    organization = firm()
    outcomes = set()
    for n in range(100):
        now = at(10 * n)
        batch = partial(invoice, organization, f"i{n}", uploaded_at=now, now=now)
        moment = Before(n, batch)
        with connection.execute_wrapper(moment):
            tick(organization, now=now + timedelta(minutes=6))
        if not moment.done:
            break
        last = feeds.states(organization, now=now)["invoices"].last_message_at
        outcomes.add((last == now, DirtyBucket.objects.exists()))
        tick(organization, now=now + timedelta(minutes=7))
        assert not DirtyBucket.objects.exists()
    assert outcomes == {(True, False), (False, False), (False, True)}


def test_a_batch_that_is_rolled_back_was_no_message() -> None:
    organization = firm()
    with transaction.atomic():
        invoice(organization, "i", now=NOON)
        transaction.set_rollback(True)
    assert heard(organization) == {}
