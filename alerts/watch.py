"""How alerting itself is doing: what has not arrived, what no longer works, what is late."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Min, Q

from accounts.models import Organization
from alerts import recipients
from alerts.models import Channel, Message, Notification
from alerts.recipients import UnknownChannel
from slos.models import EngineState
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


def look(organization: Organization, *, now: datetime) -> Watch:
    messages, notifications = _messages(organization.pk, now), _waiting(organization.pk, now)
    state = EngineState.objects.filter(organization=organization).first()
    return Watch(
        now=now,
        undelivered=messages["late"] + notifications["late"],
        oldest=min(filter(None, (messages["oldest"], notifications["oldest"])), default=None),
        unknown=messages["unknown"],
        failed=messages["failed"],
        dead=list(Channel.objects.filter(organization=organization, is_active=True, off_at__isnull=False)),
        ticked_at=state.ticked_at if state else None,
        unknown_channels=recipients.unknown_channels(organization),
    )


def _messages(organization: UUID, now: datetime) -> dict[str, Any]:
    """Those that are still tried, and what came of the others lately."""
    State = Message.State
    still = Q(next_attempt_at__isnull=False)
    late, lately = still & Q(created_at__lt=now - LATE_AFTER), Q(created_at__gt=now - LOOKS_BACK)
    return Message.objects.filter(still | lately, organization=organization).aggregate(
        late=Count("pk", filter=late),
        oldest=Min("created_at", filter=late),
        unknown=Count("pk", filter=lately & ~still & Q(state=State.UNKNOWN)),
        failed=Count("pk", filter=lately & Q(state=State.FAILED)),
    )


def _waiting(organization: UUID, now: datetime) -> dict[str, Any]:
    waits = Notification.objects.filter(organization=organization, state=Notification.State.WAITING)
    return waits.filter(due_at__lt=now - LATE_AFTER).aggregate(late=Count("pk"), oldest=Min("due_at"))
