"""How often kpis.changes is wrong, and what it finds: `python -m benchmarks.changes [RUNS] [LOGS]`, over simulated
series and, from the folder LOGS, the daily counts of real logs.

Prints the tables of docs/explanation/changes.md. Needs no database.
"""

import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from kpis.changes import Sample, Scale, find
from tests.kpis.years import CHANGED, STABLE, days_off, right, search
from tests.oracle import logs

RUNS = 200


def real(folder: Path) -> None:
    """What is found in the days of real logs, from the first to the last that is busy."""
    incidents = logs.incidents(next((folder / "uci_incident").glob("*.zip")))
    items = (one for path in (folder / "bpic2019").glob("*.xes.gz") for one in logs.purchase_items(path))
    print("\n| real log, by day | days | changes | found |")
    print("|---|---|---|---|")
    for name, told, field in (
        ("incidents opened", incidents, "opened_at"),
        ("invoices received", items, "ready_at"),
    ):
        days = _by_day([at for one in told if isinstance(at := one.get(field), datetime)])
        found = find(days, Scale.COUNT)
        listed = "; ".join(f"{c.kind} {c.start:%Y-%m-%d}: {c.before:.0f} to {c.after:.0f}" for c in found) or "nothing"
        print(f"| {name} | {len(days)} | {len(found)} | {listed} |")


def _by_day(moments: list[datetime]) -> list[Sample]:
    """The middle 98 % of them: logs begin and end with stragglers."""
    moments.sort()
    cut = len(moments) // 100
    first, last = moments[cut].replace(hour=0, minute=0, second=0, microsecond=0), moments[-1 - cut]
    counts = Counter((at - first) // timedelta(days=1) for at in moments)
    days = [(first + timedelta(days=k), counts[k]) for k in range((last - first) // timedelta(days=1))]
    return [Sample(at, at.weekday(), count, count) for at, count in days]


def main(runs: int, folder: Path | None) -> None:
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

    if folder:
        real(folder)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else RUNS, Path(sys.argv[2]) if sys.argv[2:] else None)
