"""How often kpis.changes is wrong, and what it finds: `python -m benchmarks.changes [RUNS]`, over simulated series.

Prints the tables of docs/explanation/changes.md. Needs no database.
"""

import sys
from collections import Counter

from tests.kpis.years import CHANGED, STABLE, days_off, right, search

RUNS = 200


def main(runs: int) -> None:
    print("| without a change | series | with a finding | findings |")
    print("|---|---|---|---|")
    for planted in STABLE:
        found = [search(planted, seed) for seed in range(runs)]
        kinds = Counter(change.kind.value for changes in found for change in changes)
        named = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "none"
        print(f"| {planted.name} | {runs} | {sum(map(bool, found))} | {named} |", flush=True)
    print("\n| planted | series | found | called | half of them within |")
    print("|---|---|---|---|---|")
    for planted in CHANGED:
        some = max(1, runs // 4)
        hits = [hit for seed in range(some) if (hit := right(planted, search(planted, 10_000 + seed)))]
        called = Counter(hit[0].kind.value for hit in hits)
        named = ", ".join(f"{count} {kind}" for kind, count in sorted(called.items()))
        off = sorted(days_off(planted, hit) for hit in hits)
        near = f"{off[len(off) // 2]:.1f} days" if off and planted.at else ""
        print(f"| {planted.name} | {some} | {len(hits)} | {named} | {near} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else RUNS)
