"""From a request to a worker's queue, and that no request notices what the broker does."""

import os
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Organization
from kpis.messages import EARLIEST
from kpis.models import InvoiceMetric
from slo_portal import broker as workers
from slo_portal import schedule, tasks  # noqa: F401 - the listener finds tasks by their names
from slo_portal.celery import app
from slo_portal.listen import TICK, Listener
from slo_portal.local import Valkey
from slos.models import EngineState
from tests.calling import Caller, a_caller, an_organization, data

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]  # real processes that wait


@pytest.fixture
def broker(valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> Valkey:
    monkeypatch.setattr(app.conf, "broker_url", f"redis+socket://{valkey.socket}?virtual_host=0")
    monkeypatch.setattr(app, "_pool", None)  # of connections to the broker of other tests
    monkeypatch.setattr(app.amqp, "_producer_pool", None)
    with app.connection_for_read() as queue:
        queue.default_channel.client.delete("celery")  # what other tests have asked for
    return valkey


@pytest.fixture
def listener(broker: Valkey) -> Iterator[Listener]:
    """What beat runs beside itself; it has begun to listen."""
    thread = Listener()
    thread.start()
    while not _somebody_listens():
        assert thread.is_alive()
    yield thread
    stop(thread)


def stop(listener: Listener) -> None:
    listener.stopped.set()
    listener.join(30)
    assert not listener.is_alive()


@pytest.fixture
def frozen(broker: Valkey) -> Iterator[int]:
    """The process of a broker that accepts connections and never answers."""
    with app.connection_for_read() as queue:
        pid = int(queue.default_channel.client.info("server")["process_id"])
    os.kill(pid, signal.SIGSTOP)
    yield pid
    os.kill(pid, signal.SIGCONT)


def _somebody_listens() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted)")
        return cursor.fetchone()[0]


def a_tick_is_asked_for(seconds: int) -> bool:
    with app.connection_for_read() as queue:
        return queue.default_channel.client.blpop("celery", timeout=seconds) is not None


def store(api: Caller, number: int) -> None:
    assert data(api.post("invoices", {"invoice_id": str(number)}))["created"] == 1
    assert InvoiceMetric.objects.filter(invoice_id=str(number)).exists()


def until_a_tick_is_asked_for(api: Caller, listener: Listener) -> None:
    """Send facts until one is heard: it may still be about to listen, or pause after a failure."""
    for number in range(60):
        assert listener.is_alive()
        store(api, number)
        if a_tick_is_asked_for(1):
            return
    raise AssertionError("no tick was asked for")


def test_new_facts_ask_for_a_tick_at_once_and_known_ones_do_not(listener: Listener) -> None:
    api = a_caller()
    until_a_tick_is_asked_for(api, listener)
    assert data(api.post("invoices", {"invoice_id": "0"}))["unchanged"] == 1
    assert not a_tick_is_asked_for(1)


def test_of_two_one_listens(listener: Listener) -> None:
    second = Listener()
    second.start()
    until_a_tick_is_asked_for(a_caller(), listener)
    assert not a_tick_is_asked_for(1)  # one of the two has asked
    stop(second)


def test_requests_do_not_wait_for_a_frozen_broker_and_it_is_asked_again_when_it_is_back(
    listener: Listener, frozen: int
) -> None:
    api = a_caller()
    for number in range(1000, 1020):
        store(api, number)
    assert ticked(api.organization)  # the listener has done it itself
    os.kill(frozen, signal.SIGCONT)
    until_a_tick_is_asked_for(api, listener)


def test_who_hands_over_waits_for_a_frozen_broker_once_and_leaves_it_alone(broker: Valkey, frozen: int) -> None:
    assert not workers.takes(TICK, "1")
    assert not workers.takes(TICK, "2")  # the first one still hangs
    os.kill(frozen, signal.SIGCONT)
    assert taken_at_last("3")


def test_what_somebody_waits_for_goes_before_what_is_only_due_again(broker: Valkey) -> None:
    assert taken_at_last("due again", priority=workers.LATER)
    assert taken_at_last("asked for")
    with app.connection_for_read() as connection:
        queue = connection.SimpleQueue("celery")
        first, second = queue.get(timeout=5), queue.get(timeout=5)
        first.ack()
        second.ack()
    assert (first.payload[0], second.payload[0]) == (["asked for"], ["due again"])


def taken_at_last(organization: str, priority: int = workers.SOON) -> bool:
    """Whether the broker takes it within some time; PostgreSQL does the waiting."""
    for _ in range(200):
        if workers.takes(TICK, organization, priority=priority):
            return True
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.1)")
    return False


def test_a_tick_that_no_worker_does_is_done_by_the_listener(listener: Listener) -> None:
    api = a_caller()
    EngineState.objects.create(organization=api.organization, ticked_at=timezone.now())
    until_a_tick_is_asked_for(api, listener)  # and is taken out of the queue, as by a worker that dies
    before = timezone.now()
    assert ticked(api.organization, since=before)


def test_what_nobody_has_ticked_is_ticked_by_the_listener_unless_the_operator_has_switched_ticks_off(
    listener: Listener,
) -> None:
    ours, theirs = an_organization("ours"), an_organization("theirs")
    EngineState.objects.create(organization=theirs, ticked_at=timezone.now() + timedelta(hours=1))
    assert not ticked(ours, tries=3)  # there is no schedule yet
    schedule.ensure()
    assert ticked(ours)
    assert EngineState.objects.get(organization=theirs).ticked_at > timezone.now()


def ticked(organization: Organization, tries: int = 200, since: datetime = EARLIEST) -> bool:
    """Whether a tick comes within some time; PostgreSQL does the waiting."""
    for _ in range(tries):
        if EngineState.objects.filter(organization=organization, ticked_at__gt=since).exists():
            return True
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.2)")
    return False


def test_requests_do_not_notice_that_nobody_listens() -> None:
    api = a_caller()
    for number in range(3):
        store(api, number)
