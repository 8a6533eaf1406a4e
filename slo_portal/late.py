"""What should have been done by now and was not, by what the schedule says: organisations, by their id."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django_celery_beat.models import PeriodicTask

from accounts.models import Organization
from alerts import delivery

MISSED = 2  # turns of the schedule after which something is late


def ticks(*, now: datetime) -> list[str]:
    """Whose figures have not been brought up to date; none where the operator has switched ticks off."""
    limit = _limit("slo_portal.tasks.tick", now)
    if limit is None or not settings.METRICS_ENABLED:
        return []
    behind = Q(enginestate=None) | Q(enginestate__ticked_at=None) | Q(enginestate__ticked_at__lt=limit)
    return _ids(Organization.objects.filter(behind, is_active=True).values_list("pk", flat=True))


def deliveries(*, now: datetime) -> list[str]:
    """For whom a message is due and has not been taken."""
    limit = _limit("slo_portal.tasks.deliver", now)
    return [] if limit is None else _ids(delivery.waiting(now=limit))


def _limit(task: str, now: datetime) -> datetime | None:
    """What was due before this is late; None while the task is switched off."""
    row = (
        PeriodicTask.objects.filter(task=task, enabled=True, interval__isnull=False).select_related("interval").first()
    )
    if row is None or row.interval is None:
        return None
    every: timedelta = row.interval.schedule.run_every
    return now - MISSED * every


def _ids(found: object) -> list[str]:
    return [str(pk) for pk in found]  # type: ignore[attr-defined]
