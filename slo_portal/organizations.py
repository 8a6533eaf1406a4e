"""Setting up an organisation: the same from bootstrap, the admin and the API."""

from datetime import datetime

from accounts.models import Organization
from slo_portal import schedule
from slos import catalogue


def set_up(organization: Organization, *, now: datetime) -> int:
    """Give a new organisation its objectives and its schedule, once; returns the objectives created."""
    schedule.ensure_for(organization)
    if not catalogue.never_had_any(organization):
        return 0
    return catalogue.ensure_defaults(organization, today=now.astimezone(organization.time_zone).date())
