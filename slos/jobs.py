"""Calculations that somebody asked for and that a worker does, a few periods at a time: it shows how far it is.

Each step is a transaction: a worker that is killed leaves the steps before, and whoever comes next goes on from there.
"""

from datetime import datetime

from django.db import DatabaseError, transaction

from accounts.models import Organization, User
from kpis.periods import local_periods
from slos import measure
from slos.models import Job
from slos.tick import tick

STEP = 24  # periods


def request(organization: Organization, period: str, start: datetime, end: datetime, *, by: User | None) -> Job:
    """Ask for the measurements of [start, end); asking for what already waits answers the same job."""
    wanted = {"organization": organization, "period": period, "period_start": start, "period_end": end}
    waiting = Job.objects.filter(**wanted, state=Job.State.WAITING).first()
    total = len(local_periods(period, start, end, organization.time_zone))
    return waiting or Job.objects.create(**wanted, total=total, created_by=by)


def run_waiting(organization: Organization, *, now: datetime) -> int:
    """Do the calculations that wait; returns how many were finished. What another worker is at is passed over."""
    finished = 0
    while job := step(organization, now=now):
        finished += job.state != Job.State.WAITING
    return finished


@transaction.atomic
def step(organization: Organization, *, now: datetime) -> Job | None:
    """Do the next periods of the oldest job that waits; None where there is none."""
    waiting = Job.objects.filter(organization=organization, state=Job.State.WAITING).order_by("created_at")
    job = waiting.select_for_update(skip_locked=True).first()
    if job is None:
        return None
    periods = local_periods(job.period, job.period_start, job.period_end, organization.time_zone)
    try:
        with transaction.atomic():
            if job.done == 0:
                tick(organization, now=now)
            if some := periods[job.done : job.done + STEP]:
                measure.calculate(organization, job.period, some[0][0], some[-1][1], now=now)
    except (DatabaseError, ArithmeticError) as error:
        job.state, job.error = Job.State.FAILED, str(error)
    else:
        job.done, job.total = min(job.done + STEP, len(periods)), len(periods)
        job.state = Job.State.DONE if job.done == job.total else Job.State.WAITING
    job.finished_at = None if job.state == Job.State.WAITING else now
    job.save()
    return job
