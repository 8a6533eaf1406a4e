"""What happens to a firm, step by step, in a time of its own: the same whatever dies on the way.

Every step may be done again from its beginning, as the real clients and workers do after a crash.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from django.db import connections

from accounts.models import Organization, User
from alerts import lifecycle
from alerts.delivery import deliver
from alerts.evaluate import evaluate
from alerts.lifecycle import By
from alerts.models import SLOAlert
from kpis import failpoints, rollups
from kpis.ingest import store_rows
from kpis.messages import INVOICE
from kpis.models import RollupState
from slo_portal import clean_up
from slo_portal.reports import writing
from slos.measure import catch_up
from slos.tick import tick

START = datetime(2026, 11, 10, 12, tzinfo=UTC)
LEASES = (0, 31, 70, 140, 300)  # seconds after which somebody looks again for what was not sent
Step = Callable[[Organization], object]


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def pause() -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.2)")


def validated(name: str, number: int, first: float, last: float, *, good: bool = True) -> Step:
    """So many invoices, evenly between two minutes; sent at the second one."""
    step = (last - first) / max(number - 1, 1)
    rows = [
        {
            "invoice_id": f"{name}-{n}",
            "vendor": f"Vendor {n % 3}",
            "validated_at": at(first + n * step),
            "structural_valid": good,
            "math_valid": True,
        }
        for n in range(number)
    ]
    return lambda organization: store_rows(INVOICE, organization, rows, now=at(last))


def ticked(minute: float) -> Step:
    """Once by whoever is alone: another who is at it is waited for, as the schedule does."""

    def act(organization: Organization) -> None:
        for _ in range(100):
            if tick(organization, now=at(minute), then=evaluate).ran:
                return
            pause()
        raise AssertionError("somebody else ticks for ever")

    return act


def rolled_up(minute: float) -> Step:
    """Once it is: another who is at it is waited for, as the next tick does."""

    def act(organization: Organization) -> None:
        for _ in range(100):
            rollups.refresh(organization, now=at(minute))
            if RollupState.objects.filter(organization=organization, counted_at=at(minute)).exists():
                return
            pause()
        raise AssertionError("somebody else counts for ever")

    return act


def cleaned(minute: float) -> Step:
    return lambda organization: clean_up.of_organization(organization, now=at(minute))


def measured(minute: float) -> Step:
    return lambda organization: catch_up(organization, "daily", now=at(minute))


def delivered(minute: float) -> Step:
    """Looked for again until every lease has run out; not by who was frozen: its clock would leap past the others'."""

    def act(organization: Organization) -> None:
        for seconds in LEASES[:1] if failpoints._armed else LEASES:
            deliver(organization, clock=lambda: at(minute) + timedelta(seconds=seconds))  # noqa: B023 - at once

    return act


def acknowledged(minute: float) -> Step:
    return lambda organization: lifecycle.acknowledge(the_alert(organization), by=dana(organization), now=at(minute))


def resolved(minute: float) -> Step:
    return lambda organization: lifecycle.resolve(
        the_alert(organization), by=dana(organization), now=at(minute), note="Mended."
    )


def reported(minute: float) -> Step:
    return lambda organization: writing.write_due(organization, "daily", now=at(minute))


def the_alert(organization: Organization) -> SLOAlert:
    return SLOAlert.objects.get(organization=organization, alert_type="burn_rate_warning")


def dana(organization: Organization) -> By:
    return By(User.objects.get(username=f"dana-{organization.slug}"), "web")


STORY: Sequence[tuple[str, Step]] = [
    ("four good weeks", validated("good", 500, -4 * 7 * 24 * 60, -1)),
    ("the first tick", ticked(0)),
    ("measurements", measured(0)),
    ("hours and days of the KPIs", rolled_up(0)),
    ("a bad hour", validated("bad", 40, 0, 9, good=False)),
    ("an alert opens", ticked(10)),
    ("it is told", delivered(10)),
    ("somebody acknowledges", acknowledged(11)),
    ("nothing more to say", ticked(12)),
    ("it gets worse", validated("worse", 40, 20, 29, good=False)),
    ("an incident opens", ticked(30)),
    ("the incident is told", delivered(30)),
    ("somebody resolves", resolved(40)),
    ("the end is told", delivered(41)),
    ("nobody has acknowledged the incident", ticked(61)),
    ("it is repeated", delivered(61)),
    ("the KPIs of the day are counted", rolled_up(62)),
    ("the report of the day is made", reported(24 * 60)),
    ("the report is mailed", delivered(24 * 60 + 1)),
    ("all of it is old", cleaned(370 * 24 * 60)),
]
