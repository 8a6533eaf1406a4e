"""The pages that everybody opens, over many objectives, alerts and invoices: how long they take, and how they ask."""

import http.client
import json
import time
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.database import Database
from benchmarks.engine import BUCKETS, OBJECTIVES, engine
from benchmarks.table import Row
from benchmarks.web import PATIENCE, serve
from slo_portal.local import Postgres

OBJECTIVE_COUNT, ALERTS, OPEN_EACH = 500, 50_000, 2
LIMIT, MOST_QUERIES = 0.3, 12
REQUESTS = 40
PAGES = {
    "overview": "/", "inbox": "/alerts/", "inbox, resolved": "/alerts/?tab=resolved",
    "inbox, searched": "/alerts/?q=late", "objectives": "/slos/",
}  # fmt: skip
POLLED = {"overview, polled": "/part/overview", "inbox, polled": "/part/alerts"}
MEASURED = ("overview", "inbox")
# of each objective two open ones, every fourth taken on; the others have been over for a while
FILL = f"""
INSERT INTO alerts_sloalert (id, organization_id, slo_id, subject, alert_type, severity, title, message, short,
    current_value, target_value, breached_at, reopenings, acknowledged_at, acknowledged_by_id, snoozed_until_better,
    resolved_at, resolution, resolution_notes, holds_back, told_severity, step, version, updated_at)
SELECT gen_random_uuid(), s.organization_id, s.id, '', t.types[1 + n % 2], t.severities[1 + n % 3],
    n || ' of 400 are late: ' || s.name, repeat('Most are from Vendor ' || n % 200 || '. ', 5), '', 2.4, 1.5,
    now() - n * interval '10 minutes', 0, CASE WHEN n % 4 = 0 THEN now() - interval '1 minute' * (n % 3000) END,
    CASE WHEN n % 4 = 0 THEN u.id END, false,
    CASE WHEN k >= {OPEN_EACH} THEN now() - n * interval '9 minutes' END,
    CASE WHEN k >= {OPEN_EACH} THEN 'recovered' ELSE '' END, '', false, '', 0, 1, now()
FROM (SELECT *, row_number() OVER (ORDER BY id) - 1 AS place FROM slos_slodefinition) s,
    generate_series(0, {ALERTS // OBJECTIVE_COUNT - 1}) k, accounts_user u,
    LATERAL (SELECT s.place * {ALERTS // OBJECTIVE_COUNT} + k AS n) m,
    LATERAL (SELECT array['burn_rate_warning', 'consecutive_failures'] AS types,
        array['warning', 'critical', 'incident'] AS severities) t
WHERE u.username = 'admin'
"""  # noqa: S608
EVENTS = """
INSERT INTO alerts_alertevent (organization_id, alert_id, kind, at, actor_id, channel, note, details)
SELECT a.organization_id, a.id, e.kind, e.at, CASE e.kind WHEN 'acknowledged' THEN a.acknowledged_by_id END, 'system',
    CASE e.kind WHEN 'acknowledged' THEN 'Looking at it' ELSE '' END, '{}'
FROM alerts_sloalert a,
    LATERAL (VALUES ('opened', a.breached_at), ('acknowledged', a.acknowledged_at), ('resolved', a.resolved_at))
        e (kind, at)
WHERE e.at IS NOT NULL
"""
QUERIES = """
import json, time
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from accounts.models import User
client = Client()
client.force_login(User.objects.get(username="admin"))
found = {"session": client.cookies["sessionid"].value}
for path in PATHS:
    client.get(path, HTTP_HOST="localhost")
    began = time.process_time()
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path, HTTP_HOST="localhost").status_code == 200, path
    found[path] = [len(queries), time.process_time() - began]
print(json.dumps(found))
"""


def run(server: Postgres, rows: int) -> Iterator[Row]:
    """Seconds and queries of each page at 500 objectives, 50,000 alerts and `rows` invoices."""
    database = Database(server, "watched")
    database.manage("collectstatic", "--noinput", "--verbosity=0", "--ignore=rest_framework")
    fill(database, rows)
    addresses = {**PAGES, **POLLED}
    found = asked(database, list(addresses.values()))
    with serve("slo_portal.wsgi", database.env) as web:
        for name, path in addresses.items():
            seconds = timed(web.port, path, found["session"])
            middle, most = seconds[len(seconds) // 2], seconds[len(seconds) * 95 // 100 - 1]
            queries, cpu = found[path]
            goal = f"<= {LIMIT:g} s, <= {MOST_QUERIES} queries" if name in MEASURED else ""
            met = most <= LIMIT and queries <= MOST_QUERIES if goal else None
            cost = f"p50 {middle * 1000:.0f} ms, {cpu * 1000:.0f} ms of CPU in Python, {queries} queries"
            size = f"{OBJECTIVE_COUNT} objectives, {ALERTS:,} alerts, {rows:,} invoices"
            yield Row(f"{name}, p95", f"{most * 1000:.0f} ms", f"{cost}; {size}", goal, met)


def fill(database: Database, rows: int) -> None:
    database.fill(rows)
    with database.connect() as connection:
        connection.execute(OBJECTIVES.replace("{copies}", str(OBJECTIVE_COUNT // 7)))
        connection.execute(
            "DELETE FROM slos_slodefinition WHERE id IN (SELECT id FROM slos_slodefinition ORDER BY name OFFSET %s)",
            [OBJECTIVE_COUNT],
        )
        connection.execute(BUCKETS.replace("(5), (60), (1440)", "(60), (1440)"))
        connection.execute(FILL)
        connection.execute(EVENTS)
        connection.execute("VACUUM ANALYZE")
    with engine(database) as one:
        one.ask("snapshots")


def asked(database: Database, paths: Sequence[str]) -> dict[str, Any]:
    """How many queries and seconds of CPU each address takes, and the session of who asked."""
    code = QUERIES.replace("PATHS", repr(list(paths)))
    found: dict[str, Any] = json.loads(database.manage("shell", "--no-imports", "-c", code).splitlines()[-1])
    return found


def timed(port: int, path: str, session: str) -> list[float]:
    """Seconds of each of the requests, sorted; the first ones warm up."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    seconds = []
    for _ in range(REQUESTS + 5):
        start = time.perf_counter()
        connection.request("GET", path, headers={"Cookie": f"sessionid={session}"})
        answer = connection.getresponse()
        answer.read()
        seconds.append(time.perf_counter() - start)
        if answer.status != 200:
            raise RuntimeError(f"GET {path}: {answer.status}")
    return sorted(seconds[5:])
