"""Several writers at once: no error, no lost field, no figure that misses a change."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from accounts.models import Organization
from kpis import events
from kpis.ingest import Result, store_events, store_rows
from kpis.messages import EXCEPTION, INVOICE
from kpis.models import DirtyBucket, InvoiceException, InvoiceMetric, SeenEvent
from slos.models import SLIBucket, SLIType
from slos.tick import tick
from tests.calling import an_organization
from tests.together import Work, together

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def storing(organization: Organization, rows: Sequence[dict[str, Any]], size: int) -> Work:
    def work() -> list[Result]:
        return [store_rows(INVOICE, organization, rows[at : at + size], now=NOW) for at in range(0, len(rows), size)]

    return work


def test_overlapping_batches_in_opposite_orders_keep_what_each_of_them_said() -> None:
    organization = an_organization()
    keys = [f"i{n:03}" for n in range(200)]
    fields = [{"vendor": "Acme"}, {"page_count": 2}, {"ready_at": NOW}, {"labels": {"a": "1"}}, {"labels": {"b": "2"}}]
    works = [
        storing(organization, [{"invoice_id": key, **said} for key in (keys if n % 2 else reversed(keys))], 50)
        for n, said in enumerate(fields)
    ]
    results = [result for several in together(*works) for result in several]

    assert sum(result.created for result in results) == len(keys)
    assert sum(result.updated for result in results) == (len(fields) - 1) * len(keys)
    rows = InvoiceMetric.objects.filter(
        organization=organization, vendor="Acme", page_count=2, ready_at=NOW, labels={"a": "1", "b": "2"}
    )
    assert rows.count() == len(keys) == InvoiceMetric.objects.count()


@pytest.mark.parametrize("known", [True, False], ids=["known before", "new to both"])
def test_a_batch_merges_into_what_another_left_that_it_had_to_wait_for(known: bool) -> None:
    organization = an_organization()
    if known:
        store_rows(INVOICE, organization, [{"invoice_id": "both", "labels": {"a": "1"}}], now=NOW)
    stored, done = threading.Event(), threading.Event()

    def first() -> None:
        with transaction.atomic():
            row = {"invoice_id": "both", "ready_at": NOW - HOUR, "labels": {"b": "2"}}
            store_rows(INVOICE, organization, [row], now=NOW)
            stored.set()
            while not (somebody_waits() or done.is_set()):
                pass

    def second() -> Result:
        stored.wait()
        rows = [{"invoice_id": key, "ready_at": NOW, "labels": {"c": "3"}} for key in ("another", "both")]
        result = store_rows(INVOICE, organization, rows, now=NOW)
        done.set()
        return result

    _, result = together(first, second)
    assert (result.created, result.updated) == (1, 1)
    row = InvoiceMetric.objects.get(invoice_id="both")
    assert (row.ready_at, row.labels) == (NOW, {"b": "2", "c": "3"} | ({"a": "1"} if known else {}))
    marks = DirtyBucket.objects.filter(field="ready_at", start=NOW - HOUR)
    assert marks.count() == 2  # by the first, and again by the second, which took it away


def test_the_same_events_at_once_are_stored_once() -> None:
    organization = an_organization()
    body = b"[%s]" % b",".join(
        b'{"specversion":"1.0","id":"%d","source":"/s","type":"invoice.ready","subject":"i%d","time":"2026-11-10T09:00:00Z"}'
        % (n, n % 40)
        for n in range(80)
    )

    def work() -> Result:
        return store_events(organization, events.decode(body, NOW)[0], now=NOW)

    results = together(work, work, work, work)
    assert sum(result.created for result in results) == 40
    assert all(result.received == 80 and not result.updated for result in results)
    assert (InvoiceMetric.objects.count(), SeenEvent.objects.count()) == (40, 80)


def test_an_exception_and_the_voiding_of_its_invoice_meet_whoever_comes_first() -> None:
    organization = an_organization()
    numbers = range(30)
    store_rows(INVOICE, organization, [{"invoice_id": f"i{n}"} for n in numbers if n % 2], now=NOW)

    def except_() -> None:
        for n in numbers:
            opened = NOW - timedelta(hours=4 + n)  # in a bucket that nothing else marks
            row = {"exception_id": f"e{n}", "invoice_id": f"i{n}", "opened_at": opened, "resolved_at": opened + HOUR}
            store_rows(EXCEPTION, organization, [row], now=NOW)

    def void() -> None:
        for n in numbers:
            if n % 3:
                store_rows(INVOICE, organization, [{"invoice_id": f"i{n}", "voided_at": NOW}], now=NOW)

    def look() -> None:
        for _ in range(10):
            tick(organization, now=NOW)

    together(except_, void, look)
    tick(organization, now=NOW)

    counted = SLIBucket.objects.filter(slo__sli_type=SLIType.EXCEPTION_RESOLUTION_TIME, width=5)
    assert InvoiceException.objects.count() == len(numbers)
    resolved = {NOW - timedelta(hours=3 + n) for n in numbers if n % 3 == 0}  # those whose invoice is not void
    assert {bucket.start: (bucket.good, bucket.total) for bucket in counted} == dict.fromkeys(resolved, (1, 1))


def test_an_exception_that_comes_while_its_invoice_is_being_voided_waits_for_that() -> None:
    organization = an_organization()
    store_rows(INVOICE, organization, [{"invoice_id": "void"}, {"invoice_id": "kept"}], now=NOW)
    voiding, counted = threading.Event(), threading.Event()

    def void() -> None:
        with transaction.atomic():
            store_rows(INVOICE, organization, [{"invoice_id": "void", "voided_at": NOW}], now=NOW)
            voiding.set()
            while not (somebody_waits() or counted.is_set()):
                pass

    def except_() -> None:
        voiding.wait()
        times = {"opened_at": NOW - 4 * HOUR, "resolved_at": NOW - 3 * HOUR}
        rows = [{"exception_id": name, "invoice_id": name, **times} for name in ("kept", "void")]
        store_rows(EXCEPTION, organization, rows, now=NOW)
        tick(organization, now=NOW)  # whatever it counts, nobody may rely on a later mark that never comes
        counted.set()

    together(void, except_)
    tick(organization, now=NOW)
    (bucket,) = SLIBucket.objects.filter(slo__sli_type=SLIType.EXCEPTION_RESOLUTION_TIME, width=5)
    assert (bucket.start, bucket.total) == (NOW - 3 * HOUR, 1)


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0] > 0


def test_a_batch_that_is_the_victim_of_a_deadlock_is_stored_all_the_same() -> None:
    organization = an_organization()
    store_rows(INVOICE, organization, [{"invoice_id": "a"}, {"invoice_id": "b"}], now=NOW)
    locked = threading.Event()
    lock = "SELECT FROM kpis_invoicemetric WHERE invoice_id = %s FOR UPDATE"

    def other() -> None:
        with suppress(OperationalError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(lock, ["b"])
            locked.set()
            while not somebody_waits():  # the batch, for b; it waits longer than we do: it gives in, unless it is slow
                pass
            cursor.execute(lock, ["a"])

    def batch() -> Result:
        locked.wait()
        rows = [{"invoice_id": "a", "vendor": "x"}, {"invoice_id": "b", "vendor": "x"}]
        return store_rows(INVOICE, organization, rows, now=NOW)

    deadlocks = number_of_deadlocks()
    _, result = together(other, batch)
    assert result.updated == 2
    assert InvoiceMetric.objects.filter(vendor="x").count() == 2
    assert number_of_deadlocks() == deadlocks + 1


def number_of_deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]
