"""The drill: a portal is saved while it works, restored elsewhere by another owner, and goes on there as if nothing had
happened."""

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from slo_portal.local import Postgres, start
from slo_portal.processes import stop
from tests.faults.story import STORY
from tests.sink import Sink
from tests.slo_portal.portal_process import ROOT, environment, manage

pytestmark = pytest.mark.slow
KEY = "drill-only-0123456789-abcdefghijklmnopqrstuvwxyz"
HALF = [name for name, _ in STORY].index("nothing more to say")
BATCH = 10
PLAY = """
from accounts.models import Organization, User
from tests.faults.story import STORY
User.objects.get_or_create(username="dana-drill")
for _, step in STORY[{first}:{last}]:
    step(Organization.objects.get(slug="drill"))
"""
# rows that no SLI counts, each batch in a bucket of its own; one line of output for each
INGEST = f"""
import sys, threading
from datetime import timedelta
from accounts.models import Organization
from kpis.ingest import store_rows
from kpis.messages import INVOICE
from tests.faults.story import START
organization, done = Organization.objects.get(slug="drill"), threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), done.set()), daemon=True).start()
batch = 0
while not done.is_set():
    moment = START - timedelta(days=60, minutes=5 * batch)
    rows = [dict(invoice_id=f"late-{{batch}}-{{n}}", uploaded_at=moment) for n in range({BATCH})]
    store_rows(INVOICE, organization, rows, now=START)
    batch += 1
    print(batch, flush=True)
"""
ASK = """
from django.test import Client
answer = Client().get("/api/v1/metrics/alerts", headers={"host": "localhost", "authorization": "Bearer " + TOKEN})
print(answer.status_code, len(answer.json()["data"]["alerts"]))
"""


