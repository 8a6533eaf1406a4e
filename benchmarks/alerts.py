"""How fast an alert is in somebody's hands, on the whole running portal; and what judging costs a tick."""

import math
import random
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.database import Database
from benchmarks.engine import OBJECTIVES, engine
from benchmarks.table import Row, paired
from slo_portal.local import Postgres
from tests.faults.client import FIELDS, Books, Client
from tests.faults.house import House, house

TYPES = list(FIELDS)
ROUNDS = TYPES[:2]  # the objectives of a small organisation: one breaches with all channels well, one with some dead
BAD = 40  # invoices: enough for an alert
PATIENCE = 60.0  # seconds
DEAD = ("hangs", "refuses", "fails")  # the organisations whose channel does
A_MONTH = """
INSERT INTO slos_slibucket (organization_id, slo_id, width, start, good, total, duration_us, duration_count)
SELECT s.organization_id, s.id, w.width, at, 199 * w.width, 200 * w.width, 0, 0
FROM slos_slodefinition s, (VALUES (5, 32, 31), (5, 2, 0), (60, 32, 0), (1440, 32, 0)) w (width, first, last),
    LATERAL generate_series(date_bin('1 day', now() - w.first * interval '1 day', '2000-01-01Z'),
        now() - w.last * interval '1 day', w.width * interval '1 minute') at
WHERE s.organization_id = (SELECT id FROM accounts_organization WHERE slug = %s)
"""  # what ticks read of it: buckets of hours and days, of five minutes only the first and the last ones


def run(server: Postgres, objectives: int, samples: int, pairs: int) -> Iterator[Row]:
    """Seconds from the answer to a request with a breach to its receipt, beside `objectives` others; and ratios."""
    yield from judging(server, pairs)
    database = Database(server, "alerts")
    with tempfile.TemporaryDirectory(prefix="slo-bench-", ignore_cleanup_errors=True) as data, closed_port() as closed:
        more = {"DATABASE_URL": database.env["DATABASE_URL"]}
        with house(Path(data), allowed=[f"127.0.0.1:{closed}"], **more) as portal:
            yield from receipts(portal, database, objectives, samples, closed)


def receipts(portal: House, database: Database, objectives: int, samples: int, closed: int) -> Iterator[Row]:
    clients = furnish(portal, database, objectives, samples, closed)
    stopped = threading.Event()
    small = [clients[f"small-{number}"] for number in range(samples)]
    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(work, clients["large"], stopped)
        try:
            well = breach(portal, small, ROUNDS[0])
            yield from rows(well, f"{objectives + 2 * samples:,} objectives")
            die(portal, clients)
            with_dead = breach(portal, small, ROUNDS[1])
            yield from rows(with_dead, "the same while three channels of others are dead")
        finally:
            stopped.set()
            busy.result()
    tried = {target: len(portal.sink.ledger.entries(target=f"/{target}")) for target in DEAD}
    print(f"attempts at the dead channels: {tried}; answers: {dict(small[0].books.statuses)}", file=sys.stderr)


