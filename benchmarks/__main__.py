"""`make bench`: measure everything in one run and print a table of ratios. Exit code 1 when a goal is missed.

Both sides of a ratio are measured in turn, and the median of the pairs counts: the machine's speed drifts.
"""

import argparse
import sys
from collections.abc import Callable, Iterator

from rich.console import Console

from benchmarks import alerts, api, clocks, engine, ingest, kpis, memory, pages, preview, scrape
from benchmarks.database import server
from benchmarks.table import Row, show
from slo_portal.local import Postgres


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parts_help = "ingest, engine, clocks, alerts, kpis, api, scrape, pages, preview, memory; or all"
    parser.add_argument("parts", nargs="*", help=parts_help)
    parser.add_argument("--rows", type=int, default=10_000_000, help="invoices in the long history (10,000,000)")
    parser.add_argument("--pairs", type=int, default=15, help="pairs of measurements (15)")
    parser.add_argument("--objectives", type=int, default=800, help="of the large organisation (800)")
    parser.add_argument("--breaches", type=int, default=100, help="that are timed, twice (100)")
    options = parser.parse_args()
    parts: dict[str, Callable[[Postgres], Iterator[Row]]] = {
        "ingest": lambda postgres: ingest.run(postgres, 1_000_000, options.pairs),
        "engine": lambda postgres: engine.run(postgres, options.rows, 100_000, options.pairs),
        "clocks": lambda postgres: clocks.run(postgres, min(options.rows, 1_000_000), options.pairs),
        "alerts": lambda postgres: alerts.run(postgres, options.objectives, options.breaches, options.pairs),
        "kpis": lambda postgres: kpis.run(postgres, options.rows, options.pairs),
        "api": lambda postgres: api.run(postgres, min(options.rows, 1_000_000), options.pairs),
        "scrape": lambda postgres: scrape.run(postgres, options.pairs),
        "pages": lambda postgres: pages.run(postgres, min(options.rows, 1_000_000)),
        "preview": preview.run,
        "memory": lambda postgres: memory.run(postgres, min(options.pairs, 5)),
    }
    if unknown := set(options.parts) - set(parts):
        parser.error(f"unknown part {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    rows: list[Row] = []
    for name in options.parts or parts:
        with server() as postgres:
            for row in parts[name](postgres):
                Console(stderr=True).print(f"[dim]{row.name}: {row.value}[/dim]")
                rows.append(row)
    return 0 if show(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
