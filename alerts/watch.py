"""How alerting itself is doing: what has not arrived, what no longer works, what is late."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from dateutil.parser import isoparse as parse
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, F, Min, OuterRef, Q, QuerySet
from django.db.models.functions import JSONObject

from accounts.models import Organization
from alerts.models import Channel, Message, Notification
from slos.models import SLODefinition
from slos.words import ago, plural

LATE_AFTER = timedelta(minutes=2)
LOOKS_BACK = timedelta(days=1)  # at what failed or came to an unknown end


class DeadChannel(NamedTuple):
    """Switched off by a permanent failure."""

    name: str
    off_reason: str


class UnknownChannel(NamedTuple):
    """An objective wants a channel told that does not exist: it is passed over."""

    slo: str
    name: str


@dataclass(frozen=True)
class Watch:
    """What is wrong, for one organisation at one moment."""

    now: datetime
    undelivered: int  # messages and notifications that are late
    oldest: datetime | None  # since when the oldest of them has been waiting
    unknown: int  # messages that perhaps arrived
    failed: int  # messages that nobody got
    dead: Sequence[DeadChannel]
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
            yield f"“{slo}” names the channel “{name}”, which does not exist."

    def _ago(self, moment: datetime) -> str:
        return ago((self.now - moment).total_seconds())


def look(organization: Organization, *, now: datetime) -> Watch:
    """In one statement: every page with alerts asks."""
    found = _asked(now).get(pk=organization.pk)
    sent = [*found.messages, *found.waiting]
    return Watch(
        now=now,
        undelivered=sum(row["late"] for row in sent),
        oldest=min((parse(row["oldest"]) for row in sent if row["oldest"]), default=None),
        unknown=sum(row.get("unknown", 0) for row in sent),
        failed=sum(row.get("failed", 0) for row in sent),
        dead=[DeadChannel(**row) for row in found.dead],
        ticked_at=found.ticked_at,
        unknown_channels=[
            UnknownChannel(row["name"], name)
            for row in found.wanting
            for name in row["channels"]
            if name not in found.known
        ],
    )


def _asked(now: datetime) -> QuerySet[Any]:
    channels = Channel.objects.filter(organization=OuterRef("pk")).order_by("name")
    dead = channels.filter(is_active=True, off_at__isnull=False)
    names = ArraySubquery(Channel.objects.filter(organization=OuterRef("organization")).values("name"))
    wanting = SLODefinition.objects.active().exclude(notification_channels__contained_by=names)
    return Organization.objects.annotate(
        ticked_at=F("enginestate__ticked_at"),
        known=ArraySubquery(channels.values("name")),
        dead=ArraySubquery(dead.values(row=JSONObject(name="name", off_reason="off_reason"))),
        wanting=ArraySubquery(
            wanting.filter(organization=OuterRef("pk")).values(
                row=JSONObject(name="name", channels="notification_channels")
            )
        ),
        messages=ArraySubquery(_messages(now)),
        waiting=ArraySubquery(_waiting(now)),
    )


def _messages(now: datetime) -> QuerySet[Any]:
    """Of those that are still tried, and what came of the others lately."""
    State = Message.State
    still = Q(next_attempt_at__isnull=False)
    late, lately = still & Q(created_at__lt=now - LATE_AFTER), Q(created_at__gt=now - LOOKS_BACK)
    return _together(
        Message.objects.filter(still | lately),
        late=Count("pk", filter=late),
        oldest=Min("created_at", filter=late),
        unknown=Count("pk", filter=lately & ~still & Q(state=State.UNKNOWN)),
        failed=Count("pk", filter=lately & Q(state=State.FAILED)),
    )


def _waiting(now: datetime) -> QuerySet[Any]:
    """Of what waits to be put in a message."""
    waits = Notification.objects.filter(state=Notification.State.WAITING, due_at__lt=now - LATE_AFTER)
    return _together(waits, late=Count("pk"), oldest=Min("due_at"))


def _together(rows: QuerySet[Any], **figures: Any) -> QuerySet[Any]:
    """The figures of all rows of an organisation; none where there is nothing to count."""
    mine = rows.filter(organization=OuterRef("pk")).order_by().values("organization")
    return mine.values(row=JSONObject(**figures))
