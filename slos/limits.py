"""How long things may take by what the objectives promise, for pages of floors below."""

from collections.abc import Mapping
from datetime import timedelta

from accounts.models import Organization
from slos.models import Clock, SLIType


def ready_within(organization: Organization) -> Mapping[str, timedelta]:
    """From upload to ready, by the name of each active objective about that for all of the work, the shortest first."""
    timed = organization.slos.filter(is_active=True, sli_type=SLIType.TIME_TO_READY, clock=Clock.ELAPSED)
    found = timed.filter(only={}).order_by("name")
    limits = {slo.name: timedelta(seconds=slo.limit_seconds) for slo in found if slo.limit_seconds is not None}
    return dict(sorted(limits.items(), key=lambda item: item[1]))
