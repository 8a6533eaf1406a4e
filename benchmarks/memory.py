"""Resident memory of web, worker and beat, and of the smallest useful Django + REST framework worker."""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.database import ROOT, Database
from benchmarks.ingest import batches, post_rate
from benchmarks.table import Row, paired, ratio_row
from benchmarks.web import Web, resident, serve
from slo_portal.local import Postgres, Valkey, start
from slo_portal.processes import stop

REQUESTS = 100
SETTLED = 20.0  # seconds in which worker and beat have done their first ticks
MB = 1024 * 1024
PACKAGES = "django_celery_beat,django_htmx,django_prometheus"  # apps of others that the portal is built on
CELERY = [sys.executable, "-m", "celery", "--quiet", "-A", "slo_portal"]


def run(server: Postgres, pairs: int) -> Iterator[Row]:
    database = Database(server, "memory")
    token = database.manage("create_token", "admin", "--scope", "write").strip()
    database.manage("collectstatic", "--no-input", "--verbosity=0")

    firsts = itertools.count(0, 10_000)

    def ours() -> float:
        with serve("slo_portal.wsgi", {**database.env, "REDIS_URL": "redis://127.0.0.1:1/0"}) as web:
            _use_ours(web, token, next(firsts))
            return web.worker_bytes() / MB

    def minimal(apps: str = "") -> float:
        with serve("benchmarks.minimal", {**database.env, "MINIMAL_WITH": apps}) as web:
            client = web.client()
            for _ in range(REQUESTS):
                client.request("GET", "/permissions")
                client.request("GET", "/admin/login/")
            return web.worker_bytes() / MB

    name = "web worker / minimal Django + REST framework worker"
    yield ratio_row(f"{name} with our packages", paired(ours, lambda: minimal(PACKAGES), pairs), "MB", most=1.25)
    yield ratio_row(name, paired(ours, minimal, pairs), "MB")
    yield from _background(database)


def _use_ours(web: Web, token: str, first: int) -> None:
    client = web.client(token)
    post_rate(client, batches(first, 3, "email"), "created")
    for _ in range(REQUESTS):
        client.request("GET", "/api/v1/metrics/slos/dashboard")
        client.request("GET", "/admin/login/")
        client.request("GET", "/login/")


def _background(database: Database) -> Iterator[Row]:
    folder = database.server.data.parent
    valkey = Valkey(folder / "valkey", folder / "run")
    broker = start(valkey)
    env = {**database.env, "REDIS_URL": f"redis+socket://{valkey.socket}?virtual_host=0"}
    try:
        worker = [*CELERY, "worker", "--pool", "prefork", "--concurrency", "2", "--without-gossip", "--without-mingle"]
        with _running(worker, env) as one, _running([*CELERY, "beat", "--pidfile="], env) as two:
            time.sleep(SETTLED)
            yield Row("worker", f"{_family(one.pid) / MB:.0f} MB", "parent and two children; shared pages count thrice")
            yield Row("beat", f"{_family(two.pid) / MB:.0f} MB", "")
    finally:
        stop(broker, valkey.program.stop_signal)


@contextmanager
def _running(command: list[str], env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            os.kill(process.pid, signal.SIGTERM)


def _family(pid: int) -> int:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(resident(int(one)) for one in [pid, *children])