def furnish(portal: House, database: Database, objectives: int, samples: int, closed: int) -> dict[str, Client]:
    """A large organisation with a month of buckets, many small ones and those with a dead channel; their clients."""
    url = portal.sink.http.url
    wanted: list[dict[str, Any]] = [
        {"slug": "large", "hook": url("/large"), "types": TYPES, "copies": objectives // len(TYPES)},
        *({"slug": f"small-{n}", "hook": url(f"/small-{n}"), "types": ROUNDS} for n in range(samples)),
        *({"slug": slug, "hook": url(f"/{slug}"), "types": TYPES} for slug in DEAD),
    ]
    next(one for one in wanted if one["slug"] == "refuses")["hook"] = f"http://127.0.0.1:{closed}/"
    portal.sink.http.script.always("/hangs", "hang")
    portal.sink.http.script.always("/fails", "500")
    books = Books()
    clients = {slug: Client(portal.portal.port, slug, key, books) for slug, key in portal.furnish(*wanted).items()}
    with database.connect() as connection:
        until(lambda: counted(connection) >= objectives)
        connection.execute(A_MONTH, ["large"])
        connection.execute("VACUUM ANALYZE slos_slibucket")
    return clients


def counted(connection: Any) -> int:
    row = connection.execute("SELECT count(*) FROM slos_slosnapshot").fetchone()
    return row[0] if row else 0


def work(client: Client, stopped: threading.Event) -> None:
    """Facts all the time, so that the large organisation is calculated without a pause."""
    number = 0
    while not stopped.wait(0.2):
        client.send(f"work-{number}", 5, TYPES, good=True)
        number += 1


def die(portal: House, clients: dict[str, Client]) -> None:
    """Alerts for each dead channel, and none of the next measured ones before they have been tried."""
    for slug in DEAD:
        for sli_type in TYPES:
            clients[slug].send(f"bad-{sli_type}", BAD, [sli_type], good=False)
    portal.sink.ledger.wait_for(1, target="/hangs", seconds=PATIENCE)
    portal.sink.ledger.wait_for(1, target="/fails", seconds=PATIENCE)


def breach(portal: House, clients: Sequence[Client], sli_type: str) -> list[float]:
    """One organisation after the other, at moments that know nothing of ticks; the seconds to each receipt, sorted."""
    chance, before, took = random.Random(1), len(portal.sink.ledger.entries()), []
    answered: dict[str, float] = {}
    for client in clients:
        client.send(f"bad-{sli_type}", BAD, [sli_type], good=False)
        answered[f"/{client.slug}"] = time.time()
        time.sleep(chance.uniform(0.5, 1.5))
    until(lambda: answered.keys() <= {entry.target for entry in portal.sink.ledger.entries()[before:]})
    for entry in portal.sink.ledger.entries()[before:]:
        if entry.target in answered:
            took.append(entry.time - answered.pop(entry.target))
    return sorted(took)


def rows(seconds: Sequence[float], what: str) -> Iterator[Row]:
    for share, goal in ((0.5, 5), (0.99, 10)):
        found = seconds[math.ceil(share * len(seconds)) - 1]
        detail = f"{len(seconds)} breaches, {seconds[0]:.2f} to {seconds[-1]:.2f} s"
        yield Row(
            f"breach to receipt, p{share * 100:.0f}, {what}", f"{found:.2f} s", detail, f"<= {goal} s", found <= goal
        )


def judging(server: Postgres, pairs: int) -> Iterator[Row]:
    """What the conditions add to a tick, and what alerts that open add to that."""
    database = Database(server, "judged")
    database.fill(100_000)
    with database.connect() as connection:
        connection.execute(OBJECTIVES.replace("{copies}", "142"))
        with engine(database) as one:
            connection.execute("DELETE FROM slos_slibucket")
            connection.execute(A_MONTH, ["default"])
            connection.execute("VACUUM ANALYZE slos_slibucket")
            measured = paired(lambda: one.ask("judge", 1), lambda: one.ask("tick", 1), pairs)
            yield compared("tick over 1,001 objectives, with conditions / without", measured)
            seconds = median(one.ask("open", 100) for _ in range(5))
    detail = "a tick over 1,001 objectives and 100,000 invoices of the last hours; median of 5"
    yield Row("100 alerts that open in one tick", f"{seconds:.2f} s", detail)


def compared(name: str, pairs: Sequence[tuple[float, float]]) -> Row:
    with_them, without = median(a for a, _ in pairs), median(b for _, b in pairs)
    ratio = median(a / b for a, b in pairs)
    return Row(name, f"{ratio:.2f}", f"{with_them:.2f} / {without:.2f} s; {len(pairs)} pairs")


def until(true: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise RuntimeError("the portal does not get there")
        time.sleep(0.1)


@contextmanager
def closed_port() -> Iterator[int]:
    """A port at which connections are refused."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
