"""Setting up an organisation: the same from bootstrap, the admin and the API."""

from datetime import datetime

from django.conf import settings

from accounts.models import Organization
from alerts import defaults
from slo_portal import schedule
from slos import catalogue

FIRST = "default"  # the slug of the organisation that bootstrap creates
MAILBOX = "operations@localhost"  # read on the mailbox page while no mail server is set


def set_up(organization: Organization, *, now: datetime) -> int:
    """Give a new organisation its objectives, its schedule and who is told of alerts, once; returns the objectives
    created."""
    schedule.ensure_for(organization)
    today = now.astimezone(organization.time_zone).date()
    defaults.ensure(organization, today=today, operations=_operations(organization))
    if not catalogue.never_had_any(organization):
        return 0
    return catalogue.ensure_defaults(organization, today=today)


def _operations(organization: Organization) -> list[str]:
    """The addresses of an operations team; where there are none, the admins are told."""
    given = list(settings.ALERT_EMAIL_TO) if organization.slug == FIRST else []
    return given or ([] if settings.SMTP_URL else [MAILBOX])
