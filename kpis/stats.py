"""Statistics of KPIs: percentiles from histograms on a log scale, grades, changes and the words for them.

Bin i of a histogram holds the values in (G^(i-1), G^i] with G = GROWTH. Its middle, 2 G^i / (G + 1), is off from any
of them by at most (G - 1) / (G + 1) of the value: 0.99 %. Histograms of several hours are added up bin by bin.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

GROWTH = 1.02
ZERO = -32768  # the bin of the value 0
GRADES = (("A", 95), ("B", 90), ("C", 80))  # from this success rate on, in percent; below all: D
STABLE = 2.0  # percentage points that a rate may move and still be stable
Trend = Literal["improving", "stable", "declining"]
Histogram = Mapping[int, int]


def bin_of(value: float) -> int:
    """The bin of a value that is not negative; kpis.counting says the same in SQL."""
    return math.ceil(math.log(value) / math.log(GROWTH)) if value > 0 else ZERO


def middle(bin_: int) -> float:
    return 0.0 if bin_ == ZERO else 2 * GROWTH**bin_ / (GROWTH + 1)


def quantiles(histogram: Histogram, shares: Sequence[float]) -> list[float | None]:
    """The values below which these shares (0..1) lie, between two values in proportion; None without a value.

    Each is within 1 % of what the values themselves would give (as percentile_cont does of PostgreSQL).
    """
    count = sum(histogram.values())
    if not count:
        return [None for _ in shares]
    places = [share * (count - 1) for share in shares]
    wanted = sorted({whole for place in places for whole in (math.floor(place), math.ceil(place))})
    found = dict(zip(wanted, _in_order(histogram, wanted), strict=True))
    values: list[float | None] = []
    for place in places:
        low, high = found[math.floor(place)], found[math.ceil(place)]
        values.append(low + (high - low) * (place - math.floor(place)))
    return values


def _in_order(histogram: Histogram, places: Sequence[int]) -> Iterator[float]:
    """The values at these places (ascending, from 0) if all values stood in order."""
    passed, bins = 0, iter(sorted(histogram.items()))
    current = ZERO
    for place in places:
        while passed <= place:
            current, count = next(bins)
            passed += count
        yield middle(current)


def percentage(part: float, whole: float) -> float | None:
    """0..100; None of nothing."""
    return round(100 * part / whole, 4) if whole else None


def grade(success_rate: float | None) -> str | None:
    """A from 95 %, B from 90 %, C from 80 %, else D; None without data."""
    if success_rate is None:
        return None
    return next((letter for letter, least in GRADES if success_rate >= least), "D")


def trend(rate: float | None, before: float | None) -> Trend | None:
    """Of a rate where more is better, in percent; None where one of the two is not known."""
    if rate is None or before is None:
        return None
    moved = rate - before
    return "stable" if abs(moved) <= STABLE else "improving" if moved > 0 else "declining"


def difference(value: float | None, before: float | None) -> float | None:
    return None if value is None or before is None else round(value - before, 6)


def relative(value: float | None, before: float | None) -> float | None:
    """The change in percent of what was before; None where that is 0 or not known."""
    return None if value is None or not before else round(100 * (value - before) / before, 4)
