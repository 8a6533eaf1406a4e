"""The engine: a tick over a long and a short history, look-backs of a thousand objectives, a full recalculation."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from subprocess import PIPE, Popen

from benchmarks.database import ROOT, Database
from benchmarks.table import Row, paired, ratio_row
from slo_portal.local import Postgres

OBJECTIVES = """
INSERT INTO slos_slodefinition
SELECT (jsonb_populate_record(s, jsonb_build_object('id', gen_random_uuid(), 'name', s.name || ' ' || n))).*
FROM generate_series(1, {copies}) n, slos_slodefinition s
"""
BUCKETS = """
INSERT INTO slos_slibucket (organization_id, slo_id, width, start, good, total, duration_us, duration_count)
SELECT s.organization_id, s.id, w.width, at, 9 * w.width, 10 * w.width, 0, 0
FROM slos_slodefinition s, (VALUES (5), (60), (1440)) w (width), LATERAL generate_series(
    date_bin('1 day', now() - interval '32 days', '2000-01-01Z'), now(), w.width * interval '1 minute') at
"""


class Engine:
    """A worker on one database."""

    def __init__(self, process: Popen[str]) -> None:
        self.process = process
        self.read()

    def ask(self, *words: object) -> float:
        assert self.process.stdin
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return float(self.read())

    def read(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the benchmark's worker has died; see its message above")
        return line


@contextmanager
def engine(database: Database) -> Iterator[Engine]:
    command = [sys.executable, "-m", "benchmarks.worker"]
    with Popen(command, cwd=ROOT, env=database.env, stdin=PIPE, stdout=PIPE, text=True) as process:
        try:
            yield Engine(process)
        finally:
            if process.stdin:
                process.stdin.close()


def run(server: Postgres, long: int, short: int, pairs: int) -> Iterator[Row]:
    """Ratios and seconds; `long` and `short` are the invoices in the two histories."""
    large, small = Database(server, "large"), Database(server, "small")
    large.fill(long)
    small.fill(short)
    with engine(large) as ours, engine(small) as theirs:
        large.settle()
        small.settle()
        for buckets in (1, 12):
            measured = paired(lambda n=buckets: ours.ask("tick", n), lambda n=buckets: theirs.ask("tick", n), pairs)
            name = f"tick, {buckets} dirty buckets: {long:,} rows / {short:,} rows"
            yield ratio_row(name, measured, "s", most=1.2)
    yield recalculation(server, min(long, 1_000_000))
    yield look_backs(server)


def recalculation(server: Postgres, rows: int) -> Row:
    database = Database(server, "recalculated")
    database.fill(rows)
    with engine(database) as one:
        seconds = median(one.ask("recalculate") for _ in range(3))
    return Row(f"full recalculation of {rows:,} invoices", f"{seconds:.2f} s", "7 objectives; median of 3")


def look_backs(server: Postgres) -> Row:
    database = Database(server, "many")
    with database.connect() as connection:
        connection.execute(OBJECTIVES.replace("{copies}", "142"))
        connection.execute("DELETE FROM slos_slodefinition WHERE name LIKE '%Recall 14_'")
        count = connection.execute("SELECT count(*) FROM slos_slodefinition").fetchone()
        with engine(database) as one:
            connection.execute(BUCKETS)
            connection.execute("VACUUM ANALYZE slos_slibucket")
            seconds = median(one.ask("snapshots") for _ in range(7))
    number = count[0] if count else 0
    return Row(
        f"all look-backs and snapshots of {number:,} objectives",
        f"{seconds:.2f} s",
        "30 days of 5-minute buckets each, every snapshot written; median of 7",
        "<= 1.5 s",
        seconds <= 1.5,
    )
