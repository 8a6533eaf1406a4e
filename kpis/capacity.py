"""The week in which the backlog outgrows what is done in a week, if both go on as in the last four weeks. Pure.

The backlog grows by what came less what left, as it did on average in these weeks; the range says how far weeks were
from that. Growth that is no more than chance is called none. docs/explanation/forecast.md says how often it was right.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

WEEK, WEEKS = 7, 4
DAYS = WEEK * WEEKS
LONGEST = 26  # weeks ahead
WIDTH = 1.638  # standard deviations that hold four of five, where four weeks say how large one is (Student)
TOO_SHORT = "only {} of the last {} days are known"
QUIET = "nothing left the backlog in the last week"


@dataclass(frozen=True)
class Day:
    """Invoices that came, and those that were approved, rejected or failed, on a local day."""

    came: int
    left: int


@dataclass(frozen=True)
class Capacity:
    """Invoices a week, and in how many weeks it outgrows: as expected, at the earliest and at the latest.

    Each is None beyond LONGEST; `outgrown`: it has. With a `reason` nothing else can be said.
    """

    done: float = 0.0
    growth: float = 0.0
    low: float = 0.0
    high: float = 0.0
    outgrown: bool = False
    week: int | None = None
    earliest: int | None = None
    latest: int | None = None
    reason: str = ""

    @property
    def by_chance(self) -> bool:
        return self.low <= 0 <= self.high


def capacity(days: Sequence[Day], backlog: int) -> Capacity:
    """`days` are the last closed ones, the oldest first; `backlog` is what is open now."""
    known = _begun(days[-DAYS:])
    if len(known) < DAYS:
        return Capacity(reason=TOO_SHORT.format(len(known), DAYS))
    weeks = [known[k : k + WEEK] for k in range(0, DAYS, WEEK)]
    if not sum(day.left for day in weeks[-1]):
        return Capacity(reason=QUIET)
    done = fmean(sum(day.left for day in week) for week in weeks)
    nets = [sum(day.came - day.left for day in week) for week in weeks]
    growth, off = fmean(nets), max(stdev(nets), sqrt(done))  # weeks that happen to be alike are no certainty
    half = WIDTH * off / sqrt(WEEKS)
    found = Capacity(done, growth, growth - half, growth + half, backlog > done)
    if found.outgrown or found.by_chance or growth < 0:
        return found

    def first(side: float) -> int | None:
        return _first(lambda k: backlog + k * growth + side * WIDTH * off * sqrt(k + k * k / WEEKS) > done)

    ends = found.done, growth, found.low, found.high, False
    return Capacity(*ends, week=first(0), earliest=first(1), latest=first(-1))


def _begun(days: Sequence[Day]) -> Sequence[Day]:
    """From the first day with an invoice on."""
    return days[next((i for i, day in enumerate(days) if day.came or day.left), len(days)) :]


def _first(is_so: Callable[[int], bool]) -> int | None:
    return next((k for k in range(1, LONGEST + 1) if is_so(k)), None)
