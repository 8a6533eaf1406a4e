"""The broker refuses or freezes for a while under load: no request notices, and alerts still arrive in time."""

import os
import shutil
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from slo_portal.local import Valkey, start
from slo_portal.processes import stop
from tests.faults.client import Books, Client
from tests.faults.house import House, house, organization, say

pytestmark = pytest.mark.slow
TYPES = ["validation_pass_rate"]
EVERY = 1.0  # seconds from one breach to the next, each of another organisation
BAD = 40  # invoices: enough for an alert at once
IN_TIME = 15.0  # seconds from a breach to its receipt, at most


class Broker:
    """One of the test's own, which nobody starts again."""

    def __init__(self, folder: Path) -> None:
        self.server = Valkey(folder / "valkey", folder / "run")
        self.process: Popen[str] = start(self.server)
        self.url = f"redis+socket://{self.server.socket}?virtual_host=0"

    def freeze(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def come_back(self) -> None:
        self.process = start(self.server)


@pytest.fixture
def broker() -> Iterator[Broker]:
    folder = Path(tempfile.mkdtemp(prefix="slo-broker-"))
    broker = Broker(folder)
    yield broker
    broker.thaw()
    stop(broker.process, broker.server.program.stop_signal)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def running(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with (
        tempfile.TemporaryDirectory(prefix="slo-", ignore_cleanup_errors=True) as name,
        house(Path(name), REDIS_URL=broker.url) as portal,
    ):
        yield portal


@dataclass
class Load:
    """Breaches, one after the other, and requests all the time; each is made once and must succeed."""

    clients: list[Client]
    books: Books
    stopped: threading.Event = field(default_factory=threading.Event)
    breached: dict[str, float] = field(default_factory=dict)  # the time of the answer, by organisation
    slowest: float = 0.0  # seconds

    def breaches(self) -> None:
        for client in self.clients:
            client.send("bad", BAD, TYPES, good=False)
            self.breached[client.slug] = time.time()
            if self.stopped.wait(EVERY):
                return

    def requests(self) -> None:
        for number in count():
            client = self.clients[number % len(self.clients)]
            began = time.monotonic()
            client.send(f"work-{number}", 1, TYPES, good=True)
            client.insist("GET", "slos/dashboard")
            client.insist("GET", "alerts")
            self.slowest = max(self.slowest, time.monotonic() - began)
            if self.stopped.wait(0.1):
                return


@pytest.mark.parametrize("seconds", [20, pytest.param(60, marks=pytest.mark.long)])
@pytest.mark.parametrize(("harm", "mend"), [("freeze", "thaw"), ("kill", "come_back")])
def test_alerts_arrive_in_time_and_requests_succeed_while_the_broker_is_away(running, broker, harm, mend, seconds):
    slugs = [f"firm-{number}" for number in range(seconds * 2)]
    books = Books()
    tokens = running.furnish(*(organization(running.sink, slug, TYPES) for slug in slugs))
    clients = [Client(running.portal.port, slug, token, books) for slug, token in tokens.items()]
    load = Load(clients, books)
    with ThreadPoolExecutor(2) as pool:
        busy = [pool.submit(load.breaches), pool.submit(load.requests)]
        wait_until(lambda: len(load.breached) >= 5)
        began = time.time()
        getattr(broker, harm)()
        wait_until(lambda: time.time() - began >= seconds)
        ended = time.time()
        getattr(broker, mend)()
        wait_until(lambda: time.time() - ended >= IN_TIME)
        load.stopped.set()
        for one in busy:
            one.result()
    running.sink.ledger.wait_for(2 * len(load.breached), accepted=True, seconds=60)
    report(load, first_receipts(running), began, ended)
    assert books.statuses.keys() == {200}
    assert books.statuses[200] > seconds  # there was a load
    arrived(load, first_receipts(running), began, ended, promptly=seconds == 60)
    times = Counter((entry.target, entry.key) for entry in running.sink.ledger.entries(accepted=True))
    assert set(times.values()) == {1}


def wait_until(true: Any) -> None:
    for _ in range(2000):
        if true():
            return
        threading.Event().wait(0.1)
    raise AssertionError("it has not come true")


def first_receipts(house: House) -> dict[str, float]:
    """When each organisation's webhook was first called."""
    found: dict[str, float] = {}
    for entry in house.sink.ledger.entries(accepted=True):
        found.setdefault(entry.target.strip("/"), entry.time)
    return found


def arrived(load: Load, heard: dict[str, float], began: float, ended: float, *, promptly: bool) -> None:
    """All of them, and those of the time of harm within it: none waits for the broker. How fast is for a long run."""
    assert set(load.breached) <= set(heard)
    meanwhile = [slug for slug, at in load.breached.items() if began <= at < ended - IN_TIME]
    assert len(meanwhile) >= 4
    if promptly:
        assert {slug for slug in load.breached if heard[slug] - load.breached[slug] > IN_TIME} == set()
        assert [slug for slug in meanwhile if heard[slug] >= ended] == []
    assert [slug for slug in meanwhile if heard[slug] < ended]


def report(load: Load, heard: dict[str, float], began: float, ended: float) -> None:
    delays = sorted(heard[slug] - at for slug, at in load.breached.items() if began <= at < ended)
    say(
        f"{len(delays)} breaches while the broker was away: receipts after {delays[len(delays) // 2]:.1f} s (median),"
        f" {delays[-1]:.1f} s (longest); {load.books.statuses[200]} requests, the slowest three {load.slowest:.2f} s"
    )
