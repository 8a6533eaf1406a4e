"""Small firms for tests: an organisation with one objective of each SLI, and what happens there."""

from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.models import Organization
from kpis import ingest
from kpis.messages import EXCEPTION, INVOICE
from slos.catalogue import ensure_defaults
from slos.models import SLODefinition

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)


def firm(slug: str = "firm", **fields: Any) -> Organization:
    """A new organisation with the seven default objectives."""
    organization = Organization.objects.create(name=slug.title(), slug=slug, **fields)
    ensure_defaults(organization, today=NOON.date())
    return organization


def slo(organization: Organization, sli_type: str) -> SLODefinition:
    return organization.slos.get(sli_type=sli_type)


def invoice(organization: Organization, invoice_id: str, *, now: datetime, **fields: object) -> ingest.Result:
    """Say something about one invoice; times may be minutes from NOON."""
    return ingest.store_rows(INVOICE, organization, [{"invoice_id": invoice_id, **_times(fields)}], now=now)


def exception(organization: Organization, exception_id: str, *, now: datetime, **fields: object) -> ingest.Result:
    return ingest.store_rows(EXCEPTION, organization, [{"exception_id": exception_id, **_times(fields)}], now=now)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def _times(fields: dict[str, object]) -> dict[str, object]:
    return {
        name: at(value) if name.endswith("_at") and isinstance(value, int | float) else value
        for name, value in fields.items()
    }


def fed(organization: Organization, name: str, **fields: Any) -> SLODefinition:
    """An objective whose counts a program sends."""
    given = {"sli_type": "good_total", "target_percentage": 99, "target_value": 99, "target_unit": "percent"}
    return SLODefinition.objects.create(
        organization=organization, name=name, **{"measurement_periods": ["hourly"], **given, **fields}
    )
