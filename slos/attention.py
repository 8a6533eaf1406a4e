"""What the floor above says of alerts. Objectives know none: who puts the house together gives their faces a reader."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple, Protocol
from uuid import UUID

from accounts.models import Organization, User
from slos.models import SLODefinition


class Alert(Protocol):
    """As much of an alert as an objective shows."""

    id: UUID
    slo: SLODefinition | None
    alert_type: str
    severity: str
    title: str
    message: str
    created_at: datetime


@dataclass(frozen=True)
class Attention:
    """The open alerts, worst first, and the newest of each objective, newest first."""

    open: Sequence[Alert] = ()
    needed: Sequence[Alert] = ()  # open ones that nobody has taken on
    recent: Mapping[UUID, Sequence[Alert]] = field(default_factory=dict)

    @cached_property
    def by_slo(self) -> dict[UUID, list[Alert]]:
        found: dict[UUID, list[Alert]] = {}
        for alert in self.open:
            if alert.slo:
                found.setdefault(alert.slo.pk, []).append(alert)
        return found

    @property
    def severities(self) -> dict[UUID, frozenset[str]]:
        """Of the open alerts of each objective."""
        return {slo: frozenset(alert.severity for alert in alerts) for slo, alerts in self.by_slo.items()}


class Past(Alert, Protocol):
    """An alert of an objective from its beginning to its end."""

    breached_at: datetime
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    resolution_notes: str


class OfOne(NamedTuple):
    """How the alerts stand, and those of one objective over a time, newest first."""

    attention: Attention
    past: Sequence[Past]


class OneReader(Protocol):
    def __call__(self, slo: SLODefinition, *, at: datetime, since: datetime) -> OfOne:
        """As of now, `at`. Of the objective those that are open, and the last hundred that were resolved since."""


class Reader(Protocol):
    def __call__(self, organization: Organization, *, at: datetime, since: datetime, past: bool = False) -> Attention:
        """How the alerts stand at a moment, of the past or now; `recent` ones began at `since` or later."""


def nobody(organization: Organization, *, at: datetime, since: datetime, past: bool = False) -> Attention:
    return Attention()


class Brief(NamedTuple):
    """How the alerts stand now. Where there are many, it costs little: only the worst are read."""

    numbers: Mapping[UUID, int]  # of the open ones, by objective
    severities: Mapping[UUID, frozenset[str]]
    needed: int  # open ones that nobody has taken on
    worst: Sequence[Alert]  # the few of these that come first


class BriefReader(Protocol):
    def __call__(self, organization: Organization, user: User, *, now: datetime) -> Brief: ...


class Watched(NamedTuple):
    """`rows` is a query in SQL of one text that changes with whatever `read` would tell now, or with more. It may
    name %(organization)s, and %(at)s and %(since)s as `read` takes them."""

    read: Reader
    rows: str


NOBODY = Watched(nobody, "SELECT ''")
