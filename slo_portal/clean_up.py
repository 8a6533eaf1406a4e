"""What is kept for how long, done: first the seal, then the rows, floor by floor. Again and again without harm."""

from datetime import datetime

import accounts.retention
import alerts.retention
import kpis.retention
import slo_portal.reports.retention
import slos.retention
from accounts.models import Organization
from slos.retention import AGGREGATES, limits, seal, sealed_for

Deleted = dict[str, int]


def of_organization(organization: Organization, *, now: datetime, dry_run: bool = False) -> Deleted:
    """Rows deleted, or that would be, by their name. What is interrupted goes on with the next run."""
    sealed = seal(organization, now=now, dry_run=dry_run)
    rows = _facts(organization, sealed, dry_run=dry_run) if sealed else {}
    sums_before = sealed_for(organization, AGGREGATES, now=now)
    return {
        **rows,
        **kpis.retention.clean(organization, now=now, aggregates_before=sums_before, dry_run=dry_run),
        **slos.retention.clean(organization, now=now, dry_run=dry_run),
        **alerts.retention.clean(organization, now=now, dry_run=dry_run),
        **slo_portal.reports.retention.clean(organization, now=now, dry_run=dry_run),
    }


def _facts(organization: Organization, sealed: datetime, *, dry_run: bool) -> Deleted:
    return {
        **kpis.retention.clean_rows(organization, sealed, limits(organization), dry_run=dry_run),
        **slos.retention.clean_reported(organization, sealed, dry_run=dry_run),
    }


def of_all(*, now: datetime, dry_run: bool = False) -> Deleted:
    """What belongs to no organisation, or is not kept apart by it."""
    own = kpis.retention.clean_own(now=now, dry_run=dry_run)
    return {**accounts.retention.clean(now=now, dry_run=dry_run), **own}
