"""The events of an objective as they are known at a moment, one by one. Good is counted in millionths of an event.

Nothing of the portal is used, and no sum is kept.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.oracle import figures

WHOLE = 1_000_000  # one good event
TIMED = {
    "time_to_ready": ("uploaded_at", "ready_at"),
    "approval_latency": ("ready_at", "approved_at"),
    "exception_resolution_time": ("opened_at", "resolved_at"),
}


@dataclass(frozen=True)
class Item:
    """An invoice or an exception: what was told of it, and when that arrived."""

    feed: str
    key: str
    told: Sequence[tuple[datetime, Mapping[str, Any]]]


@dataclass(frozen=True)
class Promise:
    """An objective. Percentages are 0..100."""

    sli: str
    target: Fraction
    limit: timedelta | None = None
    window: str = "rolling"
    days: int = 30
    period: str = "daily"
    policy: str = "default"
    elevated: tuple[Fraction, int] = (Fraction(3, 2), 24)  # threshold, hours
    high: tuple[Fraction, int] = (Fraction(2), 6)
    warning: int = 80
    critical: int = 95
    performance: int = 50
    failures: int = 3
    min_events: int = 10
    min_bad: int = 3
    confidence: int = 2
    off: tuple[str, ...] = ()

    @property
    def budget(self) -> Fraction:
        return 1 - self.target / 100

    @property
    def feed(self) -> str:
        return "exceptions" if self.sli == "exception_resolution_time" else "invoices"


@dataclass(frozen=True)
class Sum:
    good: int  # in millionths
    total: int

    @property
    def bad(self) -> Fraction:
        return self.total - Fraction(self.good, WHOLE)

    @property
    def ratio(self) -> Fraction:
        return Fraction(self.good, WHOLE * self.total)


@dataclass(frozen=True)
class Outcome:
    """How an event stands: when that was decided, its good part, and whether it goes on."""

    at: datetime
    good: int
    open: bool = False


def outcome(promise: Promise, known: Mapping[str, Any], now: datetime) -> Outcome | None:
    """None: there is no event, or it is not decided yet."""
    if promise.limit is not None:
        start, end = (known.get(name) for name in TIMED[promise.sli])
        if start is None:
            return None
        due = start + promise.limit
        if end is not None and end <= due:
            return Outcome(end, WHOLE) if end <= now else None
        return Outcome(due, 0, open=end is None or end > now) if due <= now else None
    at, good = _scored(promise.sli, known)
    return None if at is None or good is None or at > now else Outcome(at, good)


def _scored(sli: str, known: Mapping[str, Any]) -> tuple[datetime | None, int | None]:
    if sli == "validation_pass_rate":
        checks = known.get("structural_valid"), known.get("math_valid")
        return known.get("validated_at"), None if None in checks else WHOLE * all(checks)
    if sli == "processing_success_rate":
        word = known.get("processing_outcome")
        return known.get("completed_at"), None if word is None else WHOLE * (word == "succeeded")
    if sli == "extraction_accuracy":
        sure = known.get("extraction_confidence")
        return known.get("extracted_at"), None if sure is None else int(sure * WHOLE)
    confirmed = known.get("duplicate_confirmed")
    return known.get("duplicate_confirmed_at"), WHOLE * bool(known.get("duplicate_flagged")) if confirmed else None


class Story:
    """The events of one objective as they are known at moments that only move forward."""

    def __init__(self, promise: Promise, items: Iterable[Item]) -> None:
        self.promise = promise
        self.coming = deque(sorted((i for i in items if i.feed == promise.feed), key=lambda item: item.told[0][0]))
        self.waiting: list[Item] = []
        self.settled: list[tuple[datetime, int]] = []  # what no message can change any more
        self.loose: list[Outcome] = []
        self.unconfirmed: list[Outcome] = []

    def move(self, now: datetime, last: datetime) -> None:
        """`last` is when the feed last spoke."""
        while self.coming and self.coming[0].told[0][0] <= now:
            self.waiting.append(self.coming.popleft())
        waiting, self.waiting, self.loose, self.unconfirmed = self.waiting, [], [], []
        for item in waiting:
            known = {name: value for at, told in item.told if at <= now for name, value in told.items()}
            found = outcome(self.promise, known, now)
            everything = item.told[-1][0] <= now
            if everything and found is None and self._never(known):
                continue
            if everything and found and not (found.open and found.at > last):
                insort(self.settled, (found.at, found.good))
                continue
            self.waiting.append(item)
            if found:
                (self.unconfirmed if found.open and found.at > last else self.loose).append(found)

    def _never(self, known: Mapping[str, Any]) -> bool:
        if self.promise.limit is not None:
            return known.get(TIMED[self.promise.sli][0]) is None
        return None in _scored(self.promise.sli, known)

    def within(self, start: datetime, end: datetime) -> Sum:
        """What was decided in [start, end), without overdue work that nothing confirms."""
        first, last = bisect_left(self.settled, (start, -1)), bisect_left(self.settled, (end, -1))
        loose = [event.good for event in self.loose if start <= event.at < end]
        return Sum(sum(good for _, good in self.settled[first:last]) + sum(loose), last - first + len(loose))

    def newest(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """The buckets of events in [start, end), newest first, each as often as it holds one."""
        first, last = bisect_left(self.settled, (start, -1)), bisect_left(self.settled, (end, -1))
        moments = [at for at, _ in self.settled[first:last]] + [e.at for e in self.loose if start <= e.at < end]
        yield from (figures.floor(at) for at in sorted(moments, reverse=True))

    @property
    def began(self) -> datetime | None:
        moments = [event.at for event in (*self.loose, *self.unconfirmed)] + [at for at, _ in self.settled[:1]]
        return figures.floor(min(moments)) if moments else None
