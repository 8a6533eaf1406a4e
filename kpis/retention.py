"""Clean-up of the facts. Ages count from the later of a thing's own time and its arrival.

Raw rows go 30 days after the last of their events was decided and their last change. By then the figures that they are
in are settled: the caller has sealed them, and what is deleted here is never asked for again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import Case, DateTimeField, Exists, F, Model, OuterRef, QuerySet, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Greatest

from accounts.models import Organization
from kpis.forgetting import forget
from kpis.models import InvoiceException, InvoiceMetric, Rollup, SeenEvent, SeriesChange, SystemMetric
from kpis.models.facts import OPEN

RAW = timedelta(days=30)
OPEN_WORK = timedelta(days=365)  # work that is not finished stays in the backlog, but not for ever
READINGS = timedelta(days=30)  # of system figures, and ids of events
CHANGES = timedelta(days=730)  # in series
Limits = Mapping[str, tuple[str, timedelta]]  # {started: (ended, longest limit)}: until then an event may be pending


def settled(organization: Organization, before: datetime, limits: Limits) -> list[QuerySet[Model]]:
    """The exceptions and the invoices that nothing has happened to since `before`, and nothing is waited for.

    One that belongs to another which is not settled stays with it: whose exception it is, decides where it counts.
    """
    of_invoice = {"organization": organization, "invoice_id": OuterRef("invoice_id")}
    exceptions = _with_end(InvoiceException, limits)
    invoices = _with_end(InvoiceMetric, limits)
    ours = {"organization": organization, "settled_at__lt": before}
    return [
        exceptions.filter(~Exists(invoices.filter(**of_invoice, settled_at__gte=before)), **ours),
        invoices.filter(~Exists(exceptions.filter(**of_invoice, settled_at__gte=before)), **ours),
    ]


def _with_end(model: type[Model], limits: Limits) -> QuerySet[Model]:
    """Rows with `settled_at`: the last moment that any figure needs them for, RAW before they may go."""
    moments = [field.name for field in model._meta.fields if isinstance(field, DateTimeField) and field.null]
    ends: list[Combinable] = [F("updated_at"), *map(F, moments)]
    for started, (ended, limit) in limits.items():
        if started in moments:
            ends.append(Case(When(**{ended: None}, then=F(started) + limit), output_field=DateTimeField()))
    if model is InvoiceMetric:
        ends.append(Case(When(OPEN, then=F("updated_at") + (OPEN_WORK - RAW)), output_field=DateTimeField()))
    return model._default_manager.alias(settled_at=Greatest(*ends))


def clean_rows(
    organization: Organization, before: datetime, limits: Limits, *, dry_run: bool = False
) -> dict[str, int]:
    """Delete what is settled before a moment that is sealed; rows by their name."""
    return {
        str(rows.model._meta.verbose_name_plural): forget(rows, dry_run=dry_run)
        for rows in settled(organization, before, limits)
    }


def clean_own(*, now: datetime, dry_run: bool = False) -> dict[str, int]:
    """Delete the portal's own readings; rows by their name."""
    old = SystemMetric.objects.filter(organization=None, measured_at__lt=now - READINGS)
    return {"system figures": forget(old, dry_run=dry_run)}


def clean(
    organization: Organization, *, now: datetime, aggregates_before: datetime | None, dry_run: bool = False
) -> dict[str, int]:
    """Delete readings, ids of events, and sums that began before a moment; rows by their name."""
    before = now - READINGS
    old = {
        "system figures": SystemMetric.objects.filter(measured_at__lt=before, created_at__lt=before),
        "event ids": SeenEvent.objects.filter(received_at__lt=before),
        "KPI sums": Rollup.objects.filter(start__lt=aggregates_before) if aggregates_before else Rollup.objects.none(),
        "changes in series": SeriesChange.objects.filter(start__lt=now - CHANGES, seen_at__lt=now - CHANGES),
    }
    return {name: forget(rows.filter(organization=organization), dry_run=dry_run) for name, rows in old.items()}
