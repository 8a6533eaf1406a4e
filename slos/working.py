"""Calendars put in force: objectives keep the working hours of theirs beside their limit, where a tick reads them."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet

from kpis.workhours import Minutes, Version, hours_words
from slos.models import Clock, SLODefinition, WorkingCalendar

WEEKS_AHEAD = 4


class Days(NamedTuple):
    """Neighbouring days of one week with the same hours, in words."""

    days: str
    hours: str


@transaction.atomic
def save(calendar: WorkingCalendar, *, reason: str = "", **fields: str) -> None:
    """Also under another name, which its objectives take over. The next tick counts them anew, as far as rows reach."""
    before = WorkingCalendar.objects.filter(pk=calendar.pk).values_list("name", flat=True).first()
    for name, value in fields.items():
        setattr(calendar, name, value)
    _because(calendar, reason)
    calendar.save()
    if before and before != calendar.name:
        for slo in SLODefinition.objects.filter(organization=calendar.organization_id, calendar=before):
            slo.calendar = calendar.name
            _because(slo, reason)
            slo.save()  # one by one: each change is kept in the history
    objectives(calendar).update(working_hours=calendar.text)


def _because(row: WorkingCalendar | SLODefinition, reason: str) -> None:
    row._change_reason = reason[:100] or None  # type: ignore[union-attr]


def objectives(calendar: WorkingCalendar) -> QuerySet[SLODefinition]:
    """Those whose clock keeps it."""
    ours = SLODefinition.objects.filter(organization=calendar.organization_id, clock=Clock.WORKING)
    return ours.filter(calendar=calendar.name).order_by("name")


def coming_weeks(calendar: WorkingCalendar, *, now: datetime) -> Iterator[list[Days]]:
    """This week and the next three, Monday to Sunday, by the dates of the calendar."""
    versions = calendar.hours.versions
    today = now.astimezone(versions[0].zone).date()
    monday = today - timedelta(days=today.weekday())
    for week in range(WEEKS_AHEAD):
        days = [monday + timedelta(days=7 * week + k) for k in range(7)]
        alike = groupby(days, lambda day: _hours(versions, day))
        yield [Days(_span(list(some)), hours_words(hours)) for hours, some in alike]


def _hours(versions: Sequence[Version], day: date) -> Minutes:
    return [one for one in versions if one.since is None or one.since <= day][-1].hours(day)


def _span(days: Sequence[date]) -> str:
    return " to ".join(f"{day:%a %-d %b}" for day in dict.fromkeys((days[0], days[-1])))
