"""Transactions that overlap and commit in another order than they began: nothing is ever missed."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Event, Thread

import pytest
from django.db import connection, transaction

from accounts.models import Organization
from kpis.ingest import store_rows
from kpis.messages import EXCEPTION, INVOICE
from kpis.models import DirtyBucket
from slos.models import SLIBucket, SLODefinition
from slos.tick import tick
from tests.slos.playing import create_slos

pytestmark = pytest.mark.django_db(transaction=True)

AT = datetime(2024, 5, 6, 9, 2, tzinfo=UTC)
NOW = AT + timedelta(days=1)
PATIENCE = 60  # seconds, before a test that hangs gives up


@pytest.fixture
def organization() -> Organization:
    return Organization.objects.create(name="Firm", slug="firm")


@pytest.fixture
def slos(organization: Organization) -> dict[str, SLODefinition]:
    limits = dict.fromkeys(("time_to_ready", "approval_latency", "exception_resolution_time"), (Decimal(2), "hours"))
    return create_slos(organization, limits)


@contextmanager
def elsewhere(work: Callable[[], object]) -> Iterator[Thread]:
    """`work` on another connection, at the same time; it is over at the end."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = Thread(target=run, daemon=True)
    thread.start()
    yield thread
    thread.join(PATIENCE)
    assert not thread.is_alive()


def total(slo: SLODefinition) -> int:
    return sum(SLIBucket.objects.filter(slo=slo, width=5).values_list("total", flat=True))


def completed(organization: Organization, name: str) -> None:
    row = {"invoice_id": name, "completed_at": AT, "processing_outcome": "succeeded"}
    assert store_rows(INVOICE, organization, [row], now=NOW).created == 1


def test_what_is_written_first_and_committed_last_is_counted(
    organization: Organization, slos: dict[str, SLODefinition]
) -> None:
    written, go_on = Event(), Event()

    def write_and_wait() -> None:
        with transaction.atomic():
            completed(organization, "first")
            written.set()
            assert go_on.wait(PATIENCE)

    with elsewhere(write_and_wait):
        assert written.wait(PATIENCE)
        completed(organization, "second")
        tick(organization, now=NOW)
        assert total(slos["processing_success_rate"]) == 1
        go_on.set()
    tick(organization, now=NOW)
    assert total(slos["processing_success_rate"]) == 2


def test_what_commits_while_a_tick_is_under_way_is_left_to_the_next(
    organization: Organization, slos: dict[str, SLODefinition]
) -> None:
    completed(organization, "first")
    with transaction.atomic():
        tick(organization, now=NOW)
        with elsewhere(lambda: completed(organization, "second")):
            pass
    assert DirtyBucket.objects.filter(organization=organization).exists()
    tick(organization, now=NOW)
    assert total(slos["processing_success_rate"]) == 2
    assert not DirtyBucket.objects.filter(organization=organization).exists()


def test_only_one_tick_of_an_organisation_runs_at_a_time(
    organization: Organization, slos: dict[str, SLODefinition]
) -> None:
    ran: list[bool] = []
    with transaction.atomic():
        assert tick(organization, now=NOW).ran
        with elsewhere(lambda: ran.append(tick(organization, now=NOW).ran)):
            pass
    with elsewhere(lambda: ran.append(tick(organization, now=NOW).ran)):
        pass
    assert ran == [False, True]


def blocked_or_over(thread: Thread) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return cursor.fetchone()[0] or not thread.is_alive()


def exception_stored(organization: Organization) -> None:
    row = {"exception_id": "e", "invoice_id": "i", "opened_at": AT}
    assert store_rows(EXCEPTION, organization, [row], now=NOW).created == 1
    tick(organization, now=NOW)


@pytest.mark.parametrize("known", [True, False])
def test_an_exception_that_arrives_while_its_invoice_is_voided_is_not_counted(
    organization: Organization, slos: dict[str, SLODefinition], known: bool
) -> None:
    if known:
        completed(organization, "i")
    with ExitStack() as other, transaction.atomic():
        store_rows(INVOICE, organization, [{"invoice_id": "i", "voided_at": AT}], now=NOW)
        thread = other.enter_context(elsewhere(lambda: exception_stored(organization)))
        while not blocked_or_over(thread):
            pass
    tick(organization, now=NOW)
    assert total(slos["exception_resolution_time"]) == 0
    store_rows(INVOICE, organization, [{"invoice_id": "i", "voided_at": None}], now=NOW)
    tick(organization, now=NOW)
    assert total(slos["exception_resolution_time"]) == 1
