"""What the firm's workflow tells the portal: of the past all at once, live as it happens. Pure: time is an argument."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count
from random import Random
from zoneinfo import ZoneInfo

from slo_portal.simulation import firm
from slo_portal.simulation.incidents import INCIDENTS, NORMAL, Conditions, Spell
from slo_portal.simulation.lives import Step, life, meets

MONTH = timedelta(days=30)
AN_HOUR, RELIEF = timedelta(hours=1), timedelta(minutes=10)
WORKING_DAYS = 22  # of 30


def busy_rate(invoices_a_month: int) -> float:
    """Invoices a minute in the busiest hour of an ordinary day."""
    return invoices_a_month / WORKING_DAYS * firm.BUSY_HOUR / 60


def usual_share(start: datetime, end: datetime, zone: ZoneInfo) -> float:
    """How much of the work of the 30 days before `end` falls into [start, end); above 1 for a longer time."""
    return _work(start, end, zone) / _work(end - MONTH, end, zone)


def _work(start: datetime, end: datetime, zone: ZoneInfo) -> float:
    return sum(weight for _, weight in firm.hours(start, end, zone))


def past(
    seed: int, number: int, start: datetime, end: datetime, zone: ZoneInfo, spells: Sequence[Spell] = ()
) -> Iterator[list[Step]]:
    """The lives of `number` invoices uploaded in [start, end), some of which go on after it.

    In no order of time: whatever has been told by a moment is a fair sample, so that no figure in between alarms.
    """
    random = Random(seed)  # noqa: S311 - repeatable is what it must be
    for each, at in enumerate(firm.arrivals(random, number, start, end, zone)):
        yield life(random, firm.vendor(random), at, each, _conditions(at, spells))


def _conditions(at: datetime, spells: Sequence[Spell]) -> Conditions:
    return next((INCIDENTS[one.name].conditions for one in spells if one.start <= at < one.end), NORMAL)


class Traffic:
    """Live: asked again and again what has happened since the last time. Nothing is told before it happens."""

    def __init__(self, seed: int, rate: float, *, now: datetime) -> None:
        """`rate`: invoices a minute."""
        self.random, self.rate = Random(f"live {seed} {now:%y%m%d%H%M%S}"), rate  # noqa: S311
        self.incident: str | None = None
        self.numbers, self.order = count(), count()
        self.coming: list[tuple[datetime, int, Step]] = []
        self.troubled: set[str] = set()  # the invoices of the incident
        self.next_upload = now + self._pause()

    def expect(self, steps: Sequence[Step]) -> None:
        """What will happen to invoices that are there already."""
        for step in steps:
            heapq.heappush(self.coming, (step.at, next(self.order), step))

    def due(self, now: datetime) -> list[Step]:
        """What has happened by now and was not told yet, in order. After a pause of more than an hour nothing new
        has come in it."""
        self.next_upload = max(self.next_upload, now - AN_HOUR)
        while self.next_upload <= now:
            self._upload(self.next_upload)
            self.next_upload += self._pause()
        found = []
        while self.coming and self.coming[0][0] <= now:
            found.append(heapq.heappop(self.coming)[2])
        return found

    def begin(self, name: str, now: datetime) -> int:
        """An incident starts; it has befallen invoices of the last minutes already. Returns how many."""
        self.incident, incident = name, INCIDENTS[name]
        number = max(40, round(incident.busy_hours * 60 * self.rate))
        since, until = (timedelta(minutes=minutes) for minutes in incident.since)
        for _ in range(number):
            at = now - until - self.random.random() * (since - until)
            self._upload(at, only=lambda vendor: meets(vendor, incident.conditions))
        return number

    def end(self, now: datetime) -> int:
        """The incident is over: what has been waiting is done within minutes. Returns how many invoices that are."""
        waiting = [entry for entry in self.coming if _invoice(entry[2]) in self.troubled]
        others = [entry for entry in self.coming if _invoice(entry[2]) not in self.troubled]
        longest = max((at - now for at, _, _ in waiting), default=RELIEF)
        self.coming = others
        heapq.heapify(self.coming)
        # in whole seconds, the order stays
        self.expect([step.moved(now + _whole((at - now) * (RELIEF / longest))) for at, _, step in sorted(waiting)])
        self.incident, self.troubled = None, set()
        return len({_invoice(step) for _, _, step in waiting})

    def _upload(self, at: datetime, only: Callable[[firm.Vendor], bool] = lambda _: True) -> None:
        conditions = INCIDENTS[self.incident].conditions if self.incident else NORMAL
        vendor = firm.vendor(self.random, only)
        steps = life(self.random, vendor, at, next(self.numbers), conditions)
        if self.incident and meets(vendor, conditions):
            self.troubled.add(steps[0].key)
        self.expect(steps)

    def _pause(self) -> timedelta:
        return timedelta(minutes=self.random.expovariate(self.rate))


def _invoice(step: Step) -> str:
    """The invoice that a step is about."""
    return str(step.says.get("invoice_id") or step.key.partition("-E")[0])


def _whole(pause: timedelta) -> timedelta:
    return timedelta(seconds=round(pause.total_seconds()))
