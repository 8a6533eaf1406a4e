"""When people work: calendars that working clocks keep."""

import uuid

from django.core.exceptions import ValidationError
from django.db import models
from simple_history.models import HistoricalRecords

from accounts.models import Organization
from kpis.calendars import Calendar, read
from kpis.workhours import LONGEST, Unreadable, parse, tidy


class WorkingCalendar(models.Model):
    """Working hours, written as kpis.workhours reads them. Objectives refer to it by its name."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="calendars")
    name = models.CharField(max_length=100, help_text="What objectives call it, unique in the organisation.")
    text = models.TextField(
        "working hours",
        max_length=LONGEST,
        help_text="One thing a line: zone Europe/Berlin; Mon-Fri 08:30-12:00, 13:00-17:30; cut-off 16:00 (what starts "
        "later counts as tomorrow); 2026-12-24 08:30-12:00; 2026-12-27..2026-12-31 closed; from 2027-01-01, and below "
        "it what changes then.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    history = HistoricalRecords(excluded_fields=["created_at", "updated_at"])

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="calendar_name_once")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse what cannot be read, and weeks without hours. The text loses what a browser adds to it."""
        self.text = tidy(self.text or "")
        try:
            parse(self.text)
        except Unreadable as error:
            raise ValidationError({"text": str(error)}) from None

    @property
    def hours(self) -> Calendar:
        return read(self.text)
