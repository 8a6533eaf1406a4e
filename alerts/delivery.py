"""Sends what the outbox holds. At least once, whatever dies; every attempt carries the same key.

A claim is a short transaction: due notifications of one target become one message, leased with an attempt number.
Sending happens outside any transaction, each message in a thread of its own, which records the outcome; so a target
that is slow or dead delays no other, and no worker waits for it long. Only the holder of an attempt may record it.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from uuid import UUID

from django.db import connection, connections, transaction
from django.db.models import Q

from accounts import reach
from accounts.models import Organization
from alerts import outcomes, pacing
from alerts.attempts import Job, attempt
from alerts.kinds import URGENT, rank
from alerts.models import Channel, Message, Notification
from kpis.failpoints import fp

AT_ONCE = 32  # messages under way in this process, of which at most so many go through one channel:
PER_CHANNEL = 4
Clock = Callable[[], datetime]
State = Message.State
_senders = ThreadPoolExecutor(AT_ONCE, "sender")
_under_way: dict[Future[None], Job] = {}


def deliver(organization: Organization, *, clock: Clock, patience: float = 60) -> int:
    """Send all that is due; returns how many messages were tried.

    Waits `patience` seconds at most: a thread that takes longer records its outcome when it has one.
    """
    end, tried = time.monotonic() + patience, 0
    mine: set[Future[None]] = set()
    while True:
        jobs = claim(organization, busy=list(_under_way.values()), now=clock())
        mine |= {_start(job, clock) for job in jobs}
        tried += len(jobs)
        done, mine = wait(mine, timeout=max(end - time.monotonic(), 0), return_when=FIRST_COMPLETED)
        for future in done:
            future.result()  # raises what its thread has raised
        if not done:
            return tried


def _start(job: Job, clock: Clock) -> Future[None]:
    future = _senders.submit(_send, job, clock)
    _under_way[future] = job
    future.add_done_callback(_under_way.pop)
    return future


def _send(job: Job, clock: Clock) -> None:
    try:
        with reach.within(reach.of(job.organization.pk)):
            outcomes.record(job, attempt(job, now=clock()), now=clock())
    finally:
        connections.close_all()  # this thread's, back to the pool


def waiting(*, now: datetime) -> set[UUID]:
    """The organisations for which something is due."""
    notifications = Notification.objects.filter(state=Notification.State.WAITING, due_at__lte=now)
    messages = Message.objects.filter(next_attempt_at__lte=now)
    return {*notifications.values_list("organization", flat=True), *messages.values_list("organization", flat=True)}


def undelivered(before: datetime) -> bool:
    """Whether anything that was due before then has not reached anybody yet, and may still."""
    waits = Notification.objects.filter(state=Notification.State.WAITING, due_at__lt=before)
    return waits.exists() or Message.objects.filter(next_attempt_at__isnull=False, created_at__lt=before).exists()


def claim(organization: Organization, *, busy: Sequence[Job], now: datetime) -> list[Job]:
    """Take what is due and may go, the worst first; for whoever records the outcomes."""
    fp("delivery.before_claim")
    with transaction.atomic():
        _one_at_a_time(organization)
        channels = {channel.pk: channel for channel in organization.channels.all()}
        for channel in channels.values():
            if not channel.works:
                outcomes.give_up(channel, now=now)
        ready = [pk for pk, channel in channels.items() if _ready(channel, now)]
        _bundle(organization, ready, now)
        jobs = [
            Job(organization, message, channels[message.channel_id], _content(message), perhaps_sent)
            for message, perhaps_sent in _lease(organization, ready, busy, now)
        ]
        fp("delivery.before_claim_commit")
    fp("delivery.after_claim")
    return jobs


def _one_at_a_time(organization: Organization) -> None:
    """Two claims at once would not see each other's messages to a target. Until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('outbox ' || %s, 0))", [str(organization.pk)])


def _ready(channel: Channel, now: datetime) -> bool:
    return channel.works and (channel.paused_until is None or channel.paused_until <= now)


def _bundle(organization: Organization, channels: Sequence[UUID], now: datetime) -> None:
    """One new message for each target that something is due for and that may get one now."""
    due = Notification.objects.filter(
        organization=organization, channel__in=channels, state=Notification.State.WAITING, due_at__lte=now
    )
    by_target: dict[tuple[UUID, str, int | None], list[Notification]] = defaultdict(list)
    for row in due:
        alone = row.pk if row.html else None  # what has a layout of its own is no part of a bundle
        by_target[row.channel_id, row.target, alone].append(row)
    sent = _lately({(channel, target) for channel, target, _ in by_target}, now)
    for (channel, target, _), rows in by_target.items():
        urgent = any(row.reason in URGENT for row in rows)
        if pacing.may_go_at(urgent, sent[channel, target], now) <= now:
            message = Message.objects.create(
                organization=organization,
                channel_id=channel,
                target=target,
                severity=max((row.severity for row in rows), key=rank),
                urgent=urgent,
                state=State.WAITING,
                next_attempt_at=now,
                created_at=now,
            )
            Notification.objects.filter(pk__in=[row.pk for row in rows]).update(
                state=Notification.State.BUNDLED, message=message
            )


def _lately(targets: Iterable[tuple[UUID, str]], now: datetime) -> dict[tuple[UUID, str], list[datetime]]:
    """When messages were made for these targets, as far back as their pace depends on it."""
    found: dict[tuple[UUID, str], list[datetime]] = defaultdict(list)
    wanted = Q(pk=None)
    for channel, target in targets:
        wanted |= Q(channel=channel, target=target)
    rows = Message.objects.filter(wanted, created_at__gt=now - pacing.STORM).order_by("created_at")
    for channel, target, at in rows.values_list("channel", "target", "created_at"):
        found[channel, target].append(at)
    return found


def _lease(
    organization: Organization, channels: Sequence[UUID], busy: Sequence[Job], now: datetime
) -> list[tuple[Message, bool]]:
    """New messages, those to try again, and those whose sender has not come back; and whether it may have arrived."""
    due = Message.objects.filter(organization=organization, channel__in=channels, next_attempt_at__lte=now)
    load = Counter(job.channel.pk for job in busy)
    taken: list[tuple[Message, bool]] = []
    for message in sorted(due, key=lambda one: (-rank(one.severity), one.created_at)):
        if len(taken) + len(busy) < AT_ONCE and load[message.channel_id] < PER_CHANNEL:
            load[message.channel_id] += 1
            taken.append((message, message.state in (State.SENDING, State.UNKNOWN)))
            message.state, message.attempt = State.SENDING, message.attempt + 1
            message.next_attempt_at = now + pacing.LEASE
            message.save(update_fields=["state", "attempt", "next_attempt_at"])
    return taken


def _content(message: Message) -> list[Notification]:
    rows = message.notifications.select_related("alert__slo", "event")
    return sorted(rows, key=lambda row: (-rank(row.severity), row.created_at, row.pk))
