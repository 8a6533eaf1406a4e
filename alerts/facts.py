"""Gathers what is known of an alert when it opens, worsens or is told again."""

from datetime import datetime
from typing import Any

from accounts.models import Organization
from alerts.kinds import Severity
from alerts.known import Facts, Life
from slos.models import SLODefinition


def gather(
    organization: Organization, slo: SLODefinition, verdict: Any, *, now: datetime, opened_at: datetime | None = None
) -> Facts:
    """The figures behind a verdict (alerts.rules.Verdict) about an objective."""
    return Facts(
        verdict.alert_type,
        verdict.severity or Severity.INFO,
        now,
        organization.time_zone,
        slo=slo.name,
        sli_type=slo.sli_type,
        life=Life(opened_at),
    )
