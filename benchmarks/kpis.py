"""KPIs: a summary of 90 days, and percentiles of each day from histograms against those of the values themselves."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from subprocess import PIPE, Popen

from benchmarks.database import END, INVOICES, PER_BUCKET, ROOT, Database
from benchmarks.engine import Engine
from benchmarks.table import Row, paired, ratio_row
from slo_portal.local import Postgres

A_DAY = 10_000
CHUNK = 500_000


def fill(database: Database, rows: int, per_bucket: float) -> None:
    with database.connect() as connection:
        for first in range(1, rows + 1, CHUNK):
            last = min(first + CHUNK - 1, rows)
            connection.execute(INVOICES.format(end=END, per_bucket=per_bucket, first=first, last=last))
        connection.execute("VACUUM ANALYZE kpis_invoicemetric")


@contextmanager
def worker(database: Database) -> Iterator[Engine]:
    command = [sys.executable, "-m", "benchmarks.kpi_worker"]
    with Popen(command, cwd=ROOT, env=database.env, stdin=PIPE, stdout=PIPE, text=True) as process:
        try:
            yield Engine(process)
        finally:
            if process.stdin:
                process.stdin.close()


def run(server: Postgres, rows: int, pairs: int) -> Iterator[Row]:
    days = 180  # the comparison needs as many days again
    firm = Database(server, "firm")
    fill(firm, days * A_DAY, A_DAY / 288)
    with worker(firm) as one:
        seconds = one.ask("refresh")
        yield Row(f"rollups of {days} days with {A_DAY:,} invoices, from nothing", f"{seconds:.1f} s", "once")
        with firm.connect() as connection:
            connection.execute("VACUUM ANALYZE kpis_rollup")
        seconds = median(one.ask("summary", 90) for _ in range(7))
        detail = f"{A_DAY:,} invoices a day, with both comparisons and the backlog; median of 7"
        yield Row("KPI summary of 90 days", f"{seconds:.3f} s", detail, "< 0.5 s", seconds < 0.5)
    large = Database(server, "kpis")
    fill(large, rows, PER_BUCKET)
    with worker(large) as one:
        one.ask("refresh")
        measured = paired(lambda: one.ask("exact"), lambda: one.ask("trend"), min(pairs, 3))
        yield ratio_row(f"30 days of percentiles over {rows:,} invoices: exact / ours", measured, "s", least=100)
        error = one.ask("error")
        yield Row("largest error of these percentiles", f"{100 * error:.2f} %", "of 120", "<= 1 %", error <= 0.01)
