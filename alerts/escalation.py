"""Who hears of an alert when: step by step, until somebody acknowledges. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from alerts.kinds import Severity

AT_ONCE = timedelta(0)


@dataclass(frozen=True)
class Step:
    """Who is told, and how long after the step before."""

    delay: timedelta = AT_ONCE
    operations: bool = False
    owner: bool = False
    email: bool = False
    slack: bool = False
    everybody: bool = False
    on_call: bool = False  # whoever is on call in any rota
    channels: frozenset[UUID] = frozenset()
    rotas: tuple[UUID, ...] = ()
    people: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class Plan:
    """At least one step, and after what time the last one is taken again and again."""

    steps: tuple[Step, ...]
    repeat: timedelta | None = None

    def step(self, number: int) -> Step:
        """The steps are counted from 1; after the last one it stays the last."""
        return self.steps[min(max(number, 1), len(self.steps)) - 1]

    def delay(self, number: int) -> timedelta | None:
        """From taking step `number` (0: from the beginning) to the next, None when nothing follows."""
        return self.steps[number].delay if number < len(self.steps) else self.repeat


DEFAULTS: Mapping[Severity, Plan] = {
    Severity.INFO: Plan((Step(operations=True, owner=True),)),
    Severity.WARNING: Plan(
        (Step(operations=True, owner=True), Step(timedelta(hours=4), operations=True, on_call=True)),
    ),
    Severity.CRITICAL: Plan(
        (
            Step(operations=True, owner=True, email=True, slack=True, on_call=True),
            Step(timedelta(minutes=15), owner=True, everybody=True, on_call=True),
        ),
    ),
    Severity.INCIDENT: Plan((Step(owner=True, everybody=True, on_call=True),), repeat=timedelta(minutes=30)),
}
