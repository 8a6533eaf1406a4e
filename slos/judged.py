"""What alerts judge by: the figures without overdue work that no later message of its feed confirms.

Such work is bad in every figure that is shown; but a feed that has stopped looks just the same, and wakes nobody.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from kpis.periods import look_back
from slos.budget import Counts, Window
from slos.burn import SHORT_EVENTS, Burn, burns_long, lengthened
from slos.models import SLODefinition, SLOSnapshot
from slos.sources import Buckets, Stored, feed_of
from slos.unconfirmed import Overdue
from slos.windows import look_back_counts, rules_of, window_of


@dataclass(frozen=True)
class Judged:
    """An objective as its alerts see it."""

    slo: SLODefinition
    row: SLOSnapshot
    window: Window
    burns: tuple[Burn, ...]
    overdue: Overdue  # left out of both, by bucket
    stale: bool  # its feed has been silent for too long

    @property
    def burning(self) -> bool:
        """A burn-rate condition holds."""
        return any(burn.holds(self.window, self.slo.budget, self.slo.guards) for burn in self.burns)


Objectives = Mapping[UUID, Judged]  # of every active objective


def judge(rows: Iterable[tuple[SLODefinition, SLOSnapshot]], source: Stored) -> dict[UUID, Judged]:
    """Each objective by the figures of its snapshot, in a handful of statements for all."""
    rows = list(rows)
    states = source.feeds()
    overdue = source.overdue([slo for slo, _ in rows], states)
    stale = {name for name, state in states.items() if state.stale}
    found = {
        slo.pk: _judged(slo, row, source.now, overdue.get(slo.pk, []), stale=feed_of(slo) in stale) for slo, row in rows
    }
    quiet = [one for one in found.values() if any(_too_quiet(one, burn) for burn in one.burns)]
    since = {one.slo.pk: min(look_back(source.now, burn.rule.long)[0] for burn in one.burns) for one in quiet}
    most = SHORT_EVENTS + max((len(one.overdue) for one in quiet), default=0)
    for pk, buckets in source.newest(since, most).items():
        found[pk] = _with_longer_looks(found[pk], buckets, source.now)
    return found


def without(counts: Counts, overdue: Overdue, start: datetime, end: datetime) -> Counts:
    """Counts of [start, end) less the overdue events in it."""
    return _less(counts, sum(number for at, number in overdue if start <= at < end)) if overdue else counts


def _less(counts: Counts, overdue: int) -> Counts:
    """Overdue events are bad. Where there are more than bad ones, some have ended since the bad ones were counted."""
    return Counts(counts.good, counts.total - min(overdue, int(counts.bad)))


def _judged(slo: SLODefinition, row: SLOSnapshot, now: datetime, overdue: Overdue, *, stale: bool) -> Judged:
    window = window_of(slo, row, now)
    counts = without(window.counts, overdue, row.window_start, row.window_end)

    def held(length: timedelta) -> Counts:
        return without(look_back_counts(row, length), overdue, *look_back(now, length))

    burns = tuple(Burn(rule, held(rule.long), held(rule.short)) for rule in rules_of(slo, window.length))
    return Judged(slo, row, replace(window, counts=counts), burns, overdue, stale)


def _too_quiet(judged: Judged, burn: Burn) -> bool:
    """Only the short look-back is left to tell, and it holds too little."""
    slo = judged.slo
    return burn.short.total < SHORT_EVENTS and burns_long(burn.rule, burn.long, judged.window, slo.budget, slo.guards)


def _with_longer_looks(judged: Judged, buckets: Buckets, now: datetime) -> Judged:
    burns = (
        replace(burn, short=_lengthened(burn, buckets, judged.overdue, now)) if _too_quiet(judged, burn) else burn
        for burn in judged.burns
    )
    return replace(judged, burns=tuple(burns))


def _lengthened(burn: Burn, buckets: Buckets, overdue: Overdue, now: datetime) -> Counts:
    long, short = look_back(now, burn.rule.long)[0], look_back(now, burn.rule.short)[0]
    left = dict(overdue)
    return lengthened((at >= short, _less(counts, left.get(at, 0))) for at, counts in buckets if at >= long)
