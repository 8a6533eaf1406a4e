"""Ingestion over HTTP against raw COPY of the same rows, and updates against the same."""

import itertools
import json
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.database import PER_BUCKET, Database
from benchmarks.table import Row, paired, ratio_row
from benchmarks.web import Client, serve
from slo_portal.local import Postgres

ROWS = 1_000  # in a request, and in a transaction of COPY
PATH = "/api/v1/metrics/invoices"
FIELDS = (
    *("invoice_id", "vendor", "channel", "document_type", "amount", "currency", "uploaded_at", "extracted_at"),
    *("validated_at", "ready_at", "approved_at", "completed_at", "extraction_confidence", "structural_valid"),
    *("math_valid", "processing_outcome", "page_count", "retry_count", "requires_human_review"),
)
COLUMNS = ", ".join(FIELDS)
TWIN = f"""
CREATE TABLE copied (LIKE kpis_invoicemetric INCLUDING ALL);
INSERT INTO copied (organization_id, {COLUMNS}) SELECT organization_id, {COLUMNS} FROM kpis_invoicemetric;
VACUUM ANALYZE copied
"""  # noqa: S608 - our own names


def invoice(n: int, channel: str) -> dict[str, Any]:
    """The n-th invoice of a firm that is as busy as the filled history."""
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=n * 300 / PER_BUCKET)

    def after(seconds: float) -> str:
        return (at + timedelta(seconds=seconds)).isoformat()

    values = (
        *(f"INV-{n:09d}", f"Vendor {n % 200}", channel, "invoice", n % 10_000 + 0.5, "EUR", after(0), after(20)),
        *(after(40), after(60 + n * 7919 % 260), after(600 + n * 104729 % 7500), after(602 + n * 104729 % 7500)),
        *(0.9 + n % 90 / 1000, True, n % 60 > 0, "succeeded" if n % 40 else "failed", 2, 0, False),
    )
    return dict(zip(FIELDS, values, strict=True))


def batches(first: int, number: int, channel: str) -> list[list[dict[str, Any]]]:
    return [
        [invoice(n, channel) for n in range(start, start + ROWS)] for start in range(first, first + number * ROWS, ROWS)
    ]


class Copier:
    """COPY of prepared text into a table with the same columns, indexes and rows."""

    def __init__(self, database: Database) -> None:
        self.connection = database.connect()
        for statement in TWIN.split(";"):
            self.connection.execute(statement)
        row = self.connection.execute("SELECT id FROM accounts_organization").fetchone()
        self.organization = str(row[0]) if row else ""

    def rate(self, rows: Sequence[list[dict[str, Any]]]) -> float:
        """Rows a second."""
        texts = ["".join(self._line(row) for row in batch) for batch in rows]
        start = time.perf_counter()
        for text in texts:
            statement = f"COPY copied (organization_id, {COLUMNS}) FROM STDIN"
            with self.connection.cursor() as cursor, cursor.copy(statement) as copy:
                copy.write(text)
        return len(rows) * ROWS / (time.perf_counter() - start)

    def _line(self, row: dict[str, Any]) -> str:
        return "\t".join([self.organization, *(str(value) for value in row.values())]) + "\n"


def post_rate(client: Client, rows: Sequence[list[dict[str, Any]]], kind: str) -> float:
    """Rows a second; every one of them must have been `kind` (created, updated)."""
    bodies = [json.dumps({"invoices": batch}, separators=(",", ":")).encode() for batch in rows]
    start = time.perf_counter()
    answers = [client.request("POST", PATH, body) for body in bodies]
    seconds = time.perf_counter() - start
    for answer in answers:
        if json.loads(answer)["data"][kind] != ROWS:
            raise RuntimeError(f"not all rows were {kind}: {answer[:500]!r}")
    return len(rows) * ROWS / seconds


def run(server: Postgres, filled: int, pairs: int, requests: int = 10) -> Iterator[Row]:
    """Ratios of rows a second, HTTP / COPY, in tables that hold `filled` rows already."""
    database = Database(server, "ingest")
    database.fill(filled)
    token = database.manage("create_token", "admin", "--scope", "write").strip()
    copier = Copier(database)
    starts = itertools.count(0, requests * ROWS)
    with serve("slo_portal.wsgi", {**database.env, "REDIS_URL": "redis://127.0.0.1:1/0"}) as web:

        def measure(kind: str, channel: str, numbers: Iterator[int]) -> Callable[[], float]:
            # a connection for each: the server closes one that idles while COPY is measured
            return lambda: post_rate(web.client(token), batches(next(numbers), requests, channel), kind)

        def copy() -> float:
            return copier.rate(batches(next(starts), requests, "email"))

        numbers = itertools.count(0, requests * ROWS)
        new = paired(measure("created", "email", numbers), copy, pairs)
        yield ratio_row(f"HTTP, new rows, {ROWS:,} a request / COPY", new, "rows/s", least=0.35)
        numbers = itertools.count(0, requests * ROWS)
        updates = paired(measure("updated", "portal", numbers), copy, pairs)
        yield ratio_row(f"HTTP, updates, {ROWS:,} a request / COPY", updates, "rows/s", least=0.28)
