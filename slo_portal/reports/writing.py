"""Makes reports: those of a period once, whatever dies and whoever else is at it, and on demand."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import connection, transaction

from accounts.models import Organization, User
from alerts import outbox
from alerts.recipients import operations_by_mail
from kpis.failpoints import fp
from kpis.fiscal import year_of
from kpis.params import Span
from kpis.periods import Interval, ceil, floor, local_date
from slo_portal.reports import mail
from slo_portal.reports.asked import Asked
from slo_portal.reports.content import content
from slo_portal.reports.models import Report
from slo_portal.reports.periods import closed, last_closed, name
from slos.models import SLIBucket

WAITS = timedelta(hours=6)  # after the end of a period: what comes late in the night is in it
MOST = {"daily": 31, "weekly": 8, "monthly": 12}  # periods that are caught up, the newest ones
NAMES = {**dict(Report.Kind.choices), Report.Kind.ON_DEMAND: "Report"}


def write_due(organization: Organization, kind: str, *, now: datetime) -> int:
    """Make the reports of the periods that are over and have none; returns how many. Only the last one is mailed."""
    written, spans = 0, due(organization, kind, now=now)
    for span in spans:
        written += _write_period(organization, kind, span, mailed=span == spans[-1], now=now)
    return written


def due(organization: Organization, kind: str, *, now: datetime) -> list[Interval]:
    """Oldest first. A new organisation begins with the last period, if anything was known of it."""
    year, ready = year_of(organization), now - WAITS
    newest = Report.objects.filter(organization=organization, kind=kind).order_by("-first_day").first()
    if newest:
        return closed(kind, newest.period_end, ready, year)[-MOST[kind] :]
    last = last_closed(kind, ready, year)
    return [last] if last[1] > organization.created_at or _has_events(organization, last) else []


def _has_events(organization: Organization, span: Interval) -> bool:
    start, end = span
    return SLIBucket.objects.filter(organization=organization, width=60, start__gte=start, start__lt=end).exists()


def _write_period(organization: Organization, kind: str, span: Interval, *, mailed: bool, now: datetime) -> bool:
    """The report and what is to be sent of it are one transaction; False where somebody else was faster."""
    with transaction.atomic():
        _one_at_a_time(organization, kind)
        day = local_date(span[0], organization.time_zone)
        if Report.objects.filter(organization=organization, kind=kind, first_day=day).exists():
            return False
        report = _store(organization, kind, span, {}, None, now)
        if mailed:
            _send(report, now)
        fp("report.before_commit")
    fp("report.after_commit")
    return True


def write(organization: Organization, span: Span, only: Mapping[str, str], *, by: User | None, now: datetime) -> Report:
    """On demand, for any range, widened to whole buckets of 5 minutes, and any part of the work."""
    borders = floor(span.start), ceil(span.end)
    with transaction.atomic():
        return _store(organization, Report.Kind.ON_DEMAND, borders, only, by, now)


def _store(
    organization: Organization, kind: str, span: Interval, only: Mapping[str, str], by: User | None, now: datetime
) -> Report:
    made = content(Asked(organization, Span(*span), only, now), with_misses=kind == Report.Kind.DAILY)
    part = "".join(f", {field.replace('_', ' ')} {value}" for field, value in only.items())
    year, suffix = year_of(organization), "" if kind == Report.Kind.ON_DEMAND else " report"
    report = Report.objects.create(
        organization=organization,
        kind=kind,
        first_day=local_date(span[0], year.zone),
        period_start=span[0],
        period_end=span[1],
        filters=dict(only),
        title=f"{NAMES[kind]}{suffix}: {name(kind, span, year)}{part}"[:200],
        headline=made["headline"],
        content=made,
        created_at=now,
        created_by=by,
    )
    report.refresh_from_db(fields=["content"])  # as whoever reads it sees it
    return report


def send_again(report: Report, *, now: datetime) -> int:
    """Mail it as it was made, once a minute at most; returns to how many."""
    return _send(report, now, f"{now:%Y%m%d%H%M}")


def _send(report: Report, now: datetime, again: str = "") -> int:
    targets = operations_by_mail(report.organization)
    written = mail.of(report)
    key = f"report:{report.pk}:{again}" if again else f"report:{report.pk}"
    outbox.post(report.organization, key, targets, written, now=now)
    return len(targets)


def _one_at_a_time(organization: Organization, kind: str) -> None:
    """Another who makes the same report is waited for. Until the end of the transaction."""
    with connection.cursor() as cursor:
        lock = f"report {kind} {organization.pk}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [lock])
