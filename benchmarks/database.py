"""A PostgreSQL of the benchmarks' own, as `make run` starts it, with synthetic invoices in it.

Rows are made by the server (generate_series), so that ten million of them take minutes; the same arithmetic gives the
same rows everywhere.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import psycopg
from psycopg import sql

from slo_portal.local import Postgres, start
from slo_portal.processes import stop

ROOT = Path(__file__).resolve().parent.parent
PER_BUCKET = 1157  # uploads in five minutes: ten million in thirty days
END = "date_bin('1 hour', now(), timestamptz '2000-01-01 00:00Z')"
INVOICES = """
INSERT INTO kpis_invoicemetric (organization_id, invoice_id, vendor, channel, document_type, amount, currency,
    uploaded_at, extracted_at, validated_at, ready_at, approved_at, completed_at, extraction_confidence,
    structural_valid, math_valid, processing_outcome, page_count, retry_count, requires_human_review)
SELECT o.id, 'fill-' || n, 'Vendor ' || n % 200, 'email', 'invoice', n % 10000, 'EUR', at, at + interval '20 s',
    at + interval '40 s', at + interval '1 s' * (60 + n * 7919 % 260), at + interval '1 s' * (600 + n * 104729 % 7500),
    at + interval '2 s' + interval '1 s' * (600 + n * 104729 % 7500), 0.9 + n % 90 * 0.001, n % 50 > 0, n % 60 > 0,
    CASE WHEN n % 40 > 0 THEN 'succeeded' ELSE 'failed' END, 2, 0, false
FROM accounts_organization o, generate_series({first}::bigint, {last}) n,
    LATERAL (SELECT {end} - interval '1 s' * (n * 300.0 / {per_bucket}) AS at) t
WHERE o.slug = 'default'
"""


class Database:
    """One database of the benchmarks' server, set up by `bootstrap`."""

    def __init__(self, server: Postgres, name: str) -> None:
        self.server, self.name = server, name
        with self._connect("postgres") as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        self.manage("migrate", "--verbosity=0")
        self.manage("bootstrap")

    def _connect(self, name: str) -> psycopg.Connection:
        return psycopg.connect(host=str(self.server.sockets), user="slo", dbname=name, autocommit=True)

    def connect(self) -> psycopg.Connection:
        return self._connect(self.name)

    @property
    def env(self) -> dict[str, str]:
        url = f"postgres://slo@/{self.name}?{urlencode({'host': self.server.sockets})}"
        return {**os.environ, "DATABASE_URL": url, "DATA_DIR": str(self.server.data.parent / self.name)}

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"manage.py {' '.join(arguments)} failed:\n{done.stderr}")
        return done.stdout

    def fill(self, rows: int) -> None:
        """`rows` invoices, evenly spread, the newest in the hour that ends now."""
        with self.connect() as connection:
            for first in range(1, rows + 1, 500_000):
                last = min(first + 499_999, rows)
                values = INVOICES.format(end=END, per_bucket=PER_BUCKET, first=first, last=last)
                connection.execute(values)
            connection.execute("VACUUM ANALYZE kpis_invoicemetric")

    def settle(self) -> None:
        """As it stands some minutes later: what has just been written is on disk, and its size is known."""
        with self.connect() as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")


@contextmanager
def server() -> Iterator[Postgres]:
    """The packaged PostgreSQL with production's settings, durable, in a temporary folder."""
    folder = Path(tempfile.mkdtemp(prefix="slo-bench-"))
    postgres = Postgres(folder / "postgres", folder / "run")
    process = start(postgres)
    try:
        yield postgres
    finally:
        stop(process, postgres.program.stop_signal)
        shutil.rmtree(folder, ignore_errors=True)
