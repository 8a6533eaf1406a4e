"""A firm that lives through a year: weekends, quiet nights, holidays, bad hours and bad days, feeds that fail."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from tests.alerts.naive_events import Item

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TROUBLES = ("late", "unapproved", "invalid", "failing", "unsure", "unflagged", "unresolved")
OUTAGES = (0.5, 3, 12, 30, 90)  # hours
Fields = dict[str, Any]


@dataclass(frozen=True)
class Trouble:
    """From when to when what goes wrong, and with which share of the work."""

    start: datetime
    end: datetime
    what: str
    share: float


@dataclass(frozen=True)
class Life:
    items: Sequence[Item]
    troubles: Sequence[Trouble]
    outages: Sequence[tuple[datetime, datetime]]


def live(first: date, days: int, zone: ZoneInfo, random: Random) -> Life:
    """Every invoice and exception of these local days, and when the firm heard of each step."""
    start = datetime(first.year, first.month, first.day, tzinfo=zone).astimezone(UTC)
    troubles = [_trouble(start, days, random, what) for what in TROUBLES for _ in range(max(2, days // 20))]
    outages = sorted(_outage(start, days, random, OUTAGES[n % len(OUTAGES)]) for n in range(max(5, days // 10)))
    firm = _Firm(zone, troubles, outages, random)
    items = [item for n in range(days) for item in firm.day(first + timedelta(days=n))]
    return Life(items, troubles, outages)


def _trouble(start: datetime, days: int, random: Random, what: str) -> Trouble:
    begins = start + timedelta(days=random.uniform(0, days))
    length = random.choice((1, 3, 8, 30, 100)) * HOUR
    return Trouble(begins, begins + length, what, random.choice((0.15, 0.4, 0.9)))


def _outage(start: datetime, days: int, random: Random, hours: float) -> tuple[datetime, datetime]:
    begins = start + timedelta(days=random.uniform(3, days))
    return begins, begins + hours * HOUR


class _Firm:
    def __init__(
        self,
        zone: ZoneInfo,
        troubles: Sequence[Trouble],
        outages: Sequence[tuple[datetime, datetime]],
        random: Random,
    ) -> None:
        self.zone, self.troubles, self.outages, self.random = zone, troubles, outages, random

    def day(self, day: date) -> Iterator[Item]:
        for n in range(self._number(day)):
            uploaded = self._moment(day)
            yield self._invoice(f"{day}-{n}", uploaded)
            if self.random.random() < 0.12:
                yield self._exception(f"{day}-x{n}", uploaded)

    def _number(self, day: date) -> int:
        """Saturdays are slow, Sundays and the days around the new year are off."""
        if day.weekday() == 6 or (day.month, day.day) in {(12, 24), (12, 25), (12, 26), (12, 31), (1, 1)}:
            return self.random.choice((0, 0, 1))
        return self.random.randint(2, 6) if day.weekday() == 5 else self.random.randint(24, 48)

    def _moment(self, day: date) -> datetime:
        """In office hours, now and then in the night: also in hours that clocks skip or show twice."""
        hours = self.random.uniform(0, 24) if self.random.random() < 0.04 else self.random.gauss(13, 2.5) % 24
        wall = datetime(day.year, day.month, day.day, tzinfo=self.zone, fold=self.random.randint(0, 1))
        seconds = round(hours * 3600)
        return (wall + timedelta(seconds=seconds)).astimezone(UTC)

    def _wrong(self, what: str, at: datetime, usual: float) -> bool:
        shares = [
            trouble.share for trouble in self.troubles if trouble.what == what and trouble.start <= at < trouble.end
        ]
        return self.random.random() < max([usual, *shares])

    def _minutes(self, low: float, high: float) -> timedelta:
        """Whole minutes now and then, so that limits and borders of buckets are met exactly."""
        minutes = self.random.uniform(low, high)
        return timedelta(seconds=round(minutes * 60)) if self.random.random() < 0.7 else round(minutes) * MINUTE

    def _invoice(self, key: str, uploaded: datetime) -> Item:
        late = self._wrong("late", uploaded, 0.02)
        ready = uploaded + (self._minutes(6, 200) if late else self._minutes(1, 5))
        approved = ready + (
            self._minutes(121, 900) if self._wrong("unapproved", ready, 0.05) else self._minutes(5, 120)
        )
        sure = self.random.uniform(0.3, 0.8) if self._wrong("unsure", uploaded, 0.03) else self.random.uniform(0.9, 1)
        steps: list[tuple[datetime, Fields]] = [
            (uploaded, {"uploaded_at": uploaded}),
            (ready, {"ready_at": ready, "extracted_at": ready, "extraction_confidence": Decimal(f"{sure:.6f}")}),
            (ready, self._checks(ready)),
            (approved, {"approved_at": approved, "completed_at": approved, **self._outcome(approved)}),
        ]
        if self.random.random() < 0.06:
            known = approved + self._minutes(10, 3000)
            flagged = not self._wrong("unflagged", known, 0.02)
            steps.append(
                (known, {"duplicate_flagged": flagged, "duplicate_confirmed": True, "duplicate_confirmed_at": known})
            )
        if late and self.random.random() < 0.1:
            steps = steps[:1]  # lost for good
        return self._told("invoices", key, steps)

    def _checks(self, at: datetime) -> Fields:
        wrong = self._wrong("invalid", at, 0.04)
        return {"validated_at": at, "structural_valid": True, "math_valid": not wrong}

    def _outcome(self, at: datetime) -> Fields:
        return {"processing_outcome": "failed" if self._wrong("failing", at, 0.02) else "succeeded"}

    def _exception(self, key: str, at: datetime) -> Item:
        opened = at + self._minutes(1, 60)
        late = self._wrong("unresolved", opened, 0.06)
        resolved = opened + (self._minutes(241, 3000) if late else self._minutes(10, 240))
        return self._told("exceptions", key, [(opened, {"opened_at": opened}), (resolved, {"resolved_at": resolved})])

    def _told(self, feed: str, key: str, steps: Sequence[tuple[datetime, Fields]]) -> Item:
        """Steps are told within a minute, or together with the next one; what an outage holds up comes after it."""
        told: dict[datetime, Fields] = {}
        carried: Fields = {}
        for at, fields in steps:
            carried |= fields
            if at is not steps[-1][0] and self.random.random() < 0.3:
                continue
            told.setdefault(self._heard(at), {}).update(carried)
            carried = {}
        return Item(feed, key, sorted(told.items(), key=lambda one: one[0]))

    def _heard(self, at: datetime) -> datetime:
        heard = at + timedelta(seconds=self.random.randint(0, 60))
        for start, end in self.outages:
            if start <= heard < end:
                heard = end + timedelta(seconds=self.random.randint(0, 900))
        return heard
