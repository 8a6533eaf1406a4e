"""Times in which alerts are evaluated and recorded, not sent."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice, takewhile
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Q, Value

from accounts.models import Organization, User
from alerts.models import Silence
from kpis import recurrence
from kpis.periods import Interval
from kpis.recurrence import AHEAD, Unreadable

LONGEST = timedelta(days=7)


@dataclass(frozen=True)
class Silenced:
    """What is silent at one moment, and by which silence."""

    everything: Silence | None = None
    slos: Mapping[UUID, Silence] = field(default_factory=dict)

    def of(self, slo: UUID | None) -> Silence | None:
        """The one that holds for an objective; None asks for what concerns no single one."""
        return self.everything or (self.slos.get(slo) if slo else None)


def active(organization: Organization, *, now: datetime) -> Silenced:
    """In one query."""
    once, again = Q(rrule="", end__gt=now), ~Q(rrule="") & Q(start__gt=now - AHEAD - LONGEST)
    rows = (
        organization.silences.filter(once | again, ended_at=None, start__lte=now)
        .annotate(named=ArrayAgg("slos", filter=Q(slos__isnull=False), default=Value([])))
        .order_by("start", "pk")
    )
    everything: Silence | None = None
    slos: dict[UUID, Silence] = {}
    for silence in rows:
        if not _holds(silence, organization, now):
            continue
        everything = everything or (None if silence.named else silence)
        for slo in silence.named:
            slos.setdefault(slo, silence)
    return Silenced(everything, slos)


def coming(silence: Silence, *, now: datetime, most: int = 5) -> list[Interval]:
    """The occurrences that are not over, for a preview; none of a silence that was ended or cannot be read."""
    if silence.ended_at:
        return []
    try:
        found = (one for one in _occurrences(silence, silence.organization) if one[1] > now)
        return list(islice(found, most))
    except Unreadable:
        return []


def wrong(silence: Silence) -> dict[str, str]:
    """What is wrong with one that is not saved yet, by field; fields that are missing are refused by the form."""
    found = {}
    if not silence.reason.strip():
        found["reason"] = "Say why nobody needs to be told."
    if silence.owner_id is None:
        found["owner"] = "Name somebody who answers for it."
    if silence.start and silence.end and silence.organization_id:
        found |= _wrong_times(silence, silence.start, silence.end)
    return found


def end_now(silence: Silence, *, by: User | None, now: datetime) -> bool:
    """End it early, all its recurrences too; False when somebody has done so before."""
    changed = Silence.objects.filter(pk=silence.pk, ended_at=None).update(ended_at=now, ended_by=by)
    silence.refresh_from_db(fields=["ended_at", "ended_by"])
    return bool(changed)


def _wrong_times(silence: Silence, start: datetime, end: datetime) -> dict[str, str]:
    if end <= start:
        return {"end": "Name a time after the start."}
    if end - start > LONGEST:
        return {"end": f"A silence lasts {LONGEST.days} days at most, so that none is forgotten. Renew it when needed."}
    why = silence.rrule and recurrence.wrong(silence.rrule, start, end, silence.organization.time_zone)
    return {"rrule": why} if why else {}


def _occurrences(silence: Silence, organization: Organization) -> Iterator[Interval]:
    if not silence.rrule:
        return iter([(silence.start, silence.end)])
    return recurrence.occurrences(silence.rrule, silence.start, silence.end, organization.time_zone)


def _holds(silence: Silence, organization: Organization, now: datetime) -> bool:
    """One whose recurrence cannot be read silences nobody."""
    try:
        begun = takewhile(lambda one: one[0] <= now, _occurrences(silence, organization))
        return any(now < end for _, end in begun)
    except Unreadable:
        return False
