"""Looks for changes in the series of an organisation's KPIs and SLIs, and reads what was found."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction
from django.urls import reverse

from accounts.models import Organization
from kpis import flow, found
from kpis.changes import Change
from kpis.found import Series, Told
from kpis.models import SeriesChange, SeriesLook
from kpis.periods import HOUR, Interval
from kpis.series import KPIS, periods
from kpis.summary import Scope
from slos import ahead, behind, series
from slos.models import SLODefinition
from slos.recount import rows_since

WAITS = {"daily": 2 * HOUR, "hourly": HOUR / 4}  # after the end of a period: what comes late is in it
LEAST_LIFT = Decimal(str(found.LIFT))
LONGEST = 14 * 24 * HOUR  # of a change whose bad events are looked through
MOST = {"daily": 1000, "hourly": 50}  # objectives; of more only days are looked at: an hour's look takes half a second


def look(organization: Organization, granularity: str, *, now: datetime) -> bool:
    """Look through all series once a period has ended; false when there is nothing new, or somebody else is at it."""
    closed = periods(granularity, now - WAITS[granularity], organization.time_zone)
    until = closed[-1][1]
    with transaction.atomic():
        if not _alone(organization):
            return False
        looks = SeriesLook.objects.filter(organization=organization, granularity=granularity)
        if looks.filter(until__gte=until).exists():
            return False
        for one in _series(organization, granularity, until):
            found.keep(organization, one, granularity, now=now)
        if granularity == "hourly":
            ahead.store(organization, now=now)
        scope = Scope(organization, {}, rows_since(organization))
        counted = {"flow": flow.count(scope, closed)} if granularity == "daily" else {}
        SeriesLook.objects.update_or_create(
            organization=organization, granularity=granularity, defaults={"until": until, **counted}
        )
    return True


def _alone(organization: Organization) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"changes {organization.pk}"])
        return bool(cursor.fetchone()[0])


def _series(organization: Organization, granularity: str, now: datetime) -> Iterator[Series]:
    yield from found.kpis(Scope(organization, {}, rows_since(organization)), granularity, now=now)
    slos = list(organization.slos.active().order_by("created_at", "pk")[: MOST[granularity] + 1])
    if len(slos) > MOST[granularity]:
        return
    samples = series.read(organization, slos, granularity, now=now)
    for slo in slos:
        yield Series(str(slo.pk), samples[slo.pk], series.SCALE, False, _cause_of(slo, now))


def _cause_of(slo: SLODefinition, now: datetime) -> found.Cause:
    def cause(change: Change) -> dict[str, str | float]:
        """Who stands out among the bad events since; of an improvement nobody does."""
        if change.after >= change.before:
            return {}
        end = min(change.end or now, change.start + LONGEST)
        for one in behind.contributors(slo, change.start, end, now=now)[:1]:
            if one.share >= found.STANDS_OUT and one.beats_the_rest(LEAST_LIFT):
                return {"field": one.field, "value": one.value, "share": float(round(one.share * 100, 1))}
        return {}

    return cause


def told(organization: Organization, span: Interval, slos: Sequence[SLODefinition], kpis_at: str = "") -> list[Told]:
    """What changed in or over a span in the series of KPIs (their page is `kpis_at`) and of these objectives."""
    by_id = {str(slo.pk): slo for slo in slos}
    rows = found.listed(organization, span, [*KPIS, *by_id])
    return [tell(organization, row, by_id.get(row.series), kpis_at) for row in rows]


def of_objective(slo: SLODefinition, span: Interval) -> list[Told]:
    return [tell(slo.organization, row, slo) for row in found.listed(slo.organization, span, [str(slo.pk)])]


def is_objective(name: str) -> bool:
    return name not in KPIS


def tell(organization: Organization, row: SeriesChange, slo: SLODefinition | None, kpis_at: str = "") -> Told:
    """In words; `slo` is the objective whose series it is."""
    zone = organization.time_zone
    if slo:
        return found.tell(row, slo.name, reverse("objective", args=[slo.pk]), series.SCALE, zone)
    return found.tell_kpi(row, kpis_at, zone)
