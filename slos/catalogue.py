"""The default objectives of `monitoring/slo-rules.yml`."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from dateutil.relativedelta import relativedelta
from django.db import transaction

from accounts.models import Organization
from slos.models import SLODefinition
from slos.models.alerting import AlertRules

RULES = Path(__file__).resolve().parent.parent / "monitoring" / "slo-rules.yml"
NUMBERS = ("target_percentage", "target_value")
OPTIONAL = {
    *("error_budget_percentage", "window", "window_days", "notification_channels", "runbook", "only"),
    *(field.name for field in AlertRules._meta.get_fields()),
}


def defaults() -> list[dict[str, Any]]:
    """The objectives of the file, as fields of SLODefinition."""
    entries = yaml.safe_load(RULES.read_text())["slos"]
    return [
        {"slos_owner": entry.pop("owner"), **entry, **{name: Decimal(str(entry[name])) for name in NUMBERS}}
        for entry in entries
    ]


def as_yaml(slo: SLODefinition) -> str:
    """An objective as an entry of the file, with what is not as usual."""
    entry: dict[str, Any] = {name: getattr(slo, name) for name in ("name", "description", "sli_type")}
    entry |= {name: _number(getattr(slo, name)) for name in NUMBERS}
    entry |= {"target_unit": slo.target_unit, "measurement_periods": list(slo.measurement_periods)}
    entry["owner"] = slo.slos_owner
    for field in SLODefinition._meta.fields:
        value = getattr(slo, field.name)
        if field.name in OPTIONAL and value != field.get_default():
            entry[field.name] = _number(value) if isinstance(value, Decimal) else value
    return yaml.safe_dump([entry], sort_keys=False, allow_unicode=True, width=100)


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


@transaction.atomic
def ensure_defaults(organization: Organization, *, today: date) -> int:
    """Create the default objectives that are missing; returns how many. A renamed or edited one is left alone."""
    Organization.objects.select_for_update().get(pk=organization.pk)  # two at once would create them twice
    existing = organization.slos.values_list("pk", flat=True)
    known = set(SLODefinition.history.filter(id__in=existing).values_list("name", flat=True))
    missing = [fields for fields in defaults() if fields["name"] not in known]
    for fields in missing:
        SLODefinition.objects.create(
            organization=organization, next_review_at=today + relativedelta(months=3), **fields
        )
    return len(missing)


def never_had_any(organization: Organization) -> bool:
    """A new organisation; one that deleted its objectives does not get them back by a restart."""
    return not SLODefinition.history.filter(organization=organization).exists()
