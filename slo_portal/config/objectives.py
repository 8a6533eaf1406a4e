"""The sections `budget_policies` and `slos`."""

from typing import Any

from django.core.exceptions import ValidationError

from accounts.models import Organization
from slo_portal.config.entries import Entry, Place, Section, Wrong, complaints
from slo_portal.config.shapes import Shape, of_field
from slos import catalogue
from slos.models import SLODefinition

FIELDS = catalogue.fields()
TYPES = {key: of_field(field) for key, field in FIELDS.items()}
DEFAULTS = {
    key: catalogue.plain(field.get_default())
    for key, field in FIELDS.items()
    if key not in catalogue.OF_THIS_PLACE and (field.has_default() or field.blank)
}
SHARED = catalogue.shared_fields()
POLICIES = Shape("BudgetPolicy", {"name": str, **{key: TYPES[key] for key in FIELDS if key in SHARED}})
IN_MODEL = {field.name: key for key, field in FIELDS.items()}
NOT_CHECKED = {"organization", "created_by"}


class Objectives(Section):
    name = "slos"
    word = "objective"
    shape = Shape(
        "Objective",
        {**TYPES, catalogue.POLICY: str},
        frozenset(key for key in FIELDS if key not in DEFAULTS and key not in catalogue.OF_THIS_PLACE),
        DEFAULTS,
    )

    def check(self, entry: Entry) -> Wrong:
        try:
            _checked(SLODefinition(), entry)
        except ValidationError as error:
            return dict(complaints(error))
        return {}

    def rows(self, organization: Organization) -> dict[str, Any]:
        return {slo.name: slo for slo in organization.slos.current().select_related("organization")}

    def archived(self, organization: Organization) -> set[str]:
        return set(organization.slos.archived().values_list("name", flat=True))

    def entry(self, row: SLODefinition) -> Entry:
        return catalogue.entry(row)

    def short(self, full: Entry) -> Entry:
        return catalogue.short(full)

    def complete(self, given: Entry, row: SLODefinition | None, place: Place) -> Entry:
        if row and given["sli_type"] != row.sli_type:
            text = f"It counts {row.sli_type} here. Another SLI is another objective: give it another name."
            raise ValidationError({"sli_type": text})
        made = given.get("calendar") in place.named("calendars")  # by the file itself, before its objectives
        slo = SLODefinition() if made else SLODefinition(organization=place.organization)
        wanted = catalogue.entry(_checked(slo, given))
        for key in catalogue.OF_THIS_PLACE - given.keys():
            wanted[key] = catalogue.entry(row)[key] if row else place.today + catalogue.REVIEW
        return wanted

    def write(self, wanted: Entry, row: SLODefinition | None, place: Place) -> SLODefinition:
        slo = row or SLODefinition(organization=place.organization)
        for name, value in catalogue.values(wanted).items():
            setattr(slo, name, value)
        slo.full_clean(exclude=NOT_CHECKED - {"organization"})
        slo._change_reason = f"Applied from {place.source}"[:100]  # type: ignore[attr-defined]
        slo.save()
        return slo

    def prune(self, row: SLODefinition) -> str:
        if not catalogue.measured(row):
            return "deleted"
        return "switched off" if row.is_active else ""


def _checked(slo: SLODefinition, entry: Entry) -> SLODefinition:
    """With what the file says; raises ValidationError by key. Needs no database."""
    for name, value in catalogue.values(entry).items():
        setattr(slo, name, value)
    try:
        slo.full_clean(exclude=NOT_CHECKED, validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        raise ValidationError({IN_MODEL.get(name, name): text for name, text in complaints(error)}) from None
    return slo
