"""Clean-up of reports, two years after they were made."""

from datetime import datetime, timedelta

from accounts.models import Organization
from kpis.forgetting import forget
from slo_portal.reports.models import Report

KEPT = timedelta(days=730)


def clean(organization: Organization, *, now: datetime, dry_run: bool = False) -> dict[str, int]:
    """Delete what has outlived its time; rows by their name."""
    old = Report.objects.filter(organization=organization, created_at__lt=now - KEPT)
    return {"reports": forget(old, dry_run=dry_run)}
