"""What a scrape costs: with a thousand objectives, and after a hundred thousand hostile words."""

from collections.abc import Iterator
from statistics import median

from benchmarks.alerts import A_MONTH
from benchmarks.database import Database
from benchmarks.engine import OBJECTIVES, engine
from benchmarks.table import Row, paired, ratio_row
from slo_portal.local import Postgres

WORDS = 100_000
HOSTILE = r"""
INSERT INTO kpis_invoiceexception (organization_id, exception_id, kind, severity, opened_at, labels)
SELECT o.id, 'hostile-' || n, E'k\n"}} {{\\' || n, left(E's"\n' || n, 50), now() - n % 3600 * interval '1 s',
    jsonb_build_object(E'l"}}\n' || n, E'v\\' || n)
FROM accounts_organization o, generate_series(1, {words}) n;
UPDATE kpis_invoicemetric SET vendor = E'v\n"}} {{\\' || id, channel = left(E'c"}}\n' || id, 100),
    labels = jsonb_build_object('l' || id, E'"\n' || id);
INSERT INTO kpis_dirtybucket (organization_id, field, start)
SELECT DISTINCT organization_id, 'opened_at', date_bin('5 min', opened_at, '2000-01-01Z') FROM kpis_invoiceexception
"""


def run(server: Postgres, pairs: int) -> Iterator[Row]:
    """The ratio to a collector that makes each sample of rows; seconds and series of a hostile organisation."""
    database = Database(server, "scraped")
    with database.connect() as connection:
        connection.execute(OBJECTIVES.format(copies=142))
    with engine(database) as one:
        with database.connect() as connection:  # after the first tick, which counts from rows
            connection.execute(A_MONTH, ["default"])
            connection.execute("VACUUM ANALYZE slos_slibucket")
        one.ask("expose")
        measured = paired(lambda: one.ask("scrape"), lambda: one.ask("collect"), pairs)
        yield ratio_row("scrape of 1,001 objectives / each sample made of rows", measured, "s", most=0.1)
    yield from hostile(server)


def hostile(server: Postgres) -> Iterator[Row]:
    database = Database(server, "hostile")
    database.fill(WORDS)
    with database.connect() as connection:
        connection.execute(HOSTILE.format(words=WORDS))
    with engine(database) as one:
        one.ask("expose")
        seconds, series = median(one.ask("scrape") for _ in range(15)), int(one.ask("series"))
    detail = f"{WORDS:,} vendors, channels, labels, kinds and severities; median of 15"
    yield Row("series after hostile words", f"{series:,}", detail, "<= 2,000", series <= 2_000)
    yield Row("a scrape of them", f"{seconds:.4f} s", detail, "< 1 s", seconds < 1)
