"""How the portal itself is doing, by organisation: few statements, asked when somebody looks."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Min, Q

from accounts.models import Organization
from alerts.kinds import Severity
from alerts.models import Message, Notification, SLOAlert
from monitoring import families, recorded
from monitoring.exposition import Family, sample
from monitoring.parts import GONE_AFTER, Component, components
from slos.models import EngineState


@dataclass
class Waiting:
    """What is due and has not been sent, and since when the oldest of it is."""

    number: int = 0
    oldest: datetime | None = None

    def add(self, number: int, oldest: datetime | None) -> None:
        self.number += number
        self.oldest = min(filter(None, (self.oldest, oldest)), default=None)

    def seconds(self, now: datetime) -> float:
        return max((now - self.oldest).total_seconds(), 0) if self.oldest else 0


@dataclass
class Figures:
    """Of one organisation."""

    ticked_at: datetime | None = None
    waiting: Waiting = field(default_factory=Waiting)
    open_alerts: dict[str, int] = field(default_factory=dict)


def look(organizations: Sequence[Organization], *, now: datetime) -> dict[UUID, Figures]:
    found = {organization.pk: Figures() for organization in organizations}
    for pk, at in EngineState.objects.filter(organization__in=list(found)).values_list("organization", "ticked_at"):
        found[pk].ticked_at = at
    for pk, number, oldest in _due(found, now):
        found[pk].waiting.add(number, oldest)
    alerts = SLOAlert.objects.unresolved().filter(organization__in=list(found)).order_by()
    for pk, severity, number in alerts.values_list("organization", "severity").annotate(number=Count("pk")):
        found[pk].open_alerts[severity] = number
    return found


def _due(organizations: Iterable[UUID], now: datetime) -> Iterator[tuple[UUID, int, datetime]]:
    """A message that is tried again later is not late before then."""
    messages = Message.objects.filter(~Q(state=Message.State.SENDING), next_attempt_at__lte=now)
    notifications = Notification.objects.filter(state=Notification.State.WAITING, due_at__lte=now)
    for rows, due in ((messages, "next_attempt_at"), (notifications, "due_at")):
        mine = rows.filter(organization__in=list(organizations)).order_by()
        yield from mine.values_list("organization").annotate(number=Count("pk"), oldest=Min(due))


def samples(organizations: Sequence[Organization], *, now: datetime) -> dict[str, list[str]]:
    """Lines by family. What the parts of the portal need is the same in each organisation."""
    found: dict[str, list[str]] = defaultdict(list)
    figures, parts = look(organizations, now=now), [*_parts(components(now=now)), *_recorded(now)]
    for organization in organizations:
        base = {"organization": organization.slug}
        for family, labels, value in [*_of(figures[organization.pk], now), *parts]:
            found[family.name].append(sample(family.name, {**base, **labels}, value))
    return found


Line = tuple[Family, Mapping[str, str], float]


def _of(figures: Figures, now: datetime) -> Iterator[Line]:
    for severity in Severity:
        yield families.OPEN, {"severity": severity}, figures.open_alerts.get(severity, 0)
    if figures.ticked_at:
        yield families.TICKED, {}, figures.ticked_at.timestamp()
    yield families.WAITING, {}, figures.waiting.number
    yield families.LATE, {}, figures.waiting.seconds(now)


def _parts(parts: Iterable[Component]) -> Iterator[Line]:
    for part in sorted(parts, key=lambda one: one.name):
        labels = {"component": part.name}
        if part.memory_bytes is not None:
            yield families.MEMORY, labels, part.memory_bytes
        if part.cpu_percent is not None:
            yield families.CPU, labels, round(part.cpu_percent, 2)
        yield families.SEEN, labels, part.seen_at.timestamp()


def _recorded(now: datetime) -> Iterator[Line]:
    """Of the last minute; nothing where whoever asks sees only organisations of his own."""
    latest = recorded.latest(now - GONE_AFTER)
    for family, name in (
        (families.QUEUE, recorded.QUEUE),
        (families.SIZE, recorded.DATABASE),
        (families.TICK, recorded.TICK),
        (families.DELIVERY, recorded.DELIVERY),
    ):
        if name in latest:
            yield family, {}, latest[name]
