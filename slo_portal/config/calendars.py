"""The section `calendars`: the working hours that working clocks keep."""

from typing import Any

from accounts.models import Organization
from kpis.workhours import Unreadable, parse, tidy
from slo_portal.config.entries import Entry, Place, Section, Wrong
from slo_portal.config.shapes import Shape, of_field
from slos import working
from slos.models import WorkingCalendar

HOURS = "working_hours"
FIELDS = {field.name: field for field in WorkingCalendar._meta.fields}
IN_MODEL = {"name": "name", HOURS: "text"}


class Calendars(Section):
    name = "calendars"
    word = "calendar"
    shape = Shape(
        "Calendar",
        {key: of_field(FIELDS[name]) for key, name in IN_MODEL.items()},
        frozenset(IN_MODEL),
    )

    def check(self, entry: Entry) -> Wrong:
        try:
            parse(entry[HOURS])
        except Unreadable as error:
            return {HOURS: str(error)}
        return {}

    def rows(self, organization: Organization) -> dict[str, Any]:
        return {row.name: row for row in organization.calendars.all()}

    def entry(self, row: WorkingCalendar) -> Entry:
        return {"name": row.name, HOURS: tidy(row.text)}

    def complete(self, given: Entry, row: WorkingCalendar | None, place: Place) -> Entry:
        return {"name": given["name"], HOURS: tidy(given[HOURS])}

    def write(self, wanted: Entry, row: WorkingCalendar | None, place: Place) -> WorkingCalendar:
        calendar = row or WorkingCalendar(organization=place.organization)
        calendar.name, calendar.text = wanted["name"], wanted[HOURS]
        calendar.full_clean()
        working.save(calendar, reason=f"Applied from {place.source}")
        return calendar

    def prune(self, row: WorkingCalendar) -> str:
        """Not while a clock keeps it."""
        return "" if working.objectives(row).exists() else "deleted"
