"""What the sections of the file have in common: entries by name, and rows of the database that are the same."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest

from accounts.models import Organization
from slo_portal.config.shapes import Shape

Entry = dict[str, Any]
Wrong = Mapping[str, str]  # by key, what is wrong with it and the way out


@dataclass(frozen=True)
class Secret:
    """A value that is compared, and never shown."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return "(secret)"


@dataclass
class Place:
    """Where the file is applied. `entries` are those of its sections; a section that it leaves out is not there."""

    organization: Organization
    today: date
    source: str  # the name of the file
    entries: Mapping[str, Sequence[Entry]] = field(default_factory=dict)
    request: HttpRequest | None = None  # where a person applies it

    def named(self, section: str) -> set[str]:
        return {entry["name"] for entry in self.entries.get(section, ())}


class Section:
    """One list of the file. `rows` and `entry` read the database, `complete` and `write` bring an entry there."""

    name: str
    shape: Shape
    word: str

    def check(self, entry: Entry) -> Wrong:
        """What makes no sense in an entry whose every value has the right type; needs no database."""
        return {}

    def rows(self, organization: Organization) -> dict[str, Any]:
        raise NotImplementedError

    def archived(self, organization: Organization) -> set[str]:
        """Names of rows that are only kept to be looked at; they are not among `rows`."""
        return set()

    def entry(self, row: Any) -> Entry:
        """All that the file can say of a row."""
        raise NotImplementedError

    def complete(self, given: Entry, row: Any, place: Place) -> Entry:
        """An entry with what goes without saying. Raises ValidationError by key."""
        raise NotImplementedError

    def write(self, wanted: Entry, row: Any, place: Place) -> Model:
        """Make the row so, or a new one. Raises ValidationError."""
        raise NotImplementedError

    def short(self, full: Entry) -> Entry:
        """An entry without what goes without saying."""
        known, shape = self.shape.defaults, self.shape
        return {
            key: value
            for key, value in full.items()
            if key in shape.required or key not in known or known[key] != value
        }

    def prune(self, row: Any) -> str:
        """What is done to a row that the file does not name: "deleted", "switched off", or nothing."""
        return ""

    def remove(self, row: Any) -> None:
        """Do what `prune` says."""
        if self.prune(row) == "deleted":
            row.delete()
        elif self.prune(row):
            row.is_active = False
            row.save()


def complaints(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Of each field that a model refuses."""
    for name, texts in error.message_dict.items():
        yield name, " ".join(texts)


def names(rows: Any) -> list[str]:
    return sorted(str(row) for row in rows)
