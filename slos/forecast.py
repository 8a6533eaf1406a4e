"""Where an error budget goes: what is left of it day by day, when it runs out, and how far off that may be. Pure.

Each day to come brings what its weekday usually brings, newer weeks counting more, and a share of it bad: at first the
share of the last day, later that of the last weeks, as fast as days resemble each other. What is open and falls due
counts with the days until its deadline. From a rolling window the days that leave it are taken away as they were. The
range covers four of five outcomes: it holds how days differed from what was expected of them, in runs, and how well
the weeks before say what is usual. docs/explanation/forecast.md says how often it held.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

DAY = timedelta(days=1)
WEEK = 7
FEWEST = 14  # days with events; of fewer nothing is said
HALF_LIFE = 14  # days
REACH = 84  # days of history that are looked at
LONGEST = 92  # days ahead
WIDTH = 1.2816  # standard deviations, for four of five
LEAST_ALIKE = 0.25  # correlation of neighbouring days that is assumed where less is seen, as kpis.changes does
STEADY = 10  # events that the usual share weighs as much as beside the last day
NO_EVENTS = "nothing was decided in the window"
QUIET = "nothing was decided in the last week"
TOO_SHORT = "only {} of the last {} days had events; it takes {}"


@dataclass(frozen=True)
class Past:
    """What was decided in 24 hours."""

    bad: float
    total: int


@dataclass(frozen=True)
class Range:
    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class Ahead:
    """What is left of the budget (1: all of it; negative: overspent) at a moment to come; of a calendar window the
    budget is that of all of it."""

    at: datetime
    left: Range


@dataclass(frozen=True)
class Forecast:
    """`runs_out` is the first moment at which nothing is left: as expected, at the bad and at the good end of the
    range; each None while it lies beyond `days`. Without `days` nothing can be said, and `reason` says why."""

    days: Sequence[Ahead] = ()
    runs_out: datetime | None = None
    at_the_earliest: datetime | None = None
    at_the_latest: datetime | None = None
    reason: str = ""


@dataclass(frozen=True)
class Asked:
    """`past` are days that end now, the oldest first; `window` what the compliance window holds now, of which the first
    day of `leaving` leaves with the first day to come, and so on; from a calendar window none. `due` events are open
    and fall due within a day."""

    budget: float  # the share of events that may be bad
    past: Sequence[Past]
    window: Past
    leaving: Sequence[Past]
    now: datetime
    end: datetime
    due: int = 0


def forecast(asked: Asked) -> Forecast:
    past = _begun(asked.past[-REACH:])
    known = sum(day.total > 0 for day in past)
    if not asked.window.total:
        return Forecast(reason=NO_EVENTS)
    if not any(day.total for day in past[-WEEK:]):
        return Forecast(reason=QUIET)
    if known < FEWEST:
        return Forecast(reason=TOO_SHORT.format(known, len(past), FEWEST))
    days = list(_days(asked, _Usual(past)))
    return Forecast(
        days,
        _first(days, lambda left: left.middle),
        _first(days, lambda left: left.low),
        _first(days, lambda left: left.high),
    )


def _begun(past: Sequence[Past]) -> Sequence[Past]:
    """From the first day with an event on."""
    return past[next((i for i, day in enumerate(past) if day.total), len(past)) :]


def _first(days: Sequence[Ahead], of: Callable[[Range], float]) -> datetime | None:
    return next((day.at for day in days if of(day.left) <= 0), None)


class _Usual:
    """What days bring, from those of the past; newer ones count more."""

    def __init__(self, past: Sequence[Past]) -> None:
        count = len(past)
        self.weights: list[float] = [0.5 ** ((count - 1 - i) / HALF_LIFE) for i in range(count)]
        self.volumes = [self._volume(past, (count + k) % WEEK) for k in range(WEEK)]  # of the days to come
        total = self._sum([day.total for day in past])
        self.share = self._sum([day.bad for day in past]) / total
        off = [day.bad - self.share * self.volumes[(i - count) % WEEK] for i, day in enumerate(past)]
        a_day = self.share * total / sum(self.weights)
        self.variance = max(self._sum([one * one for one in off]) / sum(self.weights), a_day, 1 / total)
        self.alike = _alike(off)
        self.days = sum(self.weights) ** 2 / sum(weight**2 for weight in self.weights)  # as good as so many equal ones
        self.share_now = (past[-1].bad + STEADY * self.share) / (past[-1].total + STEADY)

    def _sum(self, values: Sequence[float]) -> float:
        return sum(weight * value for weight, value in zip(self.weights, values, strict=True))

    def _volume(self, past: Sequence[Past], place: int) -> float:
        """Of the days at one place of the week."""
        same = [(weight, day.total) for i, (weight, day) in enumerate(zip(self.weights, past, strict=True))
                if i % WEEK == place]  # fmt: skip
        return sum(weight * total for weight, total in same) / sum(weight for weight, _ in same)

    def share_in(self, days: int) -> float:
        """The share that is bad: that of the last day, and ever more the usual one."""
        return self.share + (self.share_now - self.share) * float(self.alike**days)

    def off_by(self, days: float) -> float:
        """The standard deviation of the bad events of so many days: of the days, in runs, and of what is usual."""
        runs = (1 + self.alike) / (1 - self.alike)
        return math.sqrt(self.variance * runs * (days + days**2 / self.days))


def _alike(off: Sequence[float]) -> float:
    """How much a day resembles the one before."""
    squares = sum(one * one for one in off)
    found = sum(a * b for a, b in pairwise(off)) / squares if squares else 0.0
    return max(LEAST_ALIKE, min(0.8, found))


def _days(asked: Asked, usual: _Usual) -> Iterator[Ahead]:
    """Now, and the end of each day to come; the last one may be a part of a day."""
    length = min((asked.end - asked.now) / DAY, LONGEST)
    parts = [min(1.0, length - k) for k in range(math.ceil(length))]
    volumes = [usual.volumes[k % WEEK] * part for k, part in enumerate(parts)]
    volumes[:1] = [max(volume, asked.due) for volume in volumes[:1]]
    bad, total, came = asked.window.bad, float(asked.window.total), 0.0
    if not asked.leaving:  # a calendar window: what it allows is known at its end
        total += sum(volumes)
    yield Ahead(asked.now, _left(asked.budget, bad, total, 0.0, 0.0))
    for k, (part, volume) in enumerate(zip(parts, volumes, strict=True)):
        came += volume * usual.share_in(k)
        if k < len(asked.leaving):
            gone = asked.leaving[k]
            bad, total = bad - gone.bad * part, total - gone.total * part + volume
        yield Ahead(asked.now + (k + part) * DAY, _left(asked.budget, bad, total, came, WIDTH * usual.off_by(k + part)))


def _left(budget: float, bad: float, total: float, came: float, off: float) -> Range:
    """`came` of the bad are yet to come, and may be `off` by so much; fewer than none cannot."""
    allowed = max(total * budget, 1e-9)
    worst, best = bad + came + off, bad + max(0.0, came - off)
    return Range(1 - worst / allowed, 1 - (bad + came) / allowed, 1 - best / allowed)
