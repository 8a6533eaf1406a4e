"""Everything that can be an alert of an organisation, with the verdict on it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from accounts.models import Organization
from alerts import conditions, regressions, system
from alerts.kinds import AlertType
from slos.behind import Looks
from slos.judged import Objectives
from slos.models import SLODefinition

RESOLVE_AFTER = timedelta(minutes=30)  # of what is no objective


class Key(NamedTuple):
    """What at most one open alert is about."""

    slo: UUID | None
    subject: str
    alert_type: str


@dataclass(frozen=True)
class Judged:
    """A verdict, and what it is about."""

    organization: Organization
    slo: SLODefinition | None
    subject: str
    verdict: Any  # alerts.rules.Verdict or alerts.system.Finding
    looks: Looks = field(default_factory=Looks)  # shared by all of a tick

    @property
    def key(self) -> Key:
        return Key(self.slo.pk if self.slo else None, self.subject, self.verdict.alert_type)

    @property
    def resolve_after(self) -> timedelta:
        return timedelta(minutes=self.slo.resolve_after_minutes) if self.slo else RESOLVE_AFTER


def everything(organization: Organization, objectives: Objectives, *, now: datetime) -> list[Judged]:
    """Used-up budgets first: what they open supersedes the others."""
    looks = Looks(snapshots={slo: one.row for slo, one in objectives.items()})
    found = [
        Judged(organization, objectives[slo].slo, "", verdict, looks)
        for slo, verdicts in conditions.judge(objectives, now=now).items()
        for verdict in verdicts
    ]
    found += [Judged(organization, None, one.subject, one) for one in system.findings(organization, now=now)]
    slos = {pk: one.slo for pk, one in objectives.items()}
    turns = regressions.findings(organization, slos, now=now)
    found += [Judged(organization, slo, one.subject, one, looks) for slo, one in turns]
    return sorted(found, key=lambda one: one.verdict.alert_type != AlertType.ERROR_BUDGET_EXHAUSTED)