class Server:
    """A database of a server of its own, its owner, and the portal's commands on it."""

    def __init__(self, sockets: Path, user: str, folder: Path, more: dict[str, str]) -> None:
        self.address = {"host": str(sockets), "user": user, "dbname": user}
        url = f"postgresql://{user}@{quote(str(sockets), safe='')}/{user}"
        self.folder, self.more = folder, {"DATABASE_URL": url, "SECRET_KEY": KEY, **more}

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return manage(self.folder, *arguments, **self.more)

    def run(self, code: str, **more: str) -> str:
        done = manage(self.folder, "shell", "--no-imports", "-c", code, **self.more, **more)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def rows(self, query: Any, *params: object, **more: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(**self.address, **more) as connection:
            return connection.execute(query, params).fetchall()

    def tables(self) -> dict[str, str]:
        """A checksum of the rows of every table that holds any."""
        found = {}
        for (name,) in self.rows("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'"):
            rows = sql.SQL("SELECT md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM public.{} t")
            found[name] = self.rows(rows.format(sql.Identifier(name)))[0][0]
        return {name: rows for name, rows in found.items() if rows}


@contextmanager
def running(folder: Path) -> Iterator[Path]:
    server = Postgres(folder / "postgres", folder / "run", throwaway=True)
    process = start(server)
    yield server.sockets
    stop(process, server.program.stop_signal)


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture(scope="module")
def more(sink: Sink) -> dict[str, str]:
    return {"SMTP_URL": sink.smtp.address, "OUTGOING_ALLOWED": f"127.0.0.1:{sink.http.port}"}


@pytest.fixture(scope="module")
def source(sink: Sink, more: dict[str, str]) -> Iterator[Server]:
    """A portal in the middle of an alert; `token` reads and writes its API."""
    with tempfile.TemporaryDirectory(prefix="slo-") as name, running(Path(name)) as sockets:
        server = Server(sockets, "slo", Path(name), more)
        assert server.manage("migrate", "-v0").returncode == 0
        firm = {"slug": "drill", "hook": sink.http.url("/drill"), "types": ["validation_pass_rate"]}
        made = server.run("from tests.faults import furnish; furnish.main()", FURNISH=json.dumps([firm]))
        server.token = json.loads(made)["drill"]  # type: ignore[attr-defined]
        server.run(PLAY.format(first=0, last=HALF))
        yield server


@pytest.fixture(scope="module")
def target(more: dict[str, str]) -> Iterator[Server]:
    """An empty database of another server, whose owner is no superuser."""
    with tempfile.TemporaryDirectory(prefix="slo-") as name, running(Path(name)) as sockets:
        with psycopg.connect(host=str(sockets), user="slo", dbname="slo", autocommit=True) as connection:
            connection.execute("CREATE ROLE portal LOGIN CREATEROLE")
            connection.execute("CREATE DATABASE portal OWNER portal")
        yield Server(sockets, "portal", Path(name), more)


@pytest.fixture(scope="module")
def file(source: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup that was made while invoices came in."""
    path = tmp_path_factory.mktemp("backup") / "portal.dump"
    command = [sys.executable, str(ROOT / "manage.py"), "shell", "--no-imports", "-c", INGEST]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment(source.folder, **source.more), **pipes) as feed:
        assert feed.stdout.readline() == "1\n", feed.stderr.read()
        done = source.manage("backup", str(path), "--json")
        output, errors = feed.communicate()
    assert done.returncode == 0, done.stderr
    assert feed.returncode == 0, errors
    assert len(output.split()) > 5  # they did come while it was made
    told = json.loads(done.stdout)
    assert told["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.stat().st_mode & 0o077 == 0
    assert "SECRET_KEY" in told["also_keep"][0]
    return path


def test_another_server_goes_on_where_the_saved_one_was(source, target, file):
    assert target.manage("restore", str(file), "--dry-run").returncode == 0
    assert target.tables() == {}
    done = target.manage("restore", str(file))
    assert done.returncode == 0, done.stderr

    saved, restored = source.tables(), target.tables()
    still = {name for name in saved if not name.startswith("kpis_")}  # where nothing came in meanwhile
    assert {"slos_slibucket", "slos_slosnapshot", "alerts_alertevent", "accounts_apitoken"} < still
    assert {name: restored.get(name) for name in still} == {name: saved[name] for name in still}
    count = "SELECT count(*) FROM kpis_invoicemetric WHERE invoice_id LIKE 'late-%%'"
    late = target.rows(count)[0][0]
    marks = "SELECT count(*) FROM kpis_dirtybucket WHERE start < '2026-09-20'"
    assert BATCH <= late <= source.rows(count)[0][0]
    assert late == BATCH * target.rows(marks)[0][0]  # each batch with its marks, or not at all

    assert target.run(f"TOKEN = {source.token!r}{ASK}") == "200 1\n"
    assert '"unreadable": []' in target.manage("rotate_secrets", "--dry-run", "--json").stdout
    for server in (source, target):
        server.run(PLAY.format(first=HALF, last=len(STORY) - 1))
    for query in (
        "SELECT alert_type, severity, title, breached_at, resolved_at, resolution, version FROM alerts_sloalert",
        "SELECT kind, at, note FROM alerts_alertevent",
        "SELECT target, reason, severity, title, state FROM alerts_notification",
        "SELECT width, start, good, total FROM slos_slibucket",
        "SELECT period, period_start, good_events_count FROM slos_slimeasurement",
    ):
        assert sorted(target.rows(query), key=str) == sorted(source.rows(query), key=str) != []

    policies = "SELECT tablename::text, policyname::text, roles::text, qual FROM pg_policies ORDER BY 1, 2"
    assert target.rows(policies) == source.rows(policies) != []
    alerts, limited = "SELECT count(*) FROM alerts_sloalert", "-c role=slo_portal"
    assert target.rows(alerts, options=limited) == [(0,)]
    assert target.rows(alerts, options=f"{limited} -c slo.reach=*")[0][0] > 0
    for forbidden in ("DELETE FROM accounts_auditentry RETURNING 1", "DROP TABLE alerts_sloalert"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            target.rows(forbidden, options=limited)
    later = "SELECT has_table_privilege('slo_portal', 'later', 'INSERT')"
    with psycopg.connect(**target.address) as connection:
        connection.execute("CREATE TABLE later ()")
        assert connection.execute(later).fetchone() == (True,)
        connection.rollback()


def test_what_is_there_is_replaced_only_when_that_is_wished_and_possible(source, file, tmp_path):
    before = source.tables()
    refused = source.manage("restore", str(file))
    assert (refused.returncode, "--replace" in refused.stderr) == (1, True)
    nobody_to_ask = source.manage("restore", str(file), "--replace")
    assert (nobody_to_ask.returncode, "--no-input" in nobody_to_ask.stderr) == (2, True)
    assert source.manage("restore", str(tmp_path / "none.dump")).returncode == 2
    again = source.manage("backup", str(file))
    assert (again.returncode, "exists already" in again.stderr) == (2, True)
    with psycopg.connect(**source.address):
        busy = source.manage("restore", str(file), "--replace", "--no-input")
    assert (busy.returncode, "Stop web" in busy.stderr) == (1, True)

    bad, good = tmp_path / "bad.dump", file.read_bytes()
    late = len(good) * 99 // 100  # in the rows of one of the last tables
    bad.write_bytes(good[:late] + bytes(30) + good[late + 30 :])
    for checksum, says in (("0" * 64, "damaged"), (hashlib.sha256(bad.read_bytes()).hexdigest(), "as it was")):
        bad.with_name("bad.dump.sha256").write_text(f"{checksum}  bad.dump\n")
        broken = source.manage("restore", str(bad), "--replace", "--no-input")
        assert (broken.returncode, says in broken.stderr) == (1, True), broken.stderr
    assert source.tables() == before != {}

    assert source.manage("restore", str(file), "--replace", "--no-input").returncode == 0
    assert source.tables() != before  # it is again what it was when the backup was made
    assert source.manage("backup", str(tmp_path / "second.dump")).returncode == 0
