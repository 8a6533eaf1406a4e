"""How alerting itself is doing: what has not arrived, what no longer works, what is late."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Min, Q, QuerySet, Value

from accounts.models import Organization
from alerts import recipients
from alerts.models import Channel, Message, Notification
from alerts.recipients import UnknownChannel
from slos.words import ago, plural

LATE_AFTER = timedelta(minutes=2)
LOOKS_BACK = timedelta(days=1)  # at what failed or came to an unknown end


@dataclass(frozen=True)
class Watch:
    """What is wrong, for one organisation at one moment."""

    now: datetime
    undelivered: int  # messages and notifications that are late
    oldest: datetime | None  # since when the oldest of them has been waiting
    unknown: int  # messages that perhaps arrived
    failed: int  # messages that nobody got
    dead: Sequence[Channel]  # switched off by a permanent failure
    ticked_at: datetime | None
    unknown_channels: Sequence[UnknownChannel]

    @property
    def late(self) -> bool:
        """The figures are not brought up to date, and so no alert opens."""
        return self.ticked_at is None or self.now - self.ticked_at > LATE_AFTER

    @property
    def troubles(self) -> list[str]:
        """One sentence each; none while all is well."""
        return list(self._troubles())

    def _troubles(self) -> Iterator[str]:
        if self.late:
            since = f" for {self._ago(self.ticked_at)}" if self.ticked_at else ""
            yield f"Nothing has been calculated{since}: no alert can open. Is the worker running?"
        if self.undelivered and self.oldest:
            number = f"{self.undelivered:,} {plural('message', self.undelivered)}"
            yield f"{number} could not be delivered yet, the oldest for {self._ago(self.oldest)}."
        for channel in self.dead:
            yield f"The channel “{channel.name}” is switched off: {channel.off_reason}"
        if self.failed:
            yield f"{self.failed:,} {plural('message', self.failed)} of the last day could not be delivered at all."
        if self.unknown:
            yield f"Of {self.unknown:,} {plural('message', self.unknown)} of the last day nobody knows the outcome."
        for slo, name in self.unknown_channels:
            yield f"“{slo.name}” names the channel “{name}”, which does not exist."

    def _ago(self, moment: datetime) -> str:
        return ago((self.now - moment).total_seconds())


def look(organization: Organization, *, now: datetime, ticked_at: datetime | None) -> Watch:
    """`ticked_at`: until when everything is counted, which every page knows already."""
    sent, channels = _sending(organization.pk, now), list(Channel.objects.filter(organization=organization))
    return Watch(
        now=now,
        undelivered=sum(row["late"] for row in sent),
        oldest=min(filter(None, (row["oldest"] for row in sent)), default=None),
        unknown=sum(row["unknown"] for row in sent),
        failed=sum(row["failed"] for row in sent),
        dead=[channel for channel in channels if channel.is_active and channel.off_at],
        ticked_at=ticked_at,
        unknown_channels=recipients.unknown_channels(organization, {channel.name for channel in channels}),
    )


def _sending(organization: UUID, now: datetime) -> list[dict[str, Any]]:
    """Of the messages that are still tried, what came of the others lately, and of what waits to be put in one."""
    State = Message.State
    still = Q(next_attempt_at__isnull=False)
    late, lately = still & Q(created_at__lt=now - LATE_AFTER), Q(created_at__gt=now - LOOKS_BACK)
    messages = _of_organization(Message.objects.filter(still | lately, organization=organization)).annotate(
        late=Count("pk", filter=late),
        oldest=Min("created_at", filter=late),
        unknown=Count("pk", filter=lately & ~still & Q(state=State.UNKNOWN)),
        failed=Count("pk", filter=lately & Q(state=State.FAILED)),
    )
    waits = Notification.objects.filter(organization=organization, state=Notification.State.WAITING)
    waiting = _of_organization(waits.filter(due_at__lt=now - LATE_AFTER)).annotate(
        late=Count("pk"), oldest=Min("due_at"), unknown=Value(0), failed=Value(0)
    )
    return list(messages.union(waiting, all=True))


def _of_organization(rows: QuerySet[Any]) -> QuerySet[Any, dict[str, Any]]:
    """One row for all of them; none where there is nothing to count."""
    return rows.order_by().values("organization")
