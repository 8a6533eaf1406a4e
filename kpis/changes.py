"""What has changed in a series: level shifts, slow drifts, single outliers and silences.

Each value is put on a scale on which chance weighs the same everywhere (square roots of counts, logarithms of
durations, arcsines of rates), and what is usual at its hour of the week or weekday is taken off. The rest is cut where
a stretch lies farther from the others than chance explains (circular binary segmentation, Olshen et al. 2004). The
noise comes from differences between values, and is larger where neighbours resemble each other (AR(1)).

ALPHA bounds how often chance of that kind looks like a change; how often it does is in docs/explanation/changes.md.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import accumulate, pairwise
from operator import sub
from statistics import fmean, median

ALPHA = 0.005
FEWEST = 28  # values; of fewer nothing is said
PER_SLOT = 3  # values of an hour of the week or weekday that make a usual one
SHORTEST = 5  # values in a level
FAR = 7  # values between two that no longer resemble each other
LEAST_ALIKE = 0.25  # correlation of neighbours that is assumed where less is seen: of a year it is known to 0.17
CLIP = 4.0  # noises; a single value farther off moves no level
OUTSTANDING = 5.0  # noises that an outlier differs by at least
QUIET = 30.0  # events usual in a silence, as in that of a feed (kpis.staleness)
KNOTS = 12  # places at which a drift may begin
PASSES = 2


class Scale(StrEnum):
    COUNT = "count"
    DURATION = "duration"
    RATE = "rate"  # 0..100


class Kind(StrEnum):
    SHIFT = "shift"
    DRIFT = "drift"
    OUTLIER = "outlier"
    SILENCE = "silence"


LEAST_NOISE = {Scale.COUNT: 1.0, Scale.DURATION: 0.02}  # that of Poisson's counts; 2 % of a duration


@dataclass(frozen=True)
class Sample:
    """A period: `slot` is its hour of the week or its weekday, `events` what the value was made of."""

    at: datetime
    slot: int
    value: float | None
    events: int


@dataclass(frozen=True)
class Change:
    """The value was `before`, and is or was `after` from `start` to `end` (None: until the last sample).

    `confidence` is 1 less the chance that nothing has changed and the values only look so.
    """

    kind: Kind
    start: datetime
    end: datetime | None
    before: float
    after: float
    confidence: float


def find(samples: Sequence[Sample], scale: Scale) -> list[Change]:
    """What has changed in samples in order of time. Those without a value, and those in a silence, say nothing more."""
    silences = list(_silences(samples)) if scale is Scale.COUNT else []
    quiet = {one.at for one in samples if any(s.start <= one.at and not (s.end and s.end <= one.at) for s in silences)}
    known = [one for one in samples if one.value is not None and one.at not in quiet]
    found = _found(known, scale) if len(known) >= FEWEST else []
    return sorted([*silences, *found], key=lambda change: change.start)


def _found(samples: Sequence[Sample], scale: Scale) -> list[Change]:
    rest, flat = _rest(samples, scale)
    cuts = _cuts(flat)
    knot = _knot(flat, cuts)
    if knot is None:
        return [*_shifts(samples, flat, cuts), *_outliers(samples, _minus_levels(rest, cuts))]
    slope = _slope(rest, knot[0])
    straight = [value - slope * max(0, i - knot[0]) for i, value in enumerate(rest)]
    return [_drift(samples, *knot), *_outliers(samples, _minus_levels(straight, []))]


# --- the same chance everywhere ------------------------------------------------------------------------------
def _rest(samples: Sequence[Sample], scale: Scale) -> tuple[list[float], list[float]]:
    """How far each value is from the usual, in noises; and the same clipped, in noises of sums of neighbours."""
    heights = [_height(one, scale) for one in samples]
    events = max(1.0, median(one.events for one in samples))
    weights = [1.0 if scale is Scale.COUNT else min(3.0, math.sqrt(one.events / events)) for one in samples]
    least = LEAST_NOISE.get(scale, 1 / math.sqrt(events))
    cuts: list[int] = []
    for _ in range(PASSES):  # the usual is better known once the levels are
        usual = _usual(samples, _minus_levels(heights, cuts))
        rest = [height - typical for height, typical in zip(heights, usual, strict=True)]
        middle = median(rest)
        noisy = [(value - middle) * weight for value, weight in zip(rest, weights, strict=True)]
        noise, stretch = _noise(_minus_levels(noisy, cuts), least)
        flat = [max(-CLIP, min(CLIP, value / noise)) / stretch for value in noisy]
        cuts = _cuts(flat)
    return [value / noise for value in noisy], flat


def _height(sample: Sample, scale: Scale) -> float:
    value = sample.value or 0.0
    if scale is Scale.COUNT:
        return 2 * math.sqrt(value + 3 / 8)  # Anscombe
    if scale is Scale.DURATION:
        return math.log(max(value, 1e-6))
    good = sample.events * value / 100
    return 2 * math.asin(math.sqrt(min(1.0, (good + 3 / 8) / (sample.events + 3 / 4))))


def _usual(samples: Sequence[Sample], values: Sequence[float]) -> list[float]:
    """The median of the slot; of all where slots have too few values."""
    slots: dict[int, list[float]] = defaultdict(list)
    for one, value in zip(samples, values, strict=True):
        slots[one.slot].append(value)
    if min(map(len, slots.values())) < PER_SLOT:
        return [median(values)] * len(samples)
    middles = {slot: median(found) for slot, found in slots.items()}
    return [middles[one.slot] for one in samples]


def _noise(values: Sequence[float], least: float) -> tuple[float, float]:
    """The standard deviation, and by how much more means of neighbours vary than those of unrelated values."""
    far, near = (_spread([b - a for a, b in zip(values, values[lag:], strict=False)]) for lag in (FAR, 1))
    alike = max(LEAST_ALIKE, min(0.9, 1 - (near / far) ** 2)) if far else LEAST_ALIKE
    return max(far / math.sqrt(2), least), math.sqrt((1 + alike) / (1 - alike))


def _spread(values: Sequence[float]) -> float:
    """The standard deviation by the median distance from 0."""
    return 1.4826 * median(map(abs, values))


def _chance(noises: float, places: float) -> float:
    """That the most outstanding of so many independent places is so many noises away, by chance (Bonferroni)."""
    return min(1.0, places * math.erfc(noises / math.sqrt(2)))


# --- levels --------------------------------------------------------------------------------------------------
def _cuts(values: Sequence[float]) -> list[int]:
    """Where new levels begin, the weakest first taken back until each differs from the one before."""
    cuts = sorted(_split(values, 0, len(values)))
    while cuts:
        apart = [_apart(values, cuts, k) for k in range(len(cuts))]
        weakest = min(range(len(cuts)), key=lambda k: apart[k])
        if _chance(apart[weakest], _places(len(values))) <= ALPHA:
            break
        del cuts[weakest]
    return cuts


def _split(values: Sequence[float], first: int, last: int) -> Iterator[int]:
    count = last - first
    if count < 2 * SHORTEST:
        return
    mean = fmean(values[first:last])
    sums = list(accumulate((value - mean for value in values[first:last]), initial=0.0))
    best, length = max(
        (max(map(abs, map(sub, sums[length:], sums))) * math.sqrt(count / (length * (count - length))), length)
        for length in range(SHORTEST, count - SHORTEST + 1)
    )
    if _chance(best, _places(count)) > ALPHA:
        return
    start = max(range(count - length + 1), key=lambda i: abs(sums[i + length] - sums[i]))
    cuts = [first + cut for cut in (start, start + length) if SHORTEST <= cut <= count - SHORTEST]
    yield from cuts
    for a, b in pairwise([first, *cuts, last]) if cuts else ():
        yield from _split(values, a, b)


def _places(count: int) -> float:
    """Stretches of a series that have little in common with each other, roughly."""
    return (count / SHORTEST) ** 2


def _apart(values: Sequence[float], cuts: Sequence[int], k: int) -> float:
    """The distance of the levels before and after a cut, in noises."""
    borders = [0, *cuts, len(values)]
    before, after = values[borders[k] : borders[k + 1]], values[borders[k + 1] : borders[k + 2]]
    return abs(fmean(after) - fmean(before)) / math.sqrt(1 / len(before) + 1 / len(after))


def _minus_levels(values: Sequence[float], cuts: Sequence[int]) -> list[float]:
    flat: list[float] = []
    for first, last in pairwise([0, *cuts, len(values)]):
        level = median(values[first:last])
        flat += [value - level for value in values[first:last]]
    return flat


def _shifts(samples: Sequence[Sample], flat: Sequence[float], cuts: Sequence[int]) -> Iterator[Change]:
    borders = [0, *cuts, len(samples)]
    for k, cut in enumerate(cuts):
        before, after = samples[borders[k] : cut], samples[cut : borders[k + 2]]
        end = samples[borders[k + 2]].at if borders[k + 2] < len(samples) else None
        chance = _chance(_apart(flat, cuts, k), _places(len(samples)))
        yield Change(Kind.SHIFT, samples[cut].at, end, _middle(before), _middle(after), 1 - chance)


def _middle(samples: Sequence[Sample]) -> float:
    return median(one.value or 0.0 for one in samples)


# --- drifts --------------------------------------------------------------------------------------------------
def _knot(values: Sequence[float], cuts: Sequence[int]) -> tuple[int, float] | None:
    """Where a straight slope begins that explains the series better than levels do, and the chance of it."""
    count, flat = len(values), sum(value**2 for value in _centred(values))
    knots = range(0, count * 2 // 3, max(1, count // KNOTS))
    left, knot = min((flat - _explained(values, knot), knot) for knot in knots)
    chance = _chance(math.sqrt(max(0.0, flat - left)), KNOTS)
    steps = sum(value**2 for a, b in pairwise([0, *cuts, count]) for value in _centred(values[a:b]))
    cost = math.log(count)  # of each number that describes the series (BIC)
    return (knot, chance) if chance <= ALPHA and left + 2 * cost < steps + 2 * len(cuts) * cost else None


def _slope(values: Sequence[float], knot: int) -> float:
    """By least squares: level until the knot, a straight line from there."""
    ramp = _centred([max(0, i - knot) for i in range(len(values))])
    return sum(map(float.__mul__, ramp, _centred(values))) / sum(x * x for x in ramp)


def _explained(values: Sequence[float], knot: int) -> float:
    """The sum of squares that the slope from this knot on takes away."""
    ramp = _centred([max(0, i - knot) for i in range(len(values))])
    return float(_slope(values, knot) ** 2 * sum(x * x for x in ramp))


def _centred(values: Sequence[float]) -> list[float]:
    mean = fmean(values)
    return [value - mean for value in values]


def _drift(samples: Sequence[Sample], knot: int, chance: float) -> Change:
    edge = max(SHORTEST, (len(samples) - knot) // 5)
    before, after = samples[: knot + edge], samples[-edge:]
    return Change(Kind.DRIFT, samples[knot].at, None, _middle(before), _middle(after), 1 - chance)


# --- single values -------------------------------------------------------------------------------------------
def _outliers(samples: Sequence[Sample], rest: Sequence[float]) -> Iterator[Change]:
    """Values that stand out also where the tails are heavier than chance makes them."""
    sizes = sorted(map(abs, rest))
    tail = max(1.0, sizes[len(sizes) * 95 // 100] / 1.96)
    usual = _usual(samples, [one.value or 0.0 for one in samples])
    for i, (one, value) in enumerate(zip(samples, rest, strict=True)):
        chance = _chance(abs(value) / tail, len(samples))
        if abs(value) / tail >= OUTSTANDING and chance <= ALPHA:
            end = samples[i + 1].at if i + 1 < len(samples) else None
            yield Change(Kind.OUTLIER, one.at, end, usual[i], one.value or 0.0, 1 - chance)


def _silences(samples: Sequence[Sample]) -> Iterator[Change]:
    """Stretches without an event in which QUIET are usual. Bursts are allowed for: four times Poisson's variance."""
    if len(samples) < FEWEST:
        return
    usual = _usual(samples, [one.value or 0.0 for one in samples])
    ends = [i for i, one in enumerate(samples) if one.value]  # what is not there is silent, too
    for before, i in pairwise([-1, *ends, len(samples)]):
        first, expected = before + 1, sum(usual[before + 1 : i])
        if expected >= QUIET:
            chance = min(1.0, len(samples) * math.exp(-expected / 4))
            end = samples[i].at if i < len(samples) else None
            yield Change(Kind.SILENCE, samples[first].at, end, expected / (i - first), 0.0, 1 - chance)
