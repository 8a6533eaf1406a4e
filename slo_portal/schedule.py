"""The schedule as rows of django-celery-beat: created once, then the operator's.

Everything is in UTC intervals or minutes of the hour; what a local day is, is computed by the task. Each task looks
for what is due, so that it may run more often than its period ends.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks

from accounts.models import Organization
from slos.models import Period

REPORTED_AT = {"daily": "7", "weekly": "9", "monthly": "11"}  # a report is due six hours after its period has ended
CHANGES = "changes"
LOOKED_AT = "13"
MEASURED_AT = {Period.HOURLY: "1-59/15", Period.DAILY: "3", Period.WEEKLY: "5"}  # minutes of every hour

OF_AN_ORGANIZATION = (
    *(f"{period} measurement" for period in MEASURED_AT),
    *(f"{kind} report" for kind in REPORTED_AT),
    CHANGES,
)
SHARED = ("tick", "delivery", "heartbeat", "pulse", "system figures", "export", "charts", "clean-up")


def names(organizations: Iterable[Organization]) -> list[str]:
    """Of all tasks that there should be."""
    return [*SHARED, *(name_of(kind, one) for one in organizations for kind in OF_AN_ORGANIZATION)]


def name_of(kind: str, organization: Organization) -> str:
    return f"{kind}: {organization.slug}"


def ensure() -> None:
    """The tasks that serve all organisations."""
    every, _ = IntervalSchedule.objects.get_or_create(every=5, period=IntervalSchedule.SECONDS)
    _ensure("tick", "slo_portal.tasks.tick", interval=every, description="Brings every figure up to date.")
    _ensure("delivery", "slo_portal.tasks.deliver", interval=every, description="Sends what the alerts have to say.")
    minute, _ = IntervalSchedule.objects.get_or_create(every=1, period=IntervalSchedule.MINUTES)
    _ensure(
        "heartbeat", "slo_portal.tasks.heartbeat", interval=minute, description="Calls HEARTBEAT_URL if all is well."
    )
    often, _ = IntervalSchedule.objects.get_or_create(every=10, period=IntervalSchedule.SECONDS)
    _ensure("pulse", "slo_portal.tasks.pulse", interval=often, description="Shows that the workers work.")
    _ensure(
        "system figures",
        "slo_portal.tasks.system_figures",
        interval=minute,
        description="Measures memory and processor time of the portal's programs.",
    )
    _ensure(
        "export",
        "slo_portal.tasks.export",
        interval=minute,
        description="Tells Datadog and OpenTelemetry.",
    )
    _ensure("charts", "slo_portal.tasks.charts", interval=minute, description="Draws the charts of the overview again.")
    monthly, _ = CrontabSchedule.objects.get_or_create(
        minute="40", hour="3", day_of_week="*", day_of_month="1", month_of_year="*", timezone="UTC"
    )
    _ensure(
        "clean-up",
        "slo_portal.tasks.clean_up",
        crontab=monthly,
        description="Deletes what is no longer kept; daily is better where much comes in.",
    )


def ensure_for(organization: Organization) -> None:
    """What is done for one organisation; all together, since beat reads its tables anew for each."""
    tasks = [*_measurements(organization), *_reports(organization), _changes(organization)]
    known = set(PeriodicTask.objects.filter(name__in=[one.name for one in tasks]).values_list("name", flat=True))
    missing = [one for one in tasks if one.name not in known]
    if missing:
        PeriodicTask.objects.bulk_create(missing, ignore_conflicts=True)
        PeriodicTasks.update_changed()


def _measurements(organization: Organization) -> Iterator[PeriodicTask]:
    for period, minutes in MEASURED_AT.items():
        yield PeriodicTask(
            name=name_of(f"{period} measurement", organization),
            task="slo_portal.tasks.measurement",
            crontab=_every_hour_at(minutes),
            kwargs=json.dumps({"period": period, "organization": organization.slug}),
            description=f"Writes the {period} measurements that are due, in {organization.name}'s time zone.",
        )


def _reports(organization: Organization) -> Iterator[PeriodicTask]:
    for kind, minutes in REPORTED_AT.items():
        yield PeriodicTask(
            name=name_of(f"{kind} report", organization),
            task="slo_portal.tasks.report",
            crontab=_every_hour_at(minutes),
            kwargs=json.dumps({"kind": kind, "organization": organization.slug}),
            description=f"Makes the {kind} reports that are due, in {organization.name}'s time zone.",
        )


def _changes(organization: Organization) -> PeriodicTask:
    return PeriodicTask(
        name=name_of(CHANGES, organization),
        task="slo_portal.tasks.changes",
        crontab=_every_hour_at(LOOKED_AT),
        kwargs=json.dumps({"organization": organization.slug}),
        description=f"Looks for what has changed in {organization.name}'s KPIs and objectives.",
    )


def _every_hour_at(minutes: str) -> CrontabSchedule:
    found, _ = CrontabSchedule.objects.get_or_create(
        minute=minutes, hour="*", day_of_week="*", day_of_month="*", month_of_year="*", timezone="UTC"
    )
    return found


def _ensure(name: str, task: str, **schedule: Any) -> None:
    """An existing row is never touched: an operator may have edited it or switched it off."""
    PeriodicTask.objects.get_or_create(name=name, defaults={"task": task, **schedule})


def comes(kind: Any, *, now: datetime) -> bool:
    """Whether an interval or a crontab ever comes: one of 31 February would stop beat for all tasks."""
    try:
        kind.schedule.remaining_estimate(now)
    except (ValueError, RuntimeError, OverflowError):
        return False
    return True
