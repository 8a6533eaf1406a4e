"""What becomes of an alert at a tick: a pure state machine over what stood before and what the conditions say now.

tests/alerts/test_standing.py holds the worked table (docs/reference/alerts.md).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from alerts.kinds import Severity, rank

UNWATCHED = timedelta(minutes=2)  # a gap between ticks in which nobody knows what held
REOPENS_WITHIN = timedelta(hours=1)  # what comes back so soon is the same alert: it flaps
HELD_BACK_FOR = timedelta(hours=24)  # after a person has resolved what still held


class Act(StrEnum):
    NOTHING = "nothing"
    OPEN = "open"
    REOPEN = "reopen"
    WORSEN = "worsen"
    RECOVER = "recover"
    SUPERSEDE = "supersede"
    RELEASE = "release"  # what a person resolved no longer holds a new one back


class Verdict(Protocol):
    """What a condition says now (alerts.rules.Verdict)."""

    @property
    def severity(self) -> Severity | None: ...
    @property
    def over(self) -> bool: ...
    @property
    def frozen(self) -> bool: ...
    @property
    def superseded(self) -> bool: ...


@dataclass(frozen=True)
class Standing:
    """The newest alert of one objective and type, or that there is none."""

    severity: str = ""
    is_open: bool = False
    quiet_since: datetime | None = None  # since when its condition has not held, in a row
    resolved_at: datetime | None = None
    recovered: bool = False  # it ended by itself
    holds_back: bool = False  # a person resolved it while its condition held


@dataclass(frozen=True)
class Move:
    """What to do, and since when it is quiet now."""

    act: Act
    quiet_since: datetime | None = None


def move(before: Standing, verdict: Verdict, *, now: datetime, last: datetime | None, resolve_after: timedelta) -> Move:
    """The next move; `last` is the tick before, None at the first."""
    before = replace(before, quiet_since=_still_quiet(before, verdict, now, last))
    if before.is_open:
        return _of_open(before, verdict, now, resolve_after)
    if before.holds_back:
        return _of_held_back(before, verdict, now, resolve_after)
    if verdict.frozen or verdict.superseded or verdict.severity is None:
        return Move(Act.NOTHING)
    recent = before.recovered and before.resolved_at is not None and now - before.resolved_at < REOPENS_WITHIN
    return Move(Act.REOPEN if recent else Act.OPEN)


def _still_quiet(before: Standing, verdict: Verdict, now: datetime, last: datetime | None) -> datetime | None:
    """The resolve timer stands still while nothing is known, and over a time that nobody watched."""
    if before.quiet_since is None:
        return now if verdict.over and not verdict.frozen else None
    gap = now - last if last else timedelta(0)
    if verdict.frozen or gap > UNWATCHED:
        return before.quiet_since + gap
    return before.quiet_since if verdict.over else None


def _of_open(before: Standing, verdict: Verdict, now: datetime, resolve_after: timedelta) -> Move:
    if verdict.superseded:
        return Move(Act.SUPERSEDE)
    if verdict.frozen:
        return Move(Act.NOTHING, before.quiet_since)
    if rank(verdict.severity) > rank(before.severity):
        return Move(Act.WORSEN)
    return Move(Act.RECOVER if _quiet_enough(before, now, resolve_after) else Act.NOTHING, before.quiet_since)


def _of_held_back(before: Standing, verdict: Verdict, now: datetime, resolve_after: timedelta) -> Move:
    if verdict.frozen:
        return Move(Act.NOTHING, before.quiet_since)
    if _quiet_enough(before, now, resolve_after):
        return Move(Act.RELEASE)
    waited = before.resolved_at is not None and now - before.resolved_at >= HELD_BACK_FOR
    worse = rank(verdict.severity) > rank(before.severity)
    if verdict.severity is not None and not verdict.superseded and (waited or worse):
        return Move(Act.OPEN)
    return Move(Act.NOTHING, before.quiet_since)


def _quiet_enough(before: Standing, now: datetime, resolve_after: timedelta) -> bool:
    return before.quiet_since is not None and now - before.quiet_since >= resolve_after
