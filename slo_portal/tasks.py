"""What the workers do. Each task finds its work in the database; being late, lost or doubled changes nothing.

A worker sees nothing of any organisation but the one that its task is for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from time import monotonic

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from accounts import reach
from accounts.models import Organization
from alerts import delivery
from alerts.evaluate import evaluate
from kpis import rollups
from kpis.models import SeriesChange
from monitoring import asking, exports, recorded, samples, system
from monitoring.models import Process
from slo_portal import broker, late
from slo_portal import clean_up as cleaning
from slo_portal.heartbeat import send as send_heartbeat
from slo_portal.reports import writing
from slos import figures, found, jobs, measure
from slos.judged import Objectives
from slos.models import Period
from slos.recount import rows_since
from slos.tick import tick as tick_slos
from slos.tick import took

PATIENCE, HURRY = 0.5, 0.2  # seconds for slow receivers, of a worker and of who has something else to do
BATCHES = 20  # of hours whose KPIs are counted again with one tick; the next one goes on
FRESH = timedelta(seconds=3)  # figures that need no tick yet, as somebody has just asked for one
ENABLED = {Period.HOURLY: "SLO_HOURLY_ENABLED", Period.DAILY: "SLO_DAILY_ENABLED", Period.WEEKLY: "SLO_WEEKLY_ENABLED"}


@contextmanager
def _working_for(**which: object) -> Iterator[Organization | None]:
    one = Organization.objects.filter(**which).first()
    with reach.within(reach.of(one.pk) if one else reach.NOTHING):
        yield one


def _follow(organization: Organization, now: datetime, last: datetime | None, objectives: Objectives) -> int:
    """What follows from new figures, in their transaction; returns what is to be told."""
    told = evaluate(organization, now, last, objectives)
    samples.follow(organization, now, last, objectives)
    return told


@shared_task
def tick() -> None:
    """Every few seconds: have each organisation's figures brought up to date, by whichever worker is free."""
    if settings.METRICS_ENABLED:
        with reach.within(reach.EVERYTHING):
            due = late.due(before=timezone.now() - FRESH)
        for pk in due:
            if not broker.takes(tick_organization.name, pk, priority=broker.LATER):
                return  # the listener does what is late


@shared_task
def tick_organization(pk: str) -> None:
    with _working_for(pk=pk, is_active=True) as organization:
        if settings.METRICS_ENABLED and organization:
            began = monotonic()
            done = tick_slos(organization, now=timezone.now(), then=_follow)
            if done.ran:
                took(organization, monotonic() - began)
            if done.followed:
                _hand_over(pk)
            jobs.run_waiting(organization, now=timezone.now())
            _count_kpis(organization)


def _count_kpis(organization: Organization) -> None:
    for _ in range(BATCHES):
        if not rollups.refresh(organization, now=timezone.now(), reach=rows_since):
            break


@shared_task
def deliver() -> None:
    """Every few seconds: send what is due, and try again what could not be sent."""
    with reach.within(reach.EVERYTHING):
        waiting = delivery.waiting(now=timezone.now())
    for pk in waiting:
        if not broker.takes(deliver_organization.name, str(pk)):
            return


@shared_task
def deliver_organization(pk: str, patience: float = PATIENCE) -> None:
    with _working_for(pk=pk) as organization:
        if organization:
            delivery.deliver(organization, clock=timezone.now, patience=patience)


@shared_task
def heartbeat() -> None:
    """Every minute: tell a watcher outside that ticks and messages are on time."""
    with reach.within(reach.EVERYTHING):
        send_heartbeat(now=timezone.now())


def _hand_over(pk: str) -> None:
    """Messages go at once, by another worker, so that a slow channel holds up no tick; without a broker by this one."""
    if not broker.takes(deliver_organization.name, pk):
        deliver_organization(pk, HURRY)


@shared_task
def measurement(period: str, organization: str) -> None:
    """Write the measurements that are due; `period` is hourly, daily or weekly."""
    with _working_for(slug=organization, is_active=True) as known:
        if settings.METRICS_ENABLED and getattr(settings, ENABLED[Period(period)]) and known:
            tick_slos(known, now=timezone.now())
            measure.catch_up(known, period, now=timezone.now())


@shared_task
def report(kind: str, organization: str) -> None:
    """Make and send the reports that are due; `kind` is daily, weekly or monthly."""
    with _working_for(slug=organization, is_active=True) as known:
        if settings.METRICS_ENABLED and known:
            tick_slos(known, now=timezone.now())
            _count_kpis(known)
            if writing.write_due(known, kind, now=timezone.now()):
                _hand_over(str(known.pk))


@shared_task
def changes(organization: str) -> None:
    """Every hour: look for what has changed in the series of an organisation, in hours and in days."""
    with _working_for(slug=organization, is_active=True) as known:
        if settings.METRICS_ENABLED and known:
            _count_kpis(known)
            for granularity in SeriesChange.Granularity.values:
                found.look(known, granularity, now=timezone.now())


@shared_task
def clean_up() -> None:
    """By its schedule: delete what is no longer kept."""
    for pk in Organization.objects.values_list("pk", flat=True):
        clean_up_organization.delay(str(pk))
    with reach.within(reach.EVERYTHING):
        cleaning.of_all(now=timezone.now())


@shared_task
def clean_up_organization(pk: str) -> None:
    with _working_for(pk=pk) as organization:
        if organization:
            cleaning.of_organization(organization, now=timezone.now())


@shared_task
def charts() -> None:
    """Every minute: have the charts drawn again whose figures have changed."""
    if settings.METRICS_ENABLED:
        for pk in Organization.objects.filter(is_active=True).values_list("pk", flat=True):
            draw.apply_async((str(pk),), expires=60)


@shared_task
def draw(pk: str) -> None:
    with _working_for(pk=pk, is_active=True) as organization:
        if settings.METRICS_ENABLED and organization:
            figures.refresh(organization, now=timezone.now())


@shared_task
def pulse() -> None:
    """Every ten seconds: show that a worker does what beat asks of it."""
    system.sample(lambda: system.note(Process.Component.WORKER, now=timezone.now()))


@shared_task
def export() -> None:
    """Every minute, after the figures: tell Datadog and OpenTelemetry what Prometheus reads, where that is wanted."""
    if settings.METRICS_ENABLED:
        with reach.within(reach.EVERYTHING):
            exports.send(now=timezone.now())


@shared_task
def system_figures() -> None:
    """Every minute: what the portal uses and how fast it is, and what no tick has noticed in words for Prometheus."""
    system.sample(lambda: system.measure(Process.Component.WORKER, now=timezone.now()))
    system.sample(lambda: system.measure_database(now=timezone.now()))
    depth = asking.queue_depth(PATIENCE)
    system.sample(lambda: recorded.record(depth, now=timezone.now()), reach.EVERYTHING)
    if settings.METRICS_ENABLED:
        for organization in Organization.objects.filter(is_active=True):
            with reach.within(reach.of(organization.pk)):
                samples.refresh(organization, now=timezone.now())
