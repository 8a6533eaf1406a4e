"""Clean-up of figures, and the seal that goes before it: what is sealed is never counted again, so it cannot change.

Buckets bear no time of arrival: those of a history that was imported yesterday look old at once. So their age counts
from the seal over them, which is set when the first of their rows may go, `RAW` after its arrival.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import Organization
from kpis import rollups
from kpis.forgetting import forget
from kpis.periods import DAY, floor
from kpis.retention import RAW, Limits, settled
from slos.indicators import INDICATORS
from slos.lock import wait_alone
from slos.models import (
    EngineState,
    Job,
    Period,
    ReportedCount,
    Seal,
    SLIBucket,
    SLIMeasurement,
    SLIType,
    SLODefinition,
    TooLate,
)

FINE = timedelta(days=100)  # 5-minute and hour sums, hourly measurements: a quarter to date is computed from them
AGGREGATES = timedelta(days=730)  # day sums, daily and weekly measurements
JOBS = timedelta(days=90)
LATE = timedelta(days=30)


def limits(organization: Organization) -> Limits:
    """Until when an event may be pending, by the longest limit of all objectives, the paused ones included."""
    found: dict[str, tuple[str, timedelta]] = {}
    for slo in SLODefinition.objects.filter(organization=organization):
        indicator, limit = INDICATORS[SLIType(slo.sli_type)], slo.longest_wait
        if limit is not None:
            _, longest = found.get(indicator.started, ("", timedelta(0)))
            found[indicator.started] = (indicator.ended, max(longest, limit))
    return found


def seal(organization: Organization, *, now: datetime, dry_run: bool = False) -> datetime | None:
    """Move the border behind everything that may go now; returns where it is then, None while nothing may go.

    Waits for a tick and for a count of KPIs that know the old one.
    """
    before = floor(now - RAW)
    rows = [*settled(organization, before, limits(organization)), _reported(before)]
    going = any(some.filter(organization=organization).exists() for some in rows)
    with transaction.atomic():
        wait_alone(organization)
        rollups.wait_alone(organization)
        state, _ = EngineState.objects.get_or_create(organization=organization)
        if not going:
            return state.sealed_before
        before = max(before, state.sealed_before or before)
        if not dry_run and before != state.sealed_before:
            EngineState.objects.filter(pk=state.pk).update(sealed_before=before)
            Seal.objects.get_or_create(organization=organization, at=now, defaults={"before": before})
    return before


def note_too_late(
    organization: Organization, marks: Iterable[tuple[str, datetime]], sealed_before: datetime | None, *, now: datetime
) -> None:
    """Keep, to be listed, the marks of buckets that are counted no more; for the tick."""
    late = {mark for mark in marks if sealed_before and mark[1] < sealed_before}
    TooLate.objects.bulk_create(
        [TooLate(organization=organization, field=field, start=start, noticed_at=now) for field, start in sorted(late)],
        update_conflicts=True,
        unique_fields=["organization", "field", "start"],
        update_fields=["noticed_at"],
        batch_size=1000,
    )


def sealed_for(organization: Organization, age: timedelta, *, now: datetime) -> datetime | None:
    """The border, on a UTC day, of what was decided and sealed so long ago; None when nothing was."""
    seals = Seal.objects.filter(organization=organization, at__lte=now - (age - RAW)).order_by("-before")
    border = seals.values_list("before", flat=True).first()
    return border and floor(min(border, now - age), DAY)


def clean(organization: Organization, *, now: datetime, dry_run: bool = False) -> dict[str, int]:
    """Delete what has outlived its time; rows by their name."""
    fine, coarse = sealed_for(organization, FINE, now=now), sealed_for(organization, AGGREGATES, now=now)
    if fine and not dry_run:
        _coarsen(organization, fine)
    ours = {"organization": organization}
    old: dict[str, Iterable[QuerySet]] = {
        "fine sums": _before(SLIBucket.objects.filter(width__in=(-5, 5, 60)), "start", fine),
        "day sums": _before(SLIBucket.objects.filter(width=1440), "start", coarse),
        "hourly measurements": _before(_measured(now - FINE, Period.HOURLY), "period_start", fine),
        "daily and weekly measurements": [_measured(now - AGGREGATES, Period.DAILY, Period.WEEKLY)],
        "jobs": [Job.objects.filter(created_at__lt=now - JOBS).exclude(state=Job.State.WAITING)],
        "notes of what came too late": [TooLate.objects.filter(noticed_at__lt=now - LATE)],
        "seals": [Seal.objects.filter(at__lt=now - 2 * AGGREGATES)],
    }
    return {name: sum(forget(rows.filter(**ours), dry_run=dry_run) for rows in sets) for name, sets in old.items()}


def clean_reported(organization: Organization, before: datetime, *, dry_run: bool = False) -> dict[str, int]:
    """Delete what programs have counted of the time before a moment that is sealed; rows by their name."""
    old = _reported(before).filter(organization=organization)
    return {str(ReportedCount._meta.verbose_name_plural): forget(old, dry_run=dry_run)}


def _reported(before: datetime) -> QuerySet:
    """Of the time before a border, and not corrected since."""
    return ReportedCount.objects.filter(counted_at__lt=before, updated_at__lt=before)


def _measured(before: datetime, *periods: Period) -> QuerySet:
    return SLIMeasurement.objects.filter(Q(period_end__lt=before, created_at__lt=before), period__in=periods)


def _before(rows: QuerySet, field: str, border: datetime | None) -> list[QuerySet]:
    return [rows.filter(**{f"{field}__lt": border})] if border else []


def _coarsen(organization: Organization, fine_since: datetime) -> None:
    """From now on nobody sums by finer steps than days before this border; whoever does so now is waited for."""
    with transaction.atomic():
        wait_alone(organization)
        state = EngineState.objects.filter(organization=organization)
        state.filter(Q(fine_since=None) | Q(fine_since__lt=fine_since)).update(fine_since=fine_since)
