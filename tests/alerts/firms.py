"""A firm whose validations go well or badly, tick by tick, as the worker does it."""

from datetime import datetime

from accounts.models import Organization
from alerts.evaluate import evaluate
from alerts.models import Channel, EscalationPolicy, EscalationStep, SLOAlert
from kpis.ingest import store_rows
from kpis.messages import INVOICE
from slos.tick import tick
from tests.facts import NOON, at, firm


def a_quiet_firm() -> Organization:
    """A firm that tells its operations team by e-mail, and has measured well for four weeks."""
    organization = firm()
    organization.slos.exclude(sli_type="validation_pass_rate").update(is_active=False)
    Channel.objects.create(
        organization=organization, name="Operations", kind="email", targets=["ops@example.com"], for_operations=True
    )
    for severity, repeat in (("warning", None), ("critical", None), ("incident", 30)):
        policy = EscalationPolicy.objects.create(
            organization=organization, name=severity, severity=severity, repeat_minutes=repeat
        )
        EscalationStep.objects.create(policy=policy, position=1, to_operations=True)
    validated(organization, "good", 2000, first=-4 * 7 * 24 * 60, last=-1, now=NOON)
    return organization


def validated(
    organization: Organization, name: str, number: int, *, first: float, last: float, now: datetime, good: bool = True
) -> None:
    """So many invoices validated evenly between two minutes after NOON."""
    step = (last - first) / max(number - 1, 1)
    rows = [
        {
            "invoice_id": f"{name}-{n}",
            "vendor": "Well GmbH" if good else "Acme GmbH",
            "validated_at": at(first + n * step),
            "structural_valid": good,
            "math_valid": True,
        }
        for n in range(number)
    ]
    store_rows(INVOICE, organization, rows, now=now)


def run(organization: Organization, minute: float) -> int:
    return tick(organization, now=at(minute), then=evaluate).followed


def the(organization: Organization, alert_type: str = "burn_rate_warning") -> SLOAlert:
    return SLOAlert.objects.get(organization=organization, alert_type=alert_type, resolved_at=None)


def kinds(alert: SLOAlert) -> list[str]:
    return list(alert.events.values_list("kind", flat=True))


def breach(organization: Organization, minute: float = 0, number: int = 100) -> SLOAlert:
    """Twenty bad invoices among a hundred in ten minutes: twice too fast over six hours, not over a day's traffic."""
    validated(organization, f"bad-{minute}", number, first=minute, last=minute + 9, now=at(minute + 10), good=False)
    assert run(organization, minute + 10) > 0
    return the(organization)
