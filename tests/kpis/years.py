"""Simulated series of an accounts-payable team, with and without planted changes, and what is found in them.

Counts vary more than Poisson's, days resemble the day before, and weekends are nearly empty: what makes false alarms.
`python -m benchmarks.changes` counts over many seeds.
"""

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple

from kpis.changes import Change, Kind, Sample, Scale, find

START = datetime(2025, 1, 6, tzinfo=UTC)  # a Monday
WEEK = (1.1, 1.0, 1.0, 1.05, 0.9, 0.08, 0.04)
A_DAY = 100  # invoices of a usual weekday
ALIKE = 0.3  # how much a day resembles the day before
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
Plant = Callable[[int], float]


def nothing(_: int) -> float:
    return 0.0


def moods(rng: Random, count: int, size: float) -> Iterator[float]:
    mood = 0.0
    for _ in range(count):
        mood = ALIKE * mood + math.sqrt(1 - ALIKE**2) * rng.gauss(0, 1)
        yield size * mood


def poisson(rng: Random, mean: float) -> int:
    if mean > 50:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    left, count = rng.random(), 0
    while left > math.exp(-mean):
        left *= rng.random()
        count += 1
    return count


def volumes(rng: Random, plant: Plant = nothing, days: int = 365) -> list[Sample]:
    """Invoices a day; `plant` is added to the logarithm of the mean."""
    found = []
    for day, mood in enumerate(moods(rng, days, 0.15)):
        count = poisson(rng, A_DAY * WEEK[day % 7] * math.exp(mood + plant(day)))
        found.append(Sample(START + day * DAY, day % 7, count, count))
    return found


def hourly_volumes(rng: Random, plant: Plant = nothing, weeks: int = 8) -> list[Sample]:
    found = []
    for hour, mood in enumerate(moods(rng, weeks * 168, 0.2)):
        shape = math.exp(-(((hour % 24 - 13) / 3.5) ** 2) / 2) / 8
        count = poisson(rng, A_DAY * WEEK[hour // 24 % 7] * shape * math.exp(mood + plant(hour)))
        found.append(Sample(START + hour * HOUR, hour % 168, count, count))
    return found


def rates(rng: Random, plant: Plant = nothing, days: int = 365) -> list[Sample]:
    """A rate of 95 %; `plant` is added to its log odds."""
    found = []
    for day, mood in enumerate(moods(rng, days, 0.25)):
        count = poisson(rng, A_DAY * WEEK[day % 7])
        share = 1 / (1 + math.exp(-(math.log(19) + mood + plant(day))))
        good = sum(rng.random() < share for _ in range(count))
        found.append(Sample(START + day * DAY, day % 7, 100 * good / count if count else None, count))
    return found


def durations(rng: Random, plant: Plant = nothing, days: int = 365) -> list[Sample]:
    """Means of about 4 minutes; `plant` is added to the logarithm."""
    found = []
    for day, mood in enumerate(moods(rng, days, 0.08)):
        count = poisson(rng, A_DAY * WEEK[day % 7])
        times = [180 * math.exp(rng.gauss(0, 0.8) + mood + plant(day)) for _ in range(count)]
        found.append(Sample(START + day * DAY, day % 7, sum(times) / count if count else None, count))
    return found


class Planted(NamedTuple):
    name: str
    series: Callable[..., list[Sample]]
    scale: Scale
    plant: Plant
    kinds: tuple[Kind, ...] = ()  # what it may rightly be called; nothing: there is no change
    at: timedelta = 200 * DAY


def step(size: float, first: int = 200, last: int = 10_000) -> Plant:
    return lambda at: size if first <= at < last else 0.0


def slope(size: float) -> Plant:
    return lambda at: size * at / 365


NONE = -50.0  # exp of it: no invoice at all
SLOW = (Kind.DRIFT, Kind.SHIFT)
STABLE = [
    Planted("volume of a day", volumes, Scale.COUNT, nothing),
    Planted("rate of a day", rates, Scale.RATE, nothing),
    Planted("mean duration of a day", durations, Scale.DURATION, nothing),
    Planted("volume of an hour, 8 weeks", hourly_volumes, Scale.COUNT, nothing),
]
CHANGED = [
    Planted("volume + 40 %", volumes, Scale.COUNT, step(math.log(1.4)), (Kind.SHIFT,)),
    Planted("volume - 30 % for two weeks", volumes, Scale.COUNT, step(math.log(0.7), last=214), (Kind.SHIFT,)),
    Planted("volume + 60 % over the year", volumes, Scale.COUNT, slope(math.log(1.6)), SLOW, 0 * DAY),
    Planted("three times the volume on a day", volumes, Scale.COUNT, step(math.log(3), last=201), (Kind.OUTLIER,)),
    Planted("two days without an invoice", volumes, Scale.COUNT, step(NONE, last=202), (Kind.SILENCE,)),
    Planted("rate 95 to 91 %", rates, Scale.RATE, step(-0.63), (Kind.SHIFT,)),
    Planted("rate 95 to 90 % over the year", rates, Scale.RATE, slope(-0.75), SLOW, 0 * DAY),
    Planted("rate of 70 % on a day", rates, Scale.RATE, step(-2.1, last=201), (Kind.OUTLIER,)),
    Planted("durations + 20 %", durations, Scale.DURATION, step(math.log(1.2)), (Kind.SHIFT,)),
    Planted("durations + 30 % over the year", durations, Scale.DURATION, slope(math.log(1.3)), SLOW, 0 * DAY),
    Planted("hours + 50 %", hourly_volumes, Scale.COUNT, step(math.log(1.5), first=840), (Kind.SHIFT,), 35 * DAY),
    Planted("four hours of silence", hourly_volumes, Scale.COUNT, step(NONE, 730, 734), (Kind.SILENCE,), 730 * HOUR),
]  # fmt: skip


def search(planted: Planted, seed: int) -> list[Change]:
    return find(planted.series(Random(seed), planted.plant), planted.scale)


def right(planted: Planted, found: list[Change]) -> list[Change]:
    return [change for change in found if change.kind in planted.kinds]


def days_off(planted: Planted, found: list[Change]) -> float:
    return min(abs(change.start - START - planted.at) / DAY for change in found)
