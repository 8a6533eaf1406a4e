"""The file and the database: compared, brought together, written out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import audit
from accounts.audit import Action
from accounts.models import Organization
from slo_portal.config.entries import Entry, Place, Secret, Section
from slo_portal.config.notifying import SECRETS, variables
from slo_portal.config.reading import SECTIONS, Configuration, Problem
from slos.catalogue import dump

NEW, CHANGED, SAME, ONLY_HERE = "new", "changed", "same", "only in the database"
ARCHIVED = "archived"  # in the database; a file brings nothing back that a person has put away


class Refused(Exception):
    """The file cannot be applied, for these reasons; nothing has been."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class Field(NamedTuple):
    """One value that differs."""

    name: str
    old: Any
    new: Any


@dataclass(frozen=True)
class Difference:
    """One entry: how it stands in the database, and what the file would change."""

    section: Section
    name: str
    state: str
    fields: tuple[Field, ...] = ()
    wanted: Entry = field(default_factory=dict)
    row: Any = None

    def pruned(self) -> str:
        """What `prune` would do, or ""."""
        return self.section.prune(self.row) if self.state == ONLY_HERE else ""


def compare(found: Configuration, place: Place) -> list[Difference]:
    """Every entry of the file and of the database. Raises Refused."""
    problems = list(found.problems)
    if problems:
        raise Refused(problems)
    place.entries = found.sections
    differences = list(_differences(found, place))
    if found.problems:
        raise Refused(sorted(found.problems))
    return differences


def _differences(found: Configuration, place: Place) -> Iterator[Difference]:
    for section in SECTIONS:
        if section.name not in found.sections:
            continue
        rows, archived = section.rows(place.organization), section.archived(place.organization)
        for entry in found.sections[section.name]:
            if entry["name"] in archived:
                yield Difference(section, entry["name"], ARCHIVED)
                continue
            row = rows.pop(entry["name"], None)
            try:
                yield _difference(section, entry, row, place)
            except ValidationError as error:
                wrong = {key: " ".join(texts) for key, texts in error.message_dict.items()}
                found.wrong_entry(section.name, entry["name"], wrong)
        for name, row in sorted(rows.items()):
            yield Difference(section, name, ONLY_HERE, row=row)


def _difference(section: Section, entry: Entry, row: Any, place: Place) -> Difference:
    wanted = section.complete(entry, row, place)
    known = section.entry(row) if row else {}
    fields = tuple(
        Field(key, known.get(key), value) for key, value in wanted.items() if key not in known or known[key] != value
    )
    state = NEW if row is None else CHANGED if fields else SAME
    return Difference(section, entry["name"], state, fields, wanted, row)


@transaction.atomic
def apply(found: Configuration, place: Place, *, now: datetime, prune: bool = False) -> list[Difference]:
    """Make the database say what the file says, all of it or nothing; returns what was different. Raises Refused."""
    Organization.objects.select_for_update().get(pk=place.organization.pk)  # two at once would create things twice
    differences = compare(found, place)
    for one in differences:
        try:
            _apply(one, place, now=now, prune=prune)
        except ValidationError as error:
            found.wrong_entry(one.section.name, one.name, {"name": " ".join(error.messages)})
            raise Refused(found.problems) from None
    return differences


def _apply(one: Difference, place: Place, *, now: datetime, prune: bool) -> None:
    if one.state in (NEW, CHANGED):
        row = one.section.write(one.wanted, one.row, place)
        changes = {field.name: [shown(field.old), shown(field.new)] for field in one.fields}
        action = Action.ADDED if one.state == NEW else Action.CHANGED
    elif prune and one.pruned():
        row, changes, action = one.row, {}, Action.DELETED if one.pruned() == "deleted" else Action.CHANGED
    else:
        return
    note = f"Applied from {place.source}"
    organization, request = place.organization, place.request
    audit.record(action, now=now, request=request, organization=organization, on=row, changes=changes, note=note)
    if one.state == ONLY_HERE:
        one.section.remove(one.row)


def shown(value: Any) -> Any:
    return str(value) if isinstance(value, Secret) else value


def export(organization: Organization) -> str:
    """The file that says what the database says. The same text for the same rows; secrets are named, not told."""
    sections = {section.name: _exported(section, organization) for section in SECTIONS}
    return HEADER + dump({"version": 1, **sections})


HEADER = """\
# Made by `manage.py export_config`. Check it with `validate_config`, apply it with `apply_config`.
# What is left out is as usual: docs/reference/slo-rules.md. ${NAME} is a variable of the environment.
"""


def _exported(section: Section, organization: Organization) -> list[Entry]:
    rows = section.rows(organization)
    entries = [section.short(section.entry(rows[name])) for name in sorted(rows)]
    named = variables(organization.slug, entries) if section.name == "channels" else {}
    return [_named(entry, named) for entry in entries]


def _named(entry: Entry, variables: Mapping[tuple[str, str], str]) -> Entry:
    told = {key: f"${{{variables[entry['name'], key]}}}" for key in SECRETS if (entry["name"], key) in variables}
    return {**entry, **told}
