"""How often kpis.capacity names the right week: `python -m benchmarks.capacity [RUNS]`.

Prints the table of docs/explanation/forecast.md, over simulated years of a team that gets about 100 invoices a weekday
and can finish so many. Needs no database.
"""

import sys
from collections.abc import Iterator, Sequence
from random import Random
from statistics import median
from typing import NamedTuple

from kpis.capacity import DAYS, LONGEST, WEEK, Capacity, Day, capacity
from tests.kpis.years import nothing, rates

WORLDS = {"enough hands": 1.15, "just enough hands": 1.0, "5 % too few": 0.95, "10 % too few": 0.9}
FIRST, WORKDAYS = 12, 5  # weeks until the first answer; days on which something is finished


class Tried(NamedTuple):
    said: Capacity
    came: int | None  # in how many weeks it was so


def year(rng: Random, share: float) -> tuple[list[Day], list[int]]:
    """Days with what came and left, and the backlog at the end of each; in the first quarter there are hands enough."""
    came = [one.events for one in rates(rng, nothing)]
    usual, waiting, days, open_ = sum(came) / len(came) * WEEK / WORKDAYS, 0, [], []
    for i, new in enumerate(came):
        hands = (share if i >= FIRST * WEEK else max(share, 1.15)) * usual * rng.uniform(0.9, 1.1)
        left = min(waiting + new, round(hands)) if i % WEEK < WORKDAYS else 0
        waiting += new - left
        days.append(Day(new, left))
        open_.append(waiting)
    return days, open_


def tried(days: Sequence[Day], open_: Sequence[int]) -> Iterator[Tried]:
    """An answer at the end of each week, against the first week that ended with more open than was done in it."""
    full = [sum(day.left for day in days[k - WEEK : k]) < open_[k - 1] for k in range(WEEK, len(days) + 1, WEEK)]
    for week in range(FIRST, len(full) - LONGEST):
        now = week * WEEK
        if not full[week - 1]:
            came = next((k for k in range(1, LONGEST + 1) if full[week + k - 1]), None)
            yield Tried(capacity(days[now - DAYS : now], open_[now - 1]), came)


def main(runs: int) -> None:
    print(
        "| hands | weeks asked | it came to that | said so, of these | off by, median | range held | said so in vain |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, share in WORLDS.items():
        found = [one for seed in range(runs) for one in tried(*year(Random(seed), share))]
        true = [one for one in found if one.came]
        named = [one for one in true if one.said.week]
        off = f"{median(abs(one.said.week - one.came) for one in named):g} weeks" if named else "-"  # type: ignore[operator]
        held = _share(sum(_holds(one) for one in named), len(named))
        vain = sum(one.said.week is not None for one in found if not one.came)
        told = f"{_share(len(named), len(true))} | {off} | {held} | {_share(vain, len(found) - len(true))}"
        print(f"| {name} | {len(found)} | {len(true)} | {told} |")


def _holds(one: Tried) -> bool:
    return (one.said.earliest or 0) <= (one.came or 0) <= (one.said.latest or LONGEST)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "-"


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 20)
