"""When what has started falls due: the one function behind every deadline, as ranges of starts and as SQL.

A clock that always runs is due a constant time after the start. A working one is due at max(start, opens) + shift, with
constants that hold for a stretch of starts; a tick looks at a few of these, and finds the one of a row by bisection.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from kpis.calendars import MICROSECOND, Calendar, moment
from kpis.periods import BUCKET, DAY, floor

LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
SLOP = 5e-7  # half a microsecond: the seconds of a row are whole microseconds, but for the last bit
COLUMNS = ("begins", "opens", "shift")
NO_STARTS = (f"{{{LONG_AGO}}}", f"{{{LONG_AGO}}}", "{0}")
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Clock:
    """A limit, and the calendar whose working time it is read in; None for time that always passes."""

    limit: timedelta
    calendar: Calendar | None = None

    def due(self, start: datetime) -> datetime:
        return self.calendar.due(start, self.limit) if self.calendar else start + self.limit

    def first(self, due: datetime) -> datetime:
        """The first start that is due at a moment or later."""
        return self.calendar.earliest(due, self.limit) if self.calendar else due - self.limit

    def last(self, due: datetime) -> datetime:
        """The last start that is due by then."""
        return self.first(due + MICROSECOND) - MICROSECOND

    def due_buckets(self, start: datetime) -> set[datetime]:
        """Where the starts of a bucket are due."""
        return {floor(due) for piece in self._spans(start, start + BUCKET) for due in piece}

    def due_between(self, start: datetime, end: datetime) -> tuple[datetime, datetime]:
        """The first and the last deadline of the starts in [start, end)."""
        return self.due(start), self.due(end - MICROSECOND)

    def _spans(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The first and the last deadline of stretches of starts."""
        if self.calendar is None:
            yield self.due_between(start, end)
        else:
            for piece in self.calendar.pieces(start, end, self.limit):
                yield moment(piece.due(piece.start)), moment(piece.due(piece.end - 1))

    # --- SQL -------------------------------------------------------------------------------------------------

    def joined(self, started: str, tag: str) -> str:
        """What a FROM gets for the deadlines of its rows; `know` gives its parameters."""
        if self.calendar is None:
            return ""
        begins, opens, shift = (f"%({name}{tag})s" for name in COLUMNS)
        return (
            f" CROSS JOIN LATERAL (SELECT width_bucket({started}, {begins}::timestamptz[]) AS k) place{tag}"
            f" CROSS JOIN LATERAL (SELECT greatest({started}, ({opens}::timestamptz[])[k]) + ({shift}::interval[])[k]"
            f" AS at) due{tag}"
        )

    def know(self, params: dict[str, Any], tag: str, start: datetime, end: datetime) -> None:
        """The parameters for starts in [start, end). Earlier ones count as due at once: their time is long over."""
        if self.calendar is None:
            return
        until = floor(end, DAY) + DAY  # whole days: the next tick asks for the same
        lists = _lists(self.calendar, self.limit, floor(start, DAY), until) if start < end else NO_STARTS
        params |= {f"{name}{tag}": values for name, values in zip(COLUMNS, lists, strict=True)}

    def deadline(self, started: str, tag: str) -> str:
        return f"due{tag}.at" if self.calendar else f"{started} + interval '{self.limit.total_seconds()!r} seconds'"

    def keeps(self, took: str, started: str, tag: str) -> str:
        """The row took no more than it may. Most have kept it on any clock: their deadlines are not asked for."""
        most = repr(self.limit.total_seconds() + SLOP)
        return f"({took} <= {most}" + (f" OR {took} <= {self._may_take(started, tag)})" if self.calendar else ")")

    def breaks(self, took: str, started: str, tag: str) -> str:
        """The row took more than it may; not where it is not known."""
        return f"({took} > {self._may_take(started, tag)})"

    def _may_take(self, started: str, tag: str) -> str:
        """Seconds, and half a microsecond."""
        if self.calendar is None:
            return repr(self.limit.total_seconds() + SLOP)
        return f"date_part('epoch', due{tag}.at - {started}) + {SLOP!r}"


@lru_cache(maxsize=64)
def _lists(calendar: Calendar, limit: timedelta, start: datetime, end: datetime) -> tuple[str, str, str]:
    """The constants of the starts in [start, end), as PostgreSQL reads arrays: a driver takes long over lists."""
    pieces = list(calendar.pieces(start, end, limit))
    begins = [LONG_AGO, *(moment(one.start) for one in pieces)]
    opens = [LONG_AGO, *(moment(one.opens) for one in pieces)]
    shifts = [timedelta(0), *(one.shift * MICROSECOND for one in pieces)]
    return _array(begins), _array(opens), _array(f"{one / SECOND:.6f} s" for one in shifts)


def _array(values: Iterable[object]) -> str:
    return "{" + ",".join(map(str, values)) + "}"
