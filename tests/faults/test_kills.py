"""Processes are killed and frozen at random under load: nothing acknowledged is lost, every alert is received."""

import email
import email.policy
import itertools
import json
import os
import random
import re
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from tests.faults.client import FIELDS, Books, Client
from tests.faults.house import House, house, organization, say
from tests.faults.killer import Killer

pytestmark = pytest.mark.slow
KILLS = int(os.environ.get("KILLS", "200"))
SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
EVERY = (1.5, 4.5)  # seconds from one fault to the next
TYPES = list(FIELDS)
STAGES = ("burn_rate_warning", "error_budget_consumed", "error_budget_exhausted")  # one more with each bad batch
BAD = 22  # invoices in such a batch; two of them are 80 to 95 % of the budget beside SEEDED good ones and some more
SEEDED = 440
EXTRA_PER_KILL = 0.05
URL = re.compile(r"/alerts/([0-9a-f-]{36})/")


@dataclass
class Load:
    """What the clients do until they are told to stop: breaches one by one, good work all the time, answers."""

    clients: dict[str, Client]
    seconds: float  # over which the breaches are spread
    stopped: threading.Event = field(default_factory=threading.Event)
    answers: Counter[str] = field(default_factory=Counter)

    def breaches(self) -> None:
        """Every objective of every organisation gets its first bad batch, then each its second, then each its third."""
        plan = list(itertools.product(range(len(STAGES)), TYPES, self.clients.values()))
        for stage, sli_type, client in plan:
            client.send(f"bad-{stage}-{sli_type}", BAD, [sli_type], good=False)
            self.stopped.wait(self.seconds / len(plan))

    def work(self) -> None:
        for number in itertools.count():
            client = random.choice(list(self.clients.values()))
            client.send(f"work-{number}", 1, [random.choice(TYPES)], good=True)
            if self.stopped.wait(0.4):
                return

    def people(self) -> None:
        """Somebody acknowledges and resolves."""
        while not self.stopped.wait(2):
            client = random.choice(list(self.clients.values()))
            for alert in client.insist("GET", "alerts?resolved=false&limit=3")["alerts"]:
                verb = "resolve" if alert["acknowledged_at"] else "acknowledge"
                client.insist("POST", f"alerts/{alert['id']}/{verb}", {}, accepted=(200, 409))
                self.answers[verb] += 1


@pytest.fixture
def running() -> Iterator[House]:
    with tempfile.TemporaryDirectory(prefix="slo-", ignore_cleanup_errors=True) as name, house(Path(name)) as portal:
        yield portal


def test_kills_at_random_lose_nothing(running):
    kills_at_random(running, KILLS, organizations=20)


@pytest.mark.long
def test_ten_times_as_many_kills_lose_nothing(running):
    kills_at_random(running, 10 * KILLS, organizations=60)


def kills_at_random(house: House, kills: int, organizations: int) -> None:
    say(f"seed {SEED} (SEED=, KILLS= set others)")
    books = Books()
    slugs = [f"firm-{number}" for number in range(organizations)]
    tokens = house.furnish(*(organization(house.sink, slug, TYPES) for slug in slugs))
    clients = {slug: Client(house.portal.port, slug, token, books) for slug, token in tokens.items()}
    for client in clients.values():
        client.send("seed", SEEDED, TYPES, good=True, over=timedelta(days=31))
    load, killer = Load(clients, kills * sum(EVERY) / 2), Killer(house.portal.process.pid, SEED)
    with ThreadPoolExecutor(3) as pool:
        works: list[Callable[[], None]] = [load.breaches, load.work, load.people]
        busy = [pool.submit(work) for work in works]
        try:
            strike_often(house, killer, kills, books)
            busy[0].result()
        except BaseException:
            books.given_up.set()
            raise
        finally:
            load.stopped.set()
        for one in busy:
            one.result()
    calm(house)
    say(f"all is calm; {load.answers} answers of people; {books.statuses}")
    killer_hit_all(killer, kills)
    nothing_is_lost(house, books)
    figures_are_right(house, books)
    every_alert_is_received(house, slugs)
    little_is_sent_twice(house, kills)


