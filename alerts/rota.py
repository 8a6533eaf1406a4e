"""Who is on call at a moment. Pure.

The members take turns, a week each. A week begins on the day and at the wall-clock time of the hand-over; where clocks
change, at the first instant at which the clock shows that time, or at the change when it leaves the time out.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from kpis.periods import first_shown


class Override(NamedTuple):
    """Somebody else is on call over [start, end)."""

    who: UUID
    start: datetime
    end: datetime


class Shift(NamedTuple):
    who: UUID | None  # None: nobody
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Schedule:
    """`handover_day` counts from Monday, 0; `overrides` are in the order in which they were made."""

    members: tuple[UUID, ...]
    starts_on: date
    handover_day: int
    handover_at: time
    zone: ZoneInfo
    overrides: tuple[Override, ...] = ()

    def on_call(self, at: datetime) -> UUID | None:
        return next(iter(self.in_turn(at)), None)

    def in_turn(self, at: datetime) -> list[UUID]:
        """Who is on call, and whom to ask when they cannot be reached: the next in turn.

        Of several overrides the one made last counts. Before the first week nobody is on call.
        """
        instead = [override.who for override in reversed(self.overrides) if override.start <= at < override.end]
        weeks = self._week_at(at) - self._week_of(self.starts_on)
        if weeks < 0 or not self.members:
            return instead
        turn = weeks % len(self.members)
        return list(dict.fromkeys([*instead, *self.members[turn:], *self.members[:turn]]))

    def shifts(self, *, start: datetime, weeks: int) -> list[Shift]:
        """Who is on call from `start` to the hand-over after so many weeks, without gap or overlap."""
        first = self._week_at(start) + 1
        borders = [self._handover(first + week) for week in range(weeks)]
        end = borders[-1]
        borders += [border for override in self.overrides for border in override[1:]]
        inside = sorted({start, *(border for border in borders if start < border <= end)})
        found: list[Shift] = []
        for begin, until in pairwise(inside):
            who = self.on_call(begin)
            if found and found[-1].who == who:
                begin = found.pop().start
            found.append(Shift(who, begin, until))
        return found

    def _week_of(self, day: date) -> int:
        """Weeks are counted from the first hand-over day of the calendar."""
        return (day.toordinal() - 1 - self.handover_day) // 7

    def _week_at(self, at: datetime) -> int:
        week = self._week_of(at.astimezone(self.zone).date()) + 1  # a clock set back over midnight shows an old date
        while self._handover(week) > at:
            week -= 1
        return week

    def _handover(self, week: int) -> datetime:
        """The instant at which a week begins, in UTC."""
        day = date.fromordinal(week * 7 + 1 + self.handover_day)
        return first_shown(datetime.combine(day, self.handover_at), self.zone)
