"""Reading the API: a page far down a long list, and the dashboard of few and of many objectives."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks.database import Database
from benchmarks.engine import BUCKETS, OBJECTIVES, engine
from benchmarks.table import Row, paired, ratio_row
from benchmarks.web import Client, serve
from kpis.cursors import Cursor
from slo_portal.local import Postgres

API = "/api/v1/metrics"
EMPTY = f"{API}/exceptions?limit=1"  # there are none
FEW = 50_000  # invoices behind a dashboard; it does not read them
REQUESTS = 40
CHANGE = """
UPDATE slos_slodefinition SET description = description
WHERE id IN (SELECT id FROM slos_slodefinition ORDER BY id LIMIT 1)
"""
NTH = """
SELECT {key}, id FROM kpis_invoicemetric ORDER BY organization_id, {key}, id LIMIT 1 OFFSET {place}
"""


def run(server: Postgres, rows: int, pairs: int) -> Iterator[Row]:
    yield from pages(Database(server, "pages"), rows, pairs)
    few, many = Database(server, "few"), Database(server, "some")
    with many.connect() as connection:
        connection.execute(OBJECTIVES.replace("{copies}", "14"))
        connection.execute("DELETE FROM slos_slodefinition WHERE name LIKE '%Recall 1_'")
    for number, database, most in ((7, few, 1.5), (100, many, 2.5)):
        yield from dashboard(database, number, most, pairs)


def pages(database: Database, rows: int, pairs: int) -> Iterator[Row]:
    """The 100 rows behind nine tenths of the list against its first ones, in both orders that there are."""
    database.fill(rows)
    with database.connect() as connection:
        orders = {"invoice_id": "", "uploaded_at": "uploaded_at_from=2000-01-01&"}
        found = {key: connection.execute(NTH.format(key=key, place=rows * 9 // 10)).fetchone() for key in orders}
    with client(database) as ask:
        for key, query in orders.items():
            first = f"{API}/invoices?{query}limit=100"
            far = f"{first}&cursor={Cursor(*(found[key] or ('', 0)))}"
            measured = paired(lambda far=far: ask(far), lambda first=first: ask(first), pairs)
            yield ratio_row(f"page by {key}: row {rows * 9 // 10:,} / row 0", measured, "s, p95", most=2)


def dashboard(database: Database, number: int, most: float, pairs: int) -> Iterator[Row]:
    """As it is asked for again and again, and when one of its rows has changed before each request."""
    database.fill(FEW)
    with database.connect() as connection:
        connection.execute(BUCKETS)
        connection.execute("VACUUM ANALYZE slos_slibucket")
    with engine(database) as one:
        one.ask("snapshots")
    path = f"{API}/slos/dashboard"
    with client(database) as ask, database.connect() as connection:
        measured = paired(lambda: ask(path), lambda: ask(EMPTY), pairs)
        yield ratio_row(f"dashboard of {number} objectives / an empty page", measured, "s, p95", most=most)
        measured = paired(lambda: ask(path, lambda: connection.execute(CHANGE)), lambda: ask(EMPTY), pairs)
        yield ratio_row("the same, one row changed before each", measured, "s, p95")


@contextmanager
def client(database: Database) -> Iterator[Callable[..., float]]:
    """A function that asks for an address again and again, and returns the 95th percentile of the seconds."""
    token = database.manage("create_token", "admin", "--scope", "read").strip()
    with serve("slo_portal.wsgi", {**database.env, "API_READS_PER_MINUTE": "0"}) as web:
        yield lambda path, before=int: slowest_but_few(web.client(token), path, before)


def slowest_but_few(client: Client, path: str, before: Callable[[], object]) -> float:
    seconds = []
    for _ in range(REQUESTS):
        before()
        start = time.perf_counter()
        client.request("GET", path)
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[REQUESTS * 95 // 100 - 1]