def strike_often(house: House, killer: Killer, kills: int, books: Books) -> None:
    began = time.monotonic()
    for number in range(1, kills + 1):
        threading.Event().wait(killer.rng.uniform(*EVERY))
        assert house.portal.process.poll() is None, "\n".join(house.portal.lines[-60:])
        killer.strike()
        if number % 20 == 0:
            say(f"{number} faults in {time.monotonic() - began:.0f} s: {dict(killer.done)}, {books.statuses}")


def calm(house: House) -> None:
    """Nothing dirty, nothing waiting, nothing under way."""
    house.until("SELECT count(*) FROM kpis_dirtybucket", lambda left: left == 0)
    due = "SELECT count(*) FROM alerts_notification WHERE state = 'waiting'"
    house.until(due, lambda left: left == 0, seconds=180)
    house.until("SELECT count(*) FROM alerts_message WHERE next_attempt_at IS NOT NULL", lambda left: left == 0)


def killer_hit_all(killer: Killer, kills: int) -> None:
    say(f"faults: {dict(killer.done)}")
    kinds = Counter(kind.removesuffix(" frozen") for kind in killer.done.elements())
    assert kinds["gone already"] <= kills / 10
    assert {"worker child", "web worker", "worker", "beat", "web", "broker", "backend"} <= set(kinds)
    assert any(kind.endswith("frozen") for kind in killer.done)


def nothing_is_lost(house: House, books: Books) -> None:
    stored = {invoice_id for (invoice_id,) in house.rows("SELECT invoice_id FROM kpis_invoicemetric")}
    assert len(books.answered) > SEEDED
    assert books.answered - stored == set()
    assert stored - books.intended == set()


def figures_are_right(house: House, books: Books) -> None:
    """The buckets of five minutes are those of the client's own books, and the sums over them agree."""
    rows = house.rows(
        "SELECT o.slug, s.sli_type, b.start, b.good, b.total, b.width FROM slos_slibucket b"
        " JOIN slos_slodefinition s ON s.id = b.slo_id JOIN accounts_organization o ON o.id = b.organization_id"
    )
    found = {(slug, sli, start): (good, total) for slug, sli, start, good, total, width in rows if width == 5}
    assert found == {key: (books.good[key], total) for key, total in books.total.items()}
    for width in (60, 1440):
        sums = [(good, total) for *_, good, total, wide in rows if wide == width]
        assert sum(good for good, _ in sums) == books.good.total()
        assert sum(total for _, total in sums) == books.total.total()


def every_alert_is_received(house: House, slugs: list[str]) -> None:
    alerts = house.rows(
        "SELECT a.id::text, o.slug, coalesce(s.sli_type, ''), a.alert_type FROM alerts_sloalert a"
        " JOIN accounts_organization o ON o.id = a.organization_id LEFT JOIN slos_slodefinition s ON s.id = a.slo_id"
    )
    expected = Counter(itertools.product(slugs, TYPES, STAGES))
    assert Counter((slug, sli, kind) for _, slug, sli, kind in alerts) == expected
    told = receipts(house)
    assert [
        (*alert, where) for alert in alerts for where in told if alert[0] not in told[where].get(alert[1], ())
    ] == []
    assert house.one("SELECT count(*) FROM alerts_message WHERE state <> 'sent'") == 0


def receipts(house: House) -> dict[str, dict[str, set[str]]]:
    """The alerts that were named at each kind of reader, by organisation."""
    told: dict[str, dict[str, set[str]]] = {"http": {}, "smtp": {}}
    for entry in house.sink.ledger.entries(accepted=True):
        slug = entry.target.strip("/").removesuffix("@example.com")
        told[entry.protocol].setdefault(slug, set()).update(named(entry.protocol, entry.body))
    return told


def named(protocol: str, body: str) -> set[str]:
    if protocol == "http":
        return {item["id"] for item in json.loads(body)["alerts"]}
    message = email.message_from_string(body, policy=email.policy.default)
    text = message.get_body(("plain",))  # type: ignore[attr-defined]
    return set(URL.findall(text.get_content()))


def little_is_sent_twice(house: House, kills: int) -> None:
    times = Counter((entry.target, entry.key) for entry in house.sink.ledger.entries(accepted=True))
    sent = house.one("SELECT count(*) FROM alerts_message WHERE state = 'sent'")
    extra = times.total() - len(times)
    say(f"{len(times)} messages, {extra} of them sent twice")
    assert len(times) == sent > kills
    assert max(times.values()) <= 2
    assert extra <= max(1, EXTRA_PER_KILL * kills)
