"""Who is told what, until somebody decides otherwise: what a new organisation starts with."""

from collections.abc import Sequence
from datetime import date, timedelta

from django.db import transaction

from accounts.models import Organization
from alerts.escalation import DEFAULTS, Step
from alerts.kinds import Severity
from alerts.models import Channel, EscalationPolicy, EscalationStep, Rota

MINUTE = timedelta(minutes=1)


@transaction.atomic
def ensure(organization: Organization, *, today: date, operations: Sequence[str]) -> bool:
    """Create a channel to the operations team, an empty rota and a policy for each severity; False where there is any
    of them already. So nothing that was edited or deleted comes back, except to who deletes all."""
    Organization.objects.select_for_update().get(pk=organization.pk)  # two at once would create them twice
    there = (organization.channels, organization.escalation_policies, organization.rotas)
    if any(rows.exists() for rows in there):
        return False
    Channel.objects.create(
        organization=organization,
        name="Operations",
        kind=Channel.Kind.EMAIL,
        targets=list(operations),
        for_operations=True,
    )
    rota = Rota.objects.create(organization=organization, name="On call", starts_on=today)
    for severity in (Severity.WARNING, Severity.CRITICAL, Severity.INCIDENT):
        _policy(organization, severity, rota)
    return True


def _policy(organization: Organization, severity: Severity, rota: Rota) -> None:
    plan = DEFAULTS[severity]
    policy = EscalationPolicy.objects.create(
        organization=organization,
        name=severity.capitalize(),
        severity=severity,
        repeat_minutes=plan.repeat // MINUTE if plan.repeat else None,
    )
    for position, step in enumerate(plan.steps, 1):
        _step(policy, position, step, rota)


def _step(policy: EscalationPolicy, position: int, step: Step, rota: Rota) -> None:
    row = EscalationStep.objects.create(
        policy=policy,
        position=position,
        delay_minutes=step.delay // MINUTE,
        to_operations=step.operations,
        to_owner=step.owner,
        to_email=step.email,
        to_slack=step.slack,
        to_everybody=step.everybody,
    )
    if step.on_call:
        row.on_call.add(rota)
