"""Sets up organisations in a portal's own environment: `manage.py shell -c "from tests.faults import furnish; ..."`.

FURNISH is JSON: [{"slug": "one", "hook": URL, "mail": ADDRESS or "", "types": [SLI types], "copies": 1}]. Prints
{slug: token}, tokens to write with.
"""

import json
import os
import sys

from accounts.models import Membership, Organization, User
from accounts.tokens import issue
from alerts import secrets
from alerts.models import Channel, EscalationPolicy, EscalationStep
from slos.models import SLODefinition

TARGET = 90


def main() -> None:
    sys.stdout.write(json.dumps({one["slug"]: furnish(**one) for one in json.loads(os.environ["FURNISH"])}))


def furnish(slug: str, hook: str, mail: str = "", types: tuple[str, ...] = (), copies: int = 1) -> str:
    """An organisation that tells of everything by webhook and by mail, at once; its token."""
    organization = Organization.objects.create(name=slug.title(), slug=slug)
    for sli_type in types:
        for number in range(copies):
            _objective(organization, sli_type, f"{sli_type} {number}" if copies > 1 else sli_type)
    secret = secrets.seal({"url": hook, "secret": "s" * 32})
    Channel.objects.create(organization=organization, name="Hook", kind="webhook", secret=secret, for_operations=True)
    if mail:
        Channel.objects.create(
            organization=organization, name="Mail", kind="email", targets=[mail], for_operations=True
        )
    for severity in ("warning", "critical", "incident"):
        policy = EscalationPolicy.objects.create(organization=organization, name=severity, severity=severity)
        EscalationStep.objects.create(policy=policy, position=1, to_operations=True)
    user = User.objects.create_user(f"client-of-{slug}")
    Membership.objects.create(user=user, organization=organization, role="operator")
    return issue(user, organization, name="load", scope="write")[1]


def _objective(organization: Organization, sli_type: str, name: str) -> None:
    confidence = sli_type == "extraction_accuracy"
    SLODefinition.objects.create(
        organization=organization,
        name=name,
        sli_type=sli_type,
        target_percentage=TARGET,
        target_value=TARGET / 100 if confidence else TARGET,
        target_unit="confidence" if confidence else "percent",
        measurement_periods=["daily"],
    )
