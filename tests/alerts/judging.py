"""The conditions of objectives, judged by what the last tick has stored of them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from accounts.models import Organization
from alerts import conditions
from alerts.rules import Verdict
from slos import judged
from slos.models import SLODefinition, SLOSnapshot
from slos.sources import Stored


def judge(organization: Organization, slos: Sequence[SLODefinition], *, now: datetime) -> dict[UUID, list[Verdict]]:
    rows = SLOSnapshot.objects.in_bulk([slo.pk for slo in slos])
    found = judged.judge([(slo, rows[slo.pk]) for slo in slos], Stored(organization, now))
    return conditions.judge(found, now=now)
