"""Times that objectives leave out, as sets of intervals that PostgreSQL understands. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from kpis.periods import Interval

Intervals = tuple[Interval, ...]  # apart from each other, oldest first


def merged(intervals: Iterable[Interval]) -> Intervals:
    """The same times as few intervals, in order."""
    found: list[Interval] = []
    for start, end in sorted(intervals):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return tuple(found)


def multirange(intervals: Iterable[Interval]) -> str:
    """As a tstzmultirange of PostgreSQL is written."""
    return "{" + ",".join(f"[{start.isoformat()},{end.isoformat()})" for start, end in intervals) + "}"


def covers(intervals: Intervals, at: datetime) -> bool:
    place = bisect_right(intervals, at, key=lambda one: one[0]) - 1
    return place >= 0 and at < intervals[place][1]


@dataclass(frozen=True)
class Excluded:
    """What all objectives leave out, and what some of them do besides."""

    everyone: Intervals = ()
    own: Mapping[UUID, Intervals] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[tuple[UUID | None, datetime, datetime]]) -> "Excluded":
        """From (objective, or None for all of them, start, end)."""
        found: dict[UUID | None, list[Interval]] = {}
        for slo, start, end in rows:
            found.setdefault(slo, []).append((start, end))
        everyone = merged(found.pop(None, ()))
        return cls(everyone, {slo: merged(each) for slo, each in found.items() if slo})

    def __bool__(self) -> bool:
        return bool(self.everyone or self.own)

    def by(self, slo: UUID) -> Intervals:
        """What one objective leaves out."""
        return merged([*self.everyone, *self.own[slo]]) if slo in self.own else self.everyone

    def text(self, slo: UUID) -> str:
        """The same as a multirange; empty when it is nothing."""
        return multirange(found) if (found := self.by(slo)) else ""

    @cached_property
    def params(self) -> dict[str, Any]:
        """For `holds`."""
        return {
            "for_all": multirange(self.everyone),
            "of_slos": list(self.own),
            "of_times": [multirange(each) for each in self.own.values()],
        }

    @staticmethod
    def holds(slo: str, at: str) -> str:
        """SQL: the objective of a row leaves out its moment."""
        return (
            f"({at} <@ %(for_all)s::tstzmultirange OR EXISTS (SELECT FROM"
            " unnest(%(of_slos)s::uuid[], %(of_times)s::tstzmultirange[]) x (slo_id, times)"
            f" WHERE x.slo_id = {slo} AND {at} <@ x.times))"
        )
