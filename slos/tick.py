"""The tick: marks and time become buckets, buckets become figures, all in one transaction per organisation.

What follows from the figures (`then`: alerts and what is to be told of them) belongs to the same transaction.

A kill anywhere leaves all or nothing, and the next tick does it again. Whatever was away for how long, the first tick
afterwards counts what time has decided meanwhile.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Max, Q

from accounts.models import Organization
from kpis import feeds, rollups
from kpis.failpoints import fp
from kpis.periods import BUCKET, floor
from slos import aside, buckets, counters, exclusions, measure, retention, snapshots
from slos.buckets import Changed, Dirty
from slos.excluded import Excluded
from slos.indicators import Count
from slos.judged import Objectives
from slos.lock import try_alone
from slos.models import EngineState, SLODefinition, SLOSnapshot


@dataclass(frozen=True)
class TickResult:
    """`ran` is false when another tick of the organisation was under way."""

    ran: bool
    marks: int = 0
    changed_buckets: int = 0
    followed: int = 0  # what `then` returned


Then = Callable[[Organization, datetime, datetime | None, Objectives], int]  # organisation, now, the tick before


def tick(organization: Organization, *, now: datetime, then: Then | None = None) -> TickResult:
    """Count what is dirty and write the figures; the only writer of buckets and snapshots."""
    with transaction.atomic():
        if not try_alone(organization):
            return TickResult(ran=False)
        state, _ = EngineState.objects.get_or_create(organization=organization)
        last = state.ticked_at
        result, objectives = _tick(organization, state, now)
        fp("tick.figures_written")
        followed = then(organization, now, last, objectives) if then else 0
        fp("tick.before_commit")
    fp("tick.after_commit")
    return replace(result, followed=followed)


def took(organization: Organization, seconds: float) -> None:
    """Remember it as the slowest tick, if it is; the others write nothing."""
    state = EngineState.objects.filter(organization=organization)
    state.filter(Q(slowest_tick=None) | Q(slowest_tick__lt=seconds)).update(slowest_tick=seconds)


def slowest() -> float | None:
    """Seconds of the slowest tick of all organisations within reach since this was last asked."""
    found: float | None = EngineState.objects.aggregate(slowest=Max("slowest_tick"))["slowest"]
    EngineState.objects.exclude(slowest_tick=None).update(slowest_tick=None)
    return found


def _tick(organization: Organization, state: EngineState, now: datetime) -> tuple[TickResult, Objectives]:
    held = aside.any_held(organization)
    shifted = aside.follow(organization, sealed_before=state.sealed_before) if held else set()
    slos = list(organization.slos.active())
    feeds.take(organization)
    marks = buckets.take_marks(organization)
    rollups.note(organization, marks)
    counted = counters.count_facts(organization, marks, since=state.sealed_before, now=now, last=state.ticked_at)
    groups = buckets.by_count(slos)
    moved = buckets.marks_of_exceptions(organization, marks, groups)
    dirty: Dirty = buckets.dirty_by_marks([*marks, *moved], groups)
    waiting = _waiting(dirty, groups, state.ticked_at or now, now)
    for at, counts in buckets.dirty_by_time(state.ticked_at, now, groups).items():
        dirty.setdefault(at, set()).update(counts)
    changed, done = _count_anew(organization, slos, state, now, held=held)
    retention.note_too_late(organization, marks, state.sealed_before, now=now)
    due = {at: counts - done for at, counts in dirty.items() if at <= now and not counts <= done}
    excluded = _excluded(organization, due, held=held)
    for run in buckets.runs(due, state.sealed_before):
        changed |= buckets.recount(organization, run, groups, now, excluded)
    before = counters.day_sums(organization, changed)
    buckets.sum_up(organization, changed)
    counters.count_events(organization, slos, before, counters.day_sums(organization, changed))
    changed |= shifted  # after the counters: nothing new was decided in them
    measure.sum_again(organization, changed | waiting, now=now)
    written = snapshots.write(organization, slos, now=now)
    state.ticked_at = now
    if changed or written.changed or counted:
        state.figures_changed_at = now
    state.save(update_fields=["ticked_at", "figures_changed_at"])
    return TickResult(ran=True, marks=len(marks), changed_buckets=len(changed)), written.judged


def _waiting(dirty: Dirty, groups: Mapping[Count, Sequence[UUID]], last: datetime, now: datetime) -> Changed:
    """Where a mark may change what is pending: at deadlines that the last tick had before it.

    For one that is still to come the bucket of now will do: it lies in every period that has begun and not ended.
    """
    coming = [(min(at, floor(now)), counts) for at, counts in dirty.items() if at >= floor(last)]
    return {(slo, at) for at, counts in coming for count in counts for slo in groups[count]}


def _count_anew(
    organization: Organization, slos: Sequence[SLODefinition], state: EngineState, now: datetime, *, held: bool
) -> tuple[Changed, set[Count]]:
    """Objectives that are new or active again, or whose SLI, limit or filter has changed: as far as raw rows reach.

    Also what has been counted by that for all who count it: nothing of it is left to do.
    """
    changed: Changed = set()
    SLOSnapshot.objects.filter(organization=organization, slo__is_active=False).delete()
    counted_as = dict(SLOSnapshot.objects.filter(organization=organization).values_list("slo", "counted_as"))
    stale = [slo for slo in slos if counted_as.get(slo.pk) != Count.of(slo).signature]
    for slo in stale:
        changed |= buckets.forget(slo, state.sealed_before) | measure.with_pending(slo, now)
    if stale and held:
        aside.leave_out_invoices(organization)
        for slo in stale:
            slo.refresh_from_db(fields=["excluded_invoices"])
    groups = buckets.by_count(stale)
    for count in groups:
        runs = [run for run in buckets.weeks_with_rows(organization, count, state.sealed_before) if run.start <= now]
        excluded = _excluded(organization, [at for run in runs for at in (run.start, run.end)], held=held)
        for run in runs:
            changed |= buckets.recount(organization, run, groups, now, excluded)
    everybody = buckets.by_count(slos)
    return changed, {count for count, anew in groups.items() if len(anew) == len(everybody[count])}


def _excluded(organization: Organization, moments: Collection[datetime], *, held: bool) -> Excluded:
    """What is left out of the time of some buckets."""
    if not held or not moments:
        return Excluded()
    return exclusions.between(organization, min(moments), max(moments) + BUCKET)
