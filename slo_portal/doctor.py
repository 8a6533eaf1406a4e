"""What keeps the portal from being of use, in the order in which it should be mended, each with the way out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from django.conf import settings
from django.db import connection
from django_celery_beat.models import PeriodicTask

from accounts.models import Organization
from alerts import watch
from kpis import feeds
from kpis.staleness import INVOICES
from monitoring import health
from slo_portal import checks, schedule
from slo_portal.organizations import MAILBOX
from slo_portal.stack import HOST, answers
from slos import measure, status
from slos.behind import contributors
from slos.models import Period, SLODefinition

WEEK = timedelta(days=7)
SLOW_READ, SLOW_STATEMENT = 1.0, 10.0  # seconds: for the figures of the overview, and for any statement
OFTEN = 10  # named of one kind, the rest is counted
GROUPS = {
    "parts": "The parts of the portal run",
    "settings": "The settings make sense",
    "schedule": "Everything that is scheduled is switched on",
    "measurements": "No measurement is missing",
    "feeds": "Invoices arrive",
    "alerts": "Alerts reach people in time",
    "budgets": "Error budgets last",
    "pages": "Pages load fast",
}
DO = {
    "database": "Start the portal: make run. With DATABASE_URL, see that this PostgreSQL runs and answers.",
    "broker": "Start the portal: make run. With REDIS_URL, see that this server runs. Alerts go on without.",
    "worker": "Start the portal: make run; or celery -A slo_portal worker, and look at what it logs.",
    "beat": "Start the portal: make run; or celery -A slo_portal beat, and look at what it logs.",
    "calculation_lag": "See that the worker runs and that the task “tick” is switched on (Admin, Periodic tasks).",
    "notification_lag": "See that the worker runs and that “delivery” is switched on; an alert's page names its error.",
    "disk": "Free space on the disk of DATA_DIR, or move the data to a larger one.",
}


@dataclass(frozen=True)
class Finding:
    """`group` is one of GROUPS; `says` is what is wrong, `do` the way out. `hint`: worth knowing, nothing is broken."""

    group: str
    says: str
    do: str
    hint: bool = False


def examine(*, now: datetime, seconds: Callable[[], float] = monotonic) -> Iterator[Finding]:
    """All that is wrong, by group; nothing of the rest where the database does not answer."""
    parts = health.look(now=now)
    yield from _parts(parts)
    yield from _settings()
    if parts["database"].status != health.OK:
        return
    active = list(Organization.objects.filter(is_active=True))
    yield from _schedule(active)
    yield from _mail()
    for organization in active:
        yield from _measurements(organization, now)
        yield from _feeds(organization, now)
        yield from _alerts(organization, now)
        yield from _budgets(organization, now)
        yield from _speed(organization, now, seconds)
    yield from _statements()


def _parts(parts: dict[str, health.Part]) -> Iterator[Finding]:
    for name in health.NEEDED:
        part = parts[name]
        if part.status in (health.DOWN, health.WARNING):
            yield Finding("parts", f"{name.replace('_', ' ').capitalize()}: {part.reason}", DO[name])
    if not answers(settings.PORT):
        do = "Start the portal: make run. Where its web server listens elsewhere, set PORT."
        yield Finding("parts", f"Web: nothing answers at http://{HOST}:{settings.PORT}/.", do)


def _settings() -> Iterator[Finding]:
    for check in checks.CHECKS:
        for found in check(None):
            yield Finding("settings", f"{found.id}: {found.msg}", found.hint or "", hint=not found.is_serious())


def _schedule(organizations: list[Organization]) -> Iterator[Finding]:
    if not settings.METRICS_ENABLED:
        says, do = "METRICS_ENABLED is off: nothing is calculated.", "Set METRICS_ENABLED=true, restart."
        yield Finding("schedule", says, do)
    for period in Period:
        name = f"SLO_{period.upper()}_ENABLED"
        if not getattr(settings, name):
            says = f"{name} is off: no {period} measurement is written."
            yield Finding("schedule", says, f"Set {name}=true, restart.")
    known = dict(PeriodicTask.objects.values_list("name", "enabled"))
    for name in schedule.names(organizations):
        if name not in known:
            yield Finding("schedule", f"The task “{name}” is missing.", "manage.py bootstrap creates it again.")
        elif not known[name]:
            says = f"The task “{name}” is switched off."
            yield Finding("schedule", says, "Switch it on: Admin, Periodic tasks, Enabled.", hint=not _needed(name))


def _needed(task: str) -> bool:
    """Two have nothing to do unless a setting names whom they tell."""
    told = {"heartbeat": settings.HEARTBEAT_URL, "export": settings.DOGSTATSD_ADDRESS or settings.OTLP_ENDPOINT}
    return bool(told.get(task, True))


def _measurements(organization: Organization, now: datetime) -> Iterator[Finding]:
    for period, since in measure.missing(organization, now=now).items():
        says = f"{organization}: {period} measurements are missing since {since:%d %b %Y, %H:%M} UTC."
        command = f"manage.py calculate_slis --organization {organization.slug} --period {period}"
        do = f"Write them now: {command} --from {since:%Y-%m-%dT%H:%MZ}; then see that worker and schedule run."
        yield Finding("measurements", says, do)


def _feeds(organization: Organization, now: datetime) -> Iterator[Finding]:
    for feed in feeds.states(organization, now=now).values():
        if feed.last_message_at is None:
            if feed.feed == INVOICES:
                do = "Send the first invoice (README), import a file (manage.py import_invoices), or look at make demo."
                yield Finding("feeds", f"{organization}: no invoice has ever arrived.", do, hint=True)
        elif feed.stale:
            says = f"{organization}: no message about {feed.feed} since {feed.last_message_at:%d %b, %H:%M} UTC."
            do = "See that your workflow runs, and that its token is neither revoked nor expired."
            yield Finding("feeds", says, do)


def _alerts(organization: Organization, now: datetime) -> Iterator[Finding]:
    for trouble in watch.look(organization, now=now).troubles:
        do = "Open the alert's page or Admin, Messages: each failed attempt names its error. Then mend the channel."
        yield Finding("alerts", f"{organization}: {trouble}", do)
    if settings.SMTP_URL and organization.channels.filter(targets__contains=[MAILBOX], is_active=True).exists():
        says = f"{organization}: the operations team is still {MAILBOX}, which nobody reads."
        yield Finding("alerts", says, "Name its real addresses: Admin, Channels, Operations.")


def _mail() -> Iterator[Finding]:
    if not settings.ALERT_EMAIL_ENABLED:
        yield Finding("alerts", "ALERT_EMAIL_ENABLED is off: no alert is mailed.", "Set it to true, restart.")
    elif not settings.SMTP_URL:
        says = "No mail server is set: whatever is mailed stays on the mailbox page of this machine."
        yield Finding("alerts", says, "Set SMTP_URL and MAIL_FROM (docs/how-to/notifications.md).", hint=True)


def _budgets(organization: Organization, now: datetime) -> Iterator[Finding]:
    for one in status.overview(organization, now=now).slos:
        left = one.remaining_percentage
        if left is None or one.too_few or 100 - left < one.slo.alerting_threshold_percentage:
            continue
        says = f"{organization}: {one.slo.name} has used {100 - left:.0f} % of its error budget.{_cause(one.slo, now)}"
        yield Finding("budgets", says, _way_out(one.slo, now), hint=True)


def _cause(slo: SLODefinition, now: datetime) -> str:
    first = next(iter(contributors(slo, now - WEEK, now, now=now)), None)
    if first is None:
        return ""
    field = first.field.replace("_", " ")
    return f" In the last 7 days {first.share:.0%} of what was bad came from the {field} {first.value}."


def _way_out(slo: SLODefinition, now: datetime) -> str:
    changed = SLODefinition.history.filter(id=slo.pk, history_date__gt=now - WEEK, history_type="~").count()
    history = f" The objective was changed {changed} times in the last 7 days: see its history." if changed else ""
    return f"Look at the invoices behind it, talk to {slo.slos_owner or 'its owner'}, mend the cause.{history}"


def _speed(organization: Organization, now: datetime, seconds: Callable[[], float]) -> Iterator[Finding]:
    began = seconds()
    status.overview(organization, now=now)
    took = seconds() - began
    if took > SLOW_READ:
        do = "See what else this machine and its PostgreSQL do; VACUUM ANALYZE helps where autovacuum is off."
        yield Finding("pages", f"{organization}: reading the figures of the overview took {took:.1f} seconds.", do)


def _statements() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid, extract(epoch FROM now() - query_start)::float FROM pg_stat_activity WHERE state = 'active'"
            " AND datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            " AND now() - query_start > make_interval(secs => %s) ORDER BY 2 DESC LIMIT %s",
            [SLOW_STATEMENT, OFTEN],
        )
        for pid, took in cursor.fetchall():
            do = f"Look at it in pg_stat_activity; SELECT pg_cancel_backend({pid}) ends it."
            yield Finding("pages", f"A statement has been running for {took:.0f} seconds (process {pid}).", do)
