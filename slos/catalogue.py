"""Objectives as entries of `monitoring/slo-rules.yml`: the default ones, and any other."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from dateutil.relativedelta import relativedelta
from django.db import models, transaction

from accounts.models import Organization
from slos.models import SLIBucket, SLODefinition
from slos.models.alerting import AlertRules

RULES = Path(__file__).resolve().parent.parent / "monitoring" / "slo-rules.yml"
KEYS = {"slos_owner": "owner"}  # of the model: of the file
NOT_IN_FILE = {"organization"}  # nor what the portal itself keeps there, and nobody edits
ALWAYS = (
    *("name", "description", "sli_type", "target_percentage", "target_value", "target_unit"),
    *("measurement_periods", "owner"),
)
LAST = ("runbook", "next_review_at")
OF_THIS_PLACE = {"next_review_at"}  # left as it is where the file does not say it
POLICY, POLICIES = "budget_policy", "budget_policies"
REVIEW = relativedelta(months=3)
BREAKS = re.compile("[\x85\u2028\u2029]")  # to YAML they end a line, and come back as a space unless they are escaped
FOLDED = re.compile(r"[\n\x20-\x7e\xa0-\u2027\u2030-\ud7ff]+")  # what YAML writes line by line as it stands


def fields() -> dict[str, models.Field]:
    """Of an entry, by its keys, in the order in which they are written."""
    edited = [one for one in SLODefinition._meta.fields if one.editable and one.name not in NOT_IN_FILE]
    found = {KEYS.get(one.name, one.name): one for one in edited}
    order = [*ALWAYS, *(key for key in found if key not in (*ALWAYS, *LAST)), *LAST]
    return {key: found[key] for key in order}


def shared_fields() -> set[str]:
    """What a budget policy may say for several objectives: of the budget and of alerts."""
    names = {field.name for field in AlertRules._meta.get_fields()}
    return names | {"error_budget_percentage", "window", "window_days", "notification_channels"}


def defaults() -> list[dict[str, Any]]:
    """The objectives of the file, as fields of SLODefinition."""
    file = yaml.safe_load(RULES.read_text())
    policies = {policy["name"]: policy for policy in file.get(POLICIES, ())}
    return [values(one) for one in with_policies(file["slos"], policies)]


def with_policies(
    entries: Iterable[Mapping[str, Any]], policies: Mapping[str, Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Entries that say themselves what their budget policy says for them."""
    for entry in entries:
        policy = policies[entry[POLICY]] if POLICY in entry else {}
        merged = {**policy, **entry}
        yield {key: value for key, value in merged.items() if key != POLICY}


def values(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry says, by the names of the model."""
    return {field.name: _value(field, entry[key]) for key, field in fields().items() if key in entry}


def _value(field: models.Field, given: Any) -> Any:
    exact = isinstance(field, models.DecimalField) and isinstance(given, int | float)
    return Decimal(str(given)) if exact else given


def entry(slo: SLODefinition) -> dict[str, Any]:
    """All that the file can say of an objective."""
    return {key: plain(getattr(slo, field.name)) for key, field in fields().items()}


def short(full: Mapping[str, Any]) -> dict[str, Any]:
    """An entry without what goes without saying."""
    known = fields()
    needed = {*ALWAYS, *OF_THIS_PLACE}
    return {key: value for key, value in full.items() if key in needed or plain(known[key].get_default()) != value}


def plain(value: Any) -> Any:
    """As YAML writes it: 95 and not 95.000."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return list(value) if isinstance(value, list | tuple) else value


def as_yaml(slo: SLODefinition) -> str:
    """An objective as an entry of the file."""
    return dump([short(entry(slo))])


class _Dumper(yaml.SafeDumper):
    """Texts of several lines stand there line by line, and nothing is an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    lines = "\n" in value.strip("\n") and FOLDED.fullmatch(value)
    style = '"' if BREAKS.search(value) else "|" if lines else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def dump(value: Any) -> str:
    """The same YAML for the same value."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


@transaction.atomic
def ensure_defaults(organization: Organization, *, today: date) -> int:
    """Create the default objectives that are missing; returns how many. A renamed or edited one is left alone."""
    Organization.objects.select_for_update().get(pk=organization.pk)  # two at once would create them twice
    existing = organization.slos.values_list("pk", flat=True)
    known = set(SLODefinition.history.filter(id__in=existing).values_list("name", flat=True))
    missing = [given for given in defaults() if given["name"] not in known]
    for given in missing:
        SLODefinition.objects.create(organization=organization, **{"next_review_at": today + REVIEW, **given})
    return len(missing)


def never_had_any(organization: Organization) -> bool:
    """A new organisation; one that deleted its objectives does not get them back by a restart."""
    return not SLODefinition.history.filter(organization=organization).exists()


def measured(slo: SLODefinition) -> bool:
    """What was measured is never thrown away: it can only be paused or archived."""
    return slo.measurements.exists() or SLIBucket.objects.filter(slo=slo).exists()


def copied(slo: SLODefinition) -> dict[str, Any]:
    """The fields of a form for another one like it; a promise of its own, under a name of its own."""
    return form_fields(slo) | {"name": f"Copy of {slo.name}"[:200]}


def form_fields(slo: SLODefinition) -> dict[str, Any]:
    """What the form shows of it."""
    own = {"id", "created_by", "created_at", "updated_at", "archived_at", "next_review_at"}
    fields = {field.name: field.value_from_object(slo) for field in SLODefinition._meta.fields if field.name not in own}
    main, *further = slo.measurement_periods
    return fields | {"measurement_period": main, "further_periods": further}
