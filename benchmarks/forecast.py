"""How far off slos.forecast is, and how often its range holds: `python -m benchmarks.forecast [RUNS] [LOGS]`.

Prints the tables of docs/explanation/forecast.md, over simulated years and the daily counts of real logs in the folder
LOGS. Straight on: what is left now, less the burn of the last day for as long. Needs no database.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import fmean, median
from typing import NamedTuple

from slos.forecast import DAY, REACH, Asked, Past, forecast
from tests.kpis.years import nothing, rates, slope, step
from tests.oracle import logs

WINDOW, FIRST, EVERY = 30, 90, 7  # days: the window, the first forecast, and how often there is one
START = datetime(2025, 1, 6, tzinfo=UTC)
AHEAD = (7, 14, 30)


class Tried(NamedTuple):
    ahead: int
    off: float  # points of the budget
    straight_off: float
    held: bool


def tried(days: Sequence[Past], budget: float) -> Iterator[Tried]:
    """A forecast each week, against what came."""
    for now in range(FIRST, len(days) - max(AHEAD), EVERY):
        past, window = days[max(0, now - REACH) : now], days[now - WINDOW : now]
        at = START + now * DAY
        asked = Asked(budget, past, _sum(window), window, at, at + max(AHEAD) * DAY)
        found = forecast(asked)
        for ahead in AHEAD if found.days else ():
            came = _left(_sum(days[now + ahead - WINDOW : now + ahead]), budget)
            said = found.days[ahead].left
            straight = _left(asked.window, budget) - (1 - _left(past[-1], budget)) * ahead / WINDOW
            yield Tried(ahead, abs(said.middle - came), abs(straight - came), said.low <= came <= said.high)


def _sum(days: Sequence[Past]) -> Past:
    return Past(sum(day.bad for day in days), sum(day.total for day in days))


def _left(counts: Past, budget: float) -> float:
    return 1 - counts.bad / (budget * counts.total) if counts.total else 1.0


def simulated(runs: int) -> Iterator[tuple[str, list[list[Past]], float]]:
    """95 % good of 100 a weekday, promised 93 %: steady, with a step down, and slowly worse."""
    worlds = {"steady": nothing, "95 to 91 % at once": step(-0.63), "95 to 90 % over the year": slope(-0.75)}
    for name, plant in worlds.items():
        yield name, [_days(Random(seed), plant) for seed in range(runs)], 0.07


def _days(rng: Random, plant) -> list[Past]:  # type: ignore[no-untyped-def]
    found = rates(rng, plant)
    return [Past(round(one.events * (1 - (one.value or 100) / 100)), one.events) for one in found]


def real(folder: Path) -> Iterator[tuple[str, list[list[Past]], float]]:
    """Each log with the limit that about nine of ten keep."""
    incidents = list(logs.incidents(next((folder / "uci_incident").glob("*.zip"))))
    yield "incidents resolved in time", [_decided(incidents, "opened_at", "resolved_at")], 0.1
    items = [one for path in (folder / "bpic2019").glob("*.xes.gz") for one in logs.purchase_items(path)]
    yield "invoices approved in time", [_decided(items, "ready_at", "approved_at")], 0.1


def _decided(told: Sequence[dict[str, object]], start: str, end: str) -> list[Past]:
    """By day of the decision; the limit is the time that nine of ten took."""
    pairs = [(a, b) for one in told if isinstance(a := one.get(start), datetime)
             for b in [one.get(end)] if b is None or (isinstance(b, datetime) and b >= a)]  # fmt: skip
    took = sorted(b - a for a, b in pairs if isinstance(b, datetime))
    limit = took[len(took) * 9 // 10]
    good, bad = Counter[int](), Counter[int]()
    for a, b in pairs:
        late = not isinstance(b, datetime) or b - a > limit
        day = ((a + limit if late or not isinstance(b, datetime) else b) - START) // DAY
        (bad if late else good)[day] += 1
    first, last = _busy(good + bad)
    return [Past(bad[day], good[day] + bad[day]) for day in range(first, last)]


def _busy(found: Counter[int]) -> tuple[int, int]:
    """Where the middle 98 % lie: logs begin and end with stragglers."""
    every = sorted(found.elements())
    return every[len(every) // 100], every[len(every) * 99 // 100]


def main(runs: int, folder: Path | None) -> None:
    print("| series | days ahead | forecasts | range held | off by, median | straight on off by, median |")
    print("|---|---|---|---|---|---|")
    for name, series, budget in [*simulated(runs), *(real(folder) if folder else ())]:
        found = [one for days in series for one in tried(days, budget)]
        for ahead in AHEAD:
            those = [one for one in found if one.ahead == ahead]
            if those:
                held = fmean(one.held for one in those)
                off, straight = (100 * median(ends) for ends in zip(*(one[1:3] for one in those), strict=True))
                print(f"| {name} | {ahead} | {len(those)} | {held:.0%} | {off:.0f} points | {straight:.0f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 10, Path(sys.argv[2]) if sys.argv[2:] else None)
