"""The section `schedules`: when the measurements and reports of an organisation are made, as rows of beat."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from django.core.exceptions import ValidationError
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from msgspec import Meta

from accounts.models import Organization
from slo_portal import schedule
from slo_portal.config.entries import Entry, Place, Section, Wrong
from slo_portal.config.shapes import Shape

CRONTAB = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
UNITS = [unit for unit, _ in IntervalSchedule.PERIOD_CHOICES if unit != IntervalSchedule.MICROSECONDS]
IN_UTC = "UTC"
ANY_MOMENT = datetime(2028, 1, 1, tzinfo=UTC)  # what never comes never comes from there, either


class Schedules(Section):
    name = "schedules"
    word = "schedule"
    shape = Shape(
        "Schedule",
        {
            "name": Annotated[Literal[tuple(schedule.OF_AN_ORGANIZATION)], Meta(description="What is made.")],
            "enabled": Annotated[bool, Meta(description="Off: not made until it is switched on again.")],
            "crontab": Annotated[
                str,
                Meta(description="Minute, hour, day of month, month, day of week, as in crontab.", max_length=240),
            ],
            "time_zone": Annotated[str, Meta(description="Of the crontab.", max_length=63)],
            "every": Annotated[
                str, Meta(pattern=rf"^[1-9][0-9]{{0,5}} ({'|'.join(UNITS)})$", description="Instead: as 15 minutes.")
            ],
        },
        frozenset({"name"}),
        {"enabled": True, "time_zone": IN_UTC},
    )

    def check(self, entry: Entry) -> Wrong:
        if ("crontab" in entry) == ("every" in entry):
            return {"crontab": "Say `crontab` or `every`, one of the two."}
        if "every" in entry and entry.get("time_zone", IN_UTC) != IN_UTC:
            return {"time_zone": "An interval has no time zone: leave it out."}
        try:
            if not schedule.comes(_schedule(entry), now=ANY_MOMENT):
                return {"crontab": "There is no such moment. Check the numbers."}
        except ValidationError as error:
            return {"crontab": " ".join(error.messages)}
        return {}

    def rows(self, organization: Organization) -> dict[str, Any]:
        known = {schedule.name_of(kind, organization): kind for kind in schedule.OF_AN_ORGANIZATION}
        found = PeriodicTask.objects.filter(name__in=known).select_related("interval", "crontab")
        return {known[row.name]: row for row in found}

    def entry(self, row: PeriodicTask) -> Entry:
        plain = {"name": row.name.partition(":")[0], "enabled": row.enabled, "time_zone": IN_UTC}
        if row.interval:
            return {**plain, "every": f"{row.interval.every} {row.interval.period}"}
        if row.crontab:
            text = " ".join(getattr(row.crontab, part).replace(" ", "") for part in CRONTAB)
            return {**plain, "crontab": text, "time_zone": str(row.crontab.timezone)}
        return plain

    def complete(self, given: Entry, row: Any, place: Place) -> Entry:
        wanted = {**self.shape.defaults, **given}
        if "crontab" in wanted:
            wanted["crontab"] = " ".join(wanted["crontab"].split())
        return wanted

    def write(self, wanted: Entry, row: Any, place: Place) -> PeriodicTask:
        if row is None:
            schedule.ensure_for(place.organization)
            row = self.rows(place.organization)[wanted["name"]]
        found = _schedule(wanted)
        known = {field.name: getattr(found, field.name) for field in found._meta.fields if field.name != "id"}
        kept = type(found).objects.filter(**known).first() or type(found).objects.create(**known)
        row.interval = kept if "every" in wanted else None
        row.crontab = kept if "crontab" in wanted else None
        row.enabled = wanted["enabled"]
        row.full_clean()
        row.save()
        return row


def _schedule(entry: Entry) -> Any:
    """Not saved. Raises ValidationError."""
    if "every" in entry:
        number, unit = entry["every"].split()
        return IntervalSchedule(every=int(number), period=unit)
    parts = entry["crontab"].split()
    if len(parts) != len(CRONTAB):
        raise ValidationError(f"A crontab has {len(CRONTAB)} parts: minute, hour, day of month, month, day of week.")
    found = CrontabSchedule(**dict(zip(CRONTAB, parts, strict=True)), timezone=entry.get("time_zone", IN_UTC))
    found.full_clean(validate_unique=False)
    return found
