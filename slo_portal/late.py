"""What should have been done by now and was not, by what the schedule says: organisations, by their id."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from accounts.models import Organization
from alerts import delivery
from slos.models import EngineState

MISSED = 2  # turns of the schedule after which a tick is late that nobody has asked for
ASKED = timedelta(seconds=3)  # what workers were asked for is late after that


def ticks(*, now: datetime) -> list[str]:
    """Whose figures have not been brought up to date; none where the operator has switched ticks off."""
    every = _schedule("slo_portal.tasks.tick")
    if every is None or not settings.METRICS_ENABLED:
        return []
    return due(before=now - MISSED * every.schedule.run_every)


def due(*, before: datetime) -> list[str]:
    """Whose figures are older than that, the oldest first."""
    behind = Q(enginestate=None) | Q(enginestate__ticked_at=None) | Q(enginestate__ticked_at__lt=before)
    oldest_first = F("enginestate__ticked_at").asc(nulls_first=True)
    return _ids(Organization.objects.filter(behind, is_active=True).order_by(oldest_first).values_list("pk", flat=True))


def unanswered(asked: Mapping[str, datetime], *, now: datetime) -> tuple[dict[str, datetime], list[str]]:
    """Of the ticks that workers were asked for, by organisation and since when: those that are still to come, and
    whose of them are late."""
    rows = EngineState.objects.filter(organization__in=[UUID(pk) for pk in asked])
    done = {str(pk): at for pk, at in rows.values_list("organization", "ticked_at") if at}
    still = {pk: since for pk, since in asked.items() if pk in done and done[pk] < since}
    return still, [pk for pk, since in still.items() if settings.METRICS_ENABLED and now - since > ASKED]


def deliveries(*, now: datetime) -> list[str]:
    """For whom a message is due and has not been taken: workers are asked for each as it falls due."""
    return _ids(delivery.waiting(now=now - ASKED)) if _schedule("slo_portal.tasks.deliver") else []


def _schedule(task: str) -> IntervalSchedule | None:
    """None while the task is switched off."""
    rows = PeriodicTask.objects.filter(task=task, enabled=True, interval__isnull=False)
    row = rows.select_related("interval").first()
    return row.interval if row else None


def _ids(found: object) -> list[str]:
    return [str(pk) for pk in found]  # type: ignore[attr-defined]
