"""The seven indicators, row by row: which events are decided at a moment, which are pending, which never count."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from tests.oracle.facts import EXCEPTION, INVOICE, YEAR_2000, Row, World

TIMED = ("time_to_ready", "approval_latency", "exception_resolution_time")
RATES = ("validation_pass_rate", "processing_success_rate", "extraction_accuracy", "duplicate_recall")
SLIS = TIMED + RATES

SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}


class Event(NamedTuple):
    """One decided event; `good` is 0, 1 or a confidence."""

    decided_at: datetime
    good: Fraction


class Ended(NamedTuple):
    """A piece of work that has ended, in time or not."""

    ended_at: datetime
    duration: timedelta


@dataclass
class Account:
    """What one SLI makes of the world at one moment."""

    events: list[Event] = field(default_factory=list)
    pending: list[datetime] = field(default_factory=list)  # deadlines
    ended: list[Ended] = field(default_factory=list)
    inconsistent: list[str] = field(default_factory=list)  # keys of the rows

    def within(self, times: Collection[tuple[datetime, datetime]], *, left_out: bool = False) -> "Account":
        """What was decided and what ended in some times, or in no one of them."""

        def wanted(at: datetime) -> bool:
            return any(start <= at < end for start, end in times) is not left_out

        events = [one for one in self.events if wanted(one.decided_at)]
        return Account(events, self.pending, [one for one in self.ended if wanted(one.ended_at)], self.inconsistent)


class Work(NamedTuple):
    """A timed piece of work: it ends well at `end`, or is stopped (which is no fault) at `stopped`."""

    key: str
    start: datetime
    end: datetime | None
    stopped: datetime | None


def threshold(value: Decimal, unit: str) -> timedelta:
    """`T` of a timed SLI, exact to the microsecond."""
    return timedelta(microseconds=int(value * SECONDS[unit] * 1_000_000))


Deadline = Callable[[datetime], datetime]
Only = Mapping[str, str]  # {"vendor": "Ada", "label:a": "x"}
EVERYTHING: Only = {}


def belongs(row: Row, only: Only) -> bool:
    """The invoice is of the wanted part of the work."""
    labels: Mapping[str, object] = row.get("labels") or {}  # type: ignore[assignment]
    return all(
        (labels.get(name[6:]) if name.startswith("label:") else row.get(name)) == value for name, value in only.items()
    )


def part_of(world: World, only: Only) -> World:
    """What is left of the world; an exception has its own labels, and all else from its invoice."""
    invoices, exceptions = world.rows[INVOICE], world.rows[EXCEPTION]
    own = {name: value for name, value in only.items() if name.startswith("label:")}
    rest = {name: value for name, value in only.items() if name not in own}
    left = World()
    left.rows[INVOICE] = {key: row for key, row in invoices.items() if belongs(row, only)}
    left.rows[EXCEPTION] = {
        key: row
        for key, row in exceptions.items()
        if belongs(row, own) and belongs(invoices.get(str(row.get("invoice_id")), {}), rest)
    }
    return left


def account(
    sli: str,
    world: World,
    now: datetime,
    t: timedelta | None = None,
    only: Only = EVERYTHING,
    deadline: Deadline | None = None,
) -> Account:
    """What `sli` counts in `world` at `now`; `t` is the threshold of a timed SLI, `only` the part of the work.

    `deadline` of a start, where its clock does not always run.
    """
    whole, world = world, part_of(world, only)
    if sli in TIMED:
        assert t is not None
        return timed(works(sli, world, whole), deadline or (lambda start: start + t), now)
    result = Account()
    for row in world.invoices:
        event = rated(sli, row)
        if event is not None and event.decided_at <= now:
            result.events.append(event)
    return result


def reported(told: Iterable[tuple[datetime, int, int]], now: datetime) -> Account:
    """What a program has counted itself, in the order in which (at, good, total) came: the last of a bucket holds."""
    last: dict[datetime, tuple[int, int]] = {}
    for at, good, total in told:
        last[at - (at - YEAR_2000) % timedelta(minutes=5)] = good, total
    result = Account()
    for start, (good, total) in last.items():
        if start <= now:
            result.events += [Event(start, Fraction(k < good)) for k in range(total)]
    return result


def works(sli: str, world: World, whole: World) -> Iterator[Work]:
    if sli == "exception_resolution_time":
        for row in world.exceptions:
            if "opened_at" in row and not whole.is_void(row.get("invoice_id")):
                yield work("exception_id", row, "opened_at", "resolved_at", None)
        return
    for row in world.invoices:
        if "voided_at" in row:
            continue
        if sli == "time_to_ready" and "uploaded_at" in row:
            yield work("invoice_id", row, "uploaded_at", "ready_at", None)
        if sli == "approval_latency" and "ready_at" in row:
            yield work("invoice_id", row, "ready_at", "approved_at", "rejected_at")


def work(key: str, row: Row, start: str, end: str, stopped: str | None) -> Work:
    return Work(str(row[key]), row[start], row.get(end), row.get(stopped) if stopped else None)  # type: ignore[arg-type]


def timed(items: Iterator[Work], due: Deadline, now: datetime) -> Account:
    result = Account()
    for item in items:
        if (item.end and item.end < item.start) or (item.stopped and item.stopped < item.start):
            result.inconsistent.append(item.key)
            continue
        deadline = due(item.start)
        in_time = item.end is not None and item.end <= deadline
        if not in_time and item.stopped is not None and item.stopped <= deadline:
            continue
        decided_at = item.end if in_time and item.end else deadline
        if decided_at <= now:
            result.events.append(Event(decided_at, Fraction(in_time)))
        else:
            result.pending.append(deadline)
        if item.end is not None and item.end <= now:
            result.ended.append(Ended(item.end, item.end - item.start))
    return result


def rated(sli: str, row: Row) -> Event | None:
    """The event of one invoice for an SLI without a threshold; None while its outcome or its time is unknown."""
    if sli == "duplicate_recall":
        if row.get("duplicate_confirmed") is not True:
            return None
        return event(row, "duplicate_confirmed_at", Fraction(row.get("duplicate_flagged") is True))
    if "voided_at" in row:
        return None
    if sli == "validation_pass_rate":
        checks = row.get("structural_valid"), row.get("math_valid")
        return None if None in checks else event(row, "validated_at", Fraction(checks == (True, True)))
    if sli == "processing_success_rate":
        outcome = row.get("processing_outcome")
        return outcome and event(row, "completed_at", Fraction(outcome == "succeeded"))  # type: ignore[return-value]
    confidence = row.get("extraction_confidence")
    return event(row, "extracted_at", Fraction(confidence)) if isinstance(confidence, Decimal) else None


def event(row: Row, decided: str, good: Fraction) -> Event | None:
    return Event(row[decided], good) if decided in row else None  # type: ignore[arg-type]
