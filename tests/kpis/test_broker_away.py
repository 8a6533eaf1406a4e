"""A broker that refuses or is frozen: facts are stored and answered all the same, and the pokes come later."""

import os
import signal
from collections.abc import Iterator

import pytest
from celery import current_app

from kpis import poke
from kpis.models import InvoiceMetric
from kpis.poke import Poker
from slo_portal.local import Valkey
from tests.calling import Caller, a_caller, data

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def poker(monkeypatch: pytest.MonkeyPatch) -> Poker:
    """One whose thread only this test has started."""
    monkeypatch.setattr(poke, "_poker", Poker())
    return poke._poker


@pytest.fixture
def broker(valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> Valkey:
    monkeypatch.setattr(current_app.conf, "broker_url", f"redis+socket://{valkey.socket}?virtual_host=0")
    with current_app.connection_for_read() as connection:
        connection.default_channel.client.delete("celery")  # what other tests have asked for
    return valkey


@pytest.fixture
def frozen(broker: Valkey) -> Iterator[int]:
    """The process of a broker that accepts connections and never answers."""
    with current_app.connection_for_read() as connection:
        pid = int(connection.default_channel.client.info("server")["process_id"])
    os.kill(pid, signal.SIGSTOP)
    yield pid
    os.kill(pid, signal.SIGCONT)


def a_poke_arrives() -> bool:
    with current_app.connection_for_read() as connection:
        return connection.default_channel.client.blpop("celery", timeout=20) is not None


def store(api: Caller, number: int) -> None:
    assert data(api.post("invoices", {"invoice_id": str(number)}))["created"] == 1
    assert InvoiceMetric.objects.filter(invoice_id=str(number)).exists()


def test_a_poke_reaches_a_broker_that_is_there(broker: Valkey, poker: Poker) -> None:
    store(a_caller(), 1)
    assert a_poke_arrives()


def test_requests_do_not_wait_for_a_frozen_broker_and_it_gets_its_poke_when_it_is_back(
    frozen: int, poker: Poker
) -> None:
    api = a_caller()
    for number in range(20):
        store(api, number)
    assert poker.thread is not None
    assert poker.thread.is_alive()

    os.kill(frozen, signal.SIGCONT)
    store(api, 20)
    assert a_poke_arrives()


def test_requests_do_not_notice_that_nobody_listens(poker: Poker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current_app.conf, "broker_url", "redis://127.0.0.1:1/0")
    api = a_caller()
    for number in range(3):
        store(api, number)
    assert poker.thread is not None
    assert poker.thread.is_alive()
