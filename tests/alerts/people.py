"""Members, channels and policies for tests of who is told."""

from typing import Any

from accounts.models import Membership, Organization, User
from alerts.models import Channel, EscalationPolicy, Rota, RotaMember
from alerts.recipients import Directory
from slos.models import SLODefinition
from tests.facts import NOON

Told = list[tuple[str, str]]  # name of the channel, address


def member(organization: Organization, name: str, role: str = "operator", **fields: Any) -> User:
    """Somebody with the address NAME@firm.example, unless it is given."""
    user = User.objects.create_user(name, **{"email": f"{name}@firm.example", **fields})
    Membership.objects.create(user=user, organization=organization, role=role)
    return user


def channel(organization: Organization, name: str, kind: str = "email", *targets: str, **fields: Any) -> Channel:
    return Channel.objects.create(organization=organization, name=name, kind=kind, targets=list(targets), **fields)


def rota(organization: Organization, *users: User, name: str = "On call") -> Rota:
    """They take turns; the first has the week that holds NOON."""
    made = Rota.objects.create(organization=organization, name=name, starts_on=NOON.date())
    for position, user in enumerate(users):
        RotaMember.objects.create(rota=made, position=position, user=user)
    return made


def policy(organization: Organization, severity: str, *steps: dict[str, Any], **fields: Any) -> EscalationPolicy:
    """Its steps as the columns of each; channels, on_call and people as lists."""
    slos = fields.pop("slos", [])
    name = fields.pop("name", f"{severity} {EscalationPolicy.objects.count()}")
    made = EscalationPolicy.objects.create(organization=organization, name=name, severity=severity, **fields)
    made.slos.set(slos)
    for position, columns in enumerate(steps, 1):
        many = {field: columns.pop(field, []) for field in ("channels", "on_call", "people")}
        step = made.steps.create(position=position, **columns)
        for field, rows in many.items():
            getattr(step, field).set(rows)
    return made


def told(
    organization: Organization, severity: str = "warning", slo: SLODefinition | None = None, step: int = 1, **more: Any
) -> Told:
    """Who hears of an alert at a step, at noon."""
    targets = Directory.load(organization, now=NOON).targets(severity, slo, step, **more)
    return [(target.channel.name, target.address) for target in targets]
