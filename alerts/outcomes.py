"""What an attempt leaves behind: on its message, on its channel, and for whoever else must hear of it then."""

import logging
import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from alerts import outbox, pacing
from alerts.attempts import Job, Outcome
from alerts.kinds import Reason
from alerts.models import Channel, Message, Notification
from alerts.recipients import Directory
from alerts.transports import DeliveryError, Receipt
from kpis.failpoints import fp

log = logging.getLogger(__name__)
RESTS_AFTER = 3  # failures in a row: then the whole channel waits, not only the message
MOST_UNKNOWN = 2  # attempts: a message is sent again once when nobody knows, not for ever
LONGEST_REST = timedelta(days=1)
State = Message.State


def record(job: Job, outcome: Outcome, *, now: datetime) -> bool:
    """Write it down; false when somebody else has taken the attempt over meanwhile."""
    fp("delivery.before_record")
    with transaction.atomic():
        mine = Message.objects.filter(pk=job.message.pk, attempt=job.message.attempt, state=State.SENDING)
        if not mine.select_for_update().exists():
            return False
        if outcome.receipt:
            _sent(job, outcome.receipt, now)
        elif outcome.error:
            _failed(job, outcome.error, now)
        fp("delivery.before_record_commit")
    fp("delivery.after_record")
    return True


def _sent(job: Job, receipt: Receipt, now: datetime) -> None:
    _write(job.message, state=State.SENT, sent_at=now, next_attempt_at=None, provider_id=receipt.provider_id, error="")
    Message.objects.filter(pk=job.message.pk).update(seconds=receipt.seconds)
    Channel.objects.filter(pk=job.channel.pk).update(
        last_sent_at=now, failures=0, failing_since=None, paused_until=None
    )


def _failed(job: Job, error: DeliveryError, now: datetime) -> None:
    log.warning("message %s, attempt %s: %s", job.message.pk, job.message.attempt, error)
    if error.permanent:
        _refused(job, error, now)
    elif error.unknown:
        _unknown(job, error, now)
    elif now - job.message.created_at > pacing.GIVES_UP_AFTER:
        _write(job.message, state=State.FAILED, next_attempt_at=None, error=str(error))
        reroute(job.channel, job.notifications, now=now)
    else:
        _later(job, error, now)


def _later(job: Job, error: DeliveryError, now: datetime) -> None:
    pause = min(timedelta(seconds=error.retry_after or 0), LONGEST_REST)
    due = now + max(_backoff(job.message), pause)
    _write(job.message, state=State.WAITING, next_attempt_at=due, error=str(error))
    rests = pause or job.channel.failures + 1 >= RESTS_AFTER
    _fails(job.channel, now, paused_until=due if rests else None)


def _unknown(job: Job, error: DeliveryError, now: datetime) -> None:
    """Perhaps it arrived: one more time with the same key, then it stays unknown, for people to see."""
    unknowns = job.message.unknowns + 1
    due = now + _backoff(job.message) if unknowns < MOST_UNKNOWN else None
    _write(job.message, state=State.UNKNOWN, unknowns=unknowns, next_attempt_at=due, error=str(error))
    _fails(job.channel, now, paused_until=None)


def _refused(job: Job, error: DeliveryError, now: datetime) -> None:
    """The channel, or this reader of it, can never work so: switched off, and others hear of it."""
    channel = job.channel
    _write(job.message, state=State.FAILED, next_attempt_at=None, error=str(error))
    reroute(channel, job.notifications, now=now)
    refused = sorted({*channel.refused, job.message.target})
    _fails(channel, now, refused=refused if job.message.target else channel.refused)
    if not job.message.target or set(channel.targets) <= set(refused):
        Channel.objects.filter(pk=channel.pk).update(off_at=now, off_reason=str(error))
        channel.off_at = now
        give_up(channel, now=now)


def give_up(channel: Channel, *, now: datetime) -> None:
    """What waits for a channel that does not work goes to somebody else."""
    waiting = Notification.objects.filter(channel=channel, state=Notification.State.WAITING)
    held = Message.objects.filter(channel=channel, next_attempt_at__isnull=False).exclude(state=State.SENDING)
    rows = list(waiting.select_related("alert", "event")) + list(
        Notification.objects.filter(message__in=held).select_related("alert", "event")
    )
    if rows:
        reroute(channel, rows, now=now)
        held.update(state=State.FAILED, next_attempt_at=None, error="Its channel is switched off.")
        waiting.update(state=Notification.State.CANCELLED)


def reroute(channel: Channel, notifications: Sequence[Notification], *, now: datetime) -> None:
    """Tell somebody else what this channel could not; who has heard of it already is not told again."""
    targets = Directory.load(channel.organization, now=now).fallback(channel)
    for row in notifications:
        if row.alert and row.event and targets:
            outbox.tell(
                row.alert,
                row.event,
                targets,
                Reason(row.reason),
                outbox.Said(row.title, row.text, row.short),
                due_at=now,
            )


def _fails(channel: Channel, now: datetime, **changes: object) -> None:
    Channel.objects.filter(pk=channel.pk).update(failures=F("failures") + 1, **changes)
    Channel.objects.filter(pk=channel.pk, failing_since=None).update(failing_since=now)


def _backoff(message: Message) -> timedelta:
    return pacing.backoff(message.attempt, random.random())  # noqa: S311 - jitter, no secret


def _write(message: Message, **changes: object) -> None:
    Message.objects.filter(pk=message.pk).update(**changes)
