"""Calculations that somebody asked for and that a worker does."""

from datetime import datetime

from django.db import DatabaseError, transaction

from accounts.models import Organization, User
from slos import measure
from slos.models import Job
from slos.tick import tick


def request(organization: Organization, period: str, start: datetime, end: datetime, *, by: User | None) -> Job:
    """Ask for the measurements of [start, end); asking for what already waits answers the same job."""
    wanted = {"organization": organization, "period": period, "period_start": start, "period_end": end}
    waiting = Job.objects.filter(**wanted, state=Job.State.WAITING).first()
    return waiting or Job.objects.create(**wanted, created_by=by)


def run_waiting(organization: Organization, *, now: datetime) -> int:
    """Do the calculations that wait; returns how many. Another worker's are passed over."""
    done = 0
    while _run_next(organization, now):
        done += 1
    return done


@transaction.atomic
def _run_next(organization: Organization, now: datetime) -> bool:
    waiting = Job.objects.filter(organization=organization, state=Job.State.WAITING).order_by("created_at")
    job = waiting.select_for_update(skip_locked=True).first()
    if job is None:
        return False
    try:
        with transaction.atomic():
            tick(organization, now=now)
            measure.calculate(organization, job.period, job.period_start, job.period_end, now=now)
            job.state = Job.State.DONE
    except (DatabaseError, ArithmeticError) as error:
        job.state, job.error = Job.State.FAILED, str(error)
    job.finished_at = now
    job.save()
    return True
