"""What is promised: objectives and the words that define them."""

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from accounts.models import Organization, User
from kpis import calendars
from kpis.calendars import Calendar
from slos import parts, sensible
from slos.models.alerting import AlertRules, numbers
from slos.models.calendar import WorkingCalendar


class SLIType(models.TextChoices):
    TIME_TO_READY = "time_to_ready", "Time to ready"
    VALIDATION_PASS_RATE = "validation_pass_rate", "Validation pass rate"
    PROCESSING_SUCCESS_RATE = "processing_success_rate", "Processing success rate"
    EXTRACTION_ACCURACY = "extraction_accuracy", "Extraction accuracy"
    APPROVAL_LATENCY = "approval_latency", "Approval latency"
    EXCEPTION_RESOLUTION_TIME = "exception_resolution_time", "Exception resolution time"
    DUPLICATE_RECALL = "duplicate_recall", "Duplicate detection recall"
    GOOD_TOTAL = "good_total", "Good and total, fed by a program"


class Period(models.TextChoices):
    HOURLY = "hourly", "Hourly"
    DAILY = "daily", "Daily"
    WEEKLY = "weekly", "Weekly"


class Unit(models.TextChoices):
    SECONDS = "seconds", "Seconds"
    MINUTES = "minutes", "Minutes"
    HOURS = "hours", "Hours"
    DAYS = "days", "Days"
    PERCENT = "percent", "Percent"
    CONFIDENCE = "confidence", "Confidence (0 to 1)"


class Window(models.TextChoices):
    ROLLING = "rolling", "Rolling: the last days"
    WEEK = "week", "Calendar week to date"
    MONTH = "month", "Calendar month to date"
    QUARTER = "quarter", "Calendar quarter to date"


class Clock(models.TextChoices):
    ELAPSED = "elapsed", "Elapsed: day and night"
    WORKING = "working", "Working: only in working hours"


TIMED = {SLIType.TIME_TO_READY, SLIType.APPROVAL_LATENCY, SLIType.EXCEPTION_RESOLUTION_TIME}
KEPT_BY_THE_TICK = {"excluded_invoices"}
SECONDS_PER = {Unit.SECONDS: 1, Unit.MINUTES: 60, Unit.HOURS: 3600, Unit.DAYS: 86400}


class SLODefinitionQuerySet(models.QuerySet["SLODefinition"]):
    def active(self) -> "SLODefinitionQuerySet":
        return self.filter(is_active=True)

    def current(self) -> "SLODefinitionQuerySet":
        """Counted or paused; archived ones are shown only to who asks for them."""
        return self.filter(archived_at=None)

    def archived(self) -> "SLODefinitionQuerySet":
        return self.exclude(archived_at=None)

    def measured(self, period: str) -> "SLODefinitionQuerySet":
        return self.filter(measurement_periods__contains=[period])


class SLODefinition(AlertRules):
    """A promise: so many percent of the events of one SLI are good, over a compliance window."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="slos")
    name = models.CharField(max_length=200, help_text="What people call it, unique in the organisation.")
    description = models.TextField(blank=True, help_text="What is promised to whom, in one or two sentences.")
    sli_type = models.CharField("SLI", max_length=40, choices=SLIType, help_text="What is counted as good and bad.")
    only = models.JSONField(
        "part of the work",
        default=dict,
        db_default={},
        blank=True,
        help_text="Counts only what has these: vendor, channel, document_type, label:NAME. Empty: all of the work.",
    )
    target_percentage = models.DecimalField(
        max_digits=6,
        decimal_places=3,
        validators=[MinValueValidator(50), MaxValueValidator(Decimal("99.999"))],
        help_text="At least this share of the events must be good: 50 to 99.999. 100 % leaves no error budget.",
    )
    target_value = models.DecimalField(
        max_digits=12,
        decimal_places=4,
        validators=[MinValueValidator(0)],
        help_text="The limit that an event of a timed SLI must keep, up to 90 days. Otherwise it repeats the target.",
    )
    target_unit = models.CharField(
        max_length=10, choices=Unit, help_text="Of the limit; percent for a rate, confidence for extraction."
    )
    clock = models.CharField(
        max_length=7,
        choices=Clock,
        default=Clock.ELAPSED,
        db_default=Clock.ELAPSED,
        help_text="How the limit of a timed SLI is read. On a working clock a day is a usual working day.",
    )
    calendar = models.CharField(
        max_length=100,
        blank=True,
        default="",
        db_default="",
        help_text="Name of the calendar whose working hours the working clock keeps.",
    )
    working_hours = models.TextField(db_default="", default="", editable=False)  # of that calendar, as it stands
    error_budget_percentage = models.DecimalField(
        max_digits=6,
        decimal_places=3,
        null=True,
        blank=True,
        help_text="Share of events that may be bad, at most what the target leaves. Empty: follows the target.",
    )
    window = models.CharField(
        "compliance window",
        max_length=7,
        choices=Window,
        default=Window.ROLLING,
        help_text="Over what time the budget is spent.",
    )
    window_days = models.PositiveSmallIntegerField(
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(90)],
        help_text="Length of a rolling window in days, 1 to 90. Calendar windows ignore it.",
    )
    measurement_periods = ArrayField(
        models.CharField(max_length=6, choices=Period),
        help_text="How often it is measured; the first is the one that reports and the API show.",
    )
    notification_channels = ArrayField(
        models.CharField(max_length=100),
        default=list,
        blank=True,
        help_text="Names of channels told besides the operations team.",
    )
    slos_owner = models.CharField(
        "owner",
        max_length=200,
        blank=True,
        help_text="Who answers for it. A member, an e-mail address or the name of a channel is told of its alerts.",
    )
    runbook = models.TextField(
        blank=True,
        validators=[MaxLengthValidator(10_000)],
        help_text="What to do when it is missed, in Markdown. Items such as “- [ ] Call the vendor” are the checklist "
        "of an incident.",
    )
    next_review_at = models.DateField("next review", null=True, blank=True, help_text="Targets are reviewed quarterly.")
    excluded_invoices = ArrayField(  # as of the last tick; slos.aside keeps it
        models.CharField(max_length=200), default=list, db_default=[], editable=False
    )
    is_active = models.BooleanField("active", default=True, help_text="Off: it is not counted, shown as paused.")
    archived_at = models.DateTimeField("archived", null=True, blank=True, editable=False)  # its name stays taken
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SLODefinitionQuerySet.as_manager()
    history = HistoricalRecords(excluded_fields=["created_at", "updated_at", "excluded_invoices", "working_hours"])

    class Meta:
        verbose_name = "SLO definition"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="slo_name_once"),
            models.CheckConstraint(condition=Q(archived_at=None) | Q(is_active=False), name="slo_archived_is_off"),
            models.CheckConstraint(
                condition=Q(target_percentage__gt=0, target_percentage__lt=100), name="slo_target_leaves_a_budget"
            ),
            models.CheckConstraint(
                condition=Q(error_budget_percentage=None)
                | Q(error_budget_percentage__gt=0, error_budget_percentage__lte=100),
                name="slo_budget_is_a_share",
            ),
            models.CheckConstraint(
                condition=Q(sli_type__in=sorted(TIMED), target_unit__in=sorted(SECONDS_PER), target_value__gt=0)
                | (~Q(sli_type__in=sorted(TIMED)) & ~Q(target_unit__in=sorted(SECONDS_PER))),
                name="slo_unit_fits_its_sli",
            ),
            models.CheckConstraint(condition=~Q(measurement_periods=[]), name="slo_is_measured"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, **how: Any) -> None:
        """Without what the tick keeps: it may have changed since somebody read this."""
        if how.get("update_fields") is None:
            self.working_hours = self._hours_now() or ""
        if not (self._state.adding or how.get("force_insert")) and how.get("update_fields") is None:
            how["update_fields"] = {one.name for one in self._meta.fields if not one.primary_key} - KEPT_BY_THE_TICK
        super().save(**how)

    def clean(self) -> None:
        """Refuse what could never be kept or never fire. The target value of a rate follows its target."""
        wrong = self._wrong_value() | self._wrong_budget()
        periods = self.measurement_periods or []
        if len(set(periods)) < len(periods):
            wrong["measurement_periods"] = "Name each period once."
        if said := parts.wrong(self.only, fed=self.is_fed):
            wrong["only"] = said
        if not wrong.get("clock"):
            wrong |= self._wrong_clock()
        if wrong:
            raise ValidationError(wrong)

    def _hours_now(self) -> str | None:
        """What its calendar says; None where there is none of that name."""
        if self.clock != Clock.WORKING:
            return ""
        named = WorkingCalendar.objects.filter(organization=self.organization_id, name=self.calendar).first()
        return named.text if named else None

    def _wrong_clock(self) -> dict[str, str]:
        if self.clock != Clock.WORKING:
            return {}
        if not self.is_timed:
            return {"clock": "Only a timed SLI can be read on a working clock. Choose elapsed."}
        if not self.calendar:
            return {"calendar": "Name the calendar whose working hours count."}
        found = self._hours_now() if self.organization_id else ""  # a file is checked before it has a place
        if found is None:
            return {"calendar": f"There is no calendar “{self.calendar}”. Make it first, or choose another."}
        self.working_hours = found
        return {}

    def _wrong_budget(self) -> dict[str, str]:
        target, given = self.target_percentage, self.error_budget_percentage
        known = numbers(target) and (given is None or numbers(given))
        wrong = sensible.budget(target, given) if known else {}
        budget = self.budget_percentage if known and not wrong and 0 < target < 100 else None
        days = self.window_days if self.window == Window.ROLLING and numbers(self.window_days) else 7
        return wrong | self.wrong_alerting(budget=budget, target=target, window_hours=24 * days)

    def _wrong_value(self) -> dict[str, str]:
        fitting = self.fitting_units
        if self.sli_type not in SLIType.values or self.target_unit not in Unit.values:
            return {}  # refused by itself
        if self.target_unit not in fitting:
            units = ", ".join(fitting)
            return {"target_unit": f"{SLIType(self.sli_type).label} is measured in {units}: choose that."}
        if not self.is_timed:
            if numbers(self.target_percentage):
                self.target_value = self.target_percentage / (100 if Unit.CONFIDENCE in fitting else 1)
            return {}
        if self.target_value is None:
            return {"target_value": "Enter the limit that an event must keep."}
        seconds = SECONDS_PER[Unit(self.target_unit)]
        return sensible.limit(self.target_value * seconds) if numbers(self.target_value) else {}

    @property
    def fitting_units(self) -> list[Unit]:
        if self.is_timed:
            return list(SECONDS_PER)
        return [Unit.CONFIDENCE if self.sli_type == SLIType.EXTRACTION_ACCURACY else Unit.PERCENT]

    @property
    def measurement_period(self) -> str:
        return self.measurement_periods[0]

    @property
    def budget_percentage(self) -> Decimal:
        """Percent of events that may be bad."""
        given = self.error_budget_percentage
        return 100 - self.target_percentage if given is None else given

    @property
    def budget(self) -> Decimal:
        """The error budget as a fraction of the events."""
        return self.budget_percentage / 100

    @property
    def is_timed(self) -> bool:
        return self.sli_type in TIMED

    @property
    def is_fed(self) -> bool:
        """A program sends its good and total: no rows lie behind its figures."""
        return self.sli_type == SLIType.GOOD_TOTAL

    @property
    def hours(self) -> Calendar | None:
        """The working hours in which its limit is read; None where all time counts."""
        working = self.clock == Clock.WORKING and self.is_timed and self.working_hours
        return calendars.read(self.working_hours) if working else None

    @property
    def limit_seconds(self) -> float | None:
        """The limit of a timed SLI in seconds, of working time on a working clock; None for the others."""
        if not self.is_timed:
            return None
        hours, unit = self.hours, Unit(self.target_unit)
        day = hours.day.total_seconds() if hours and unit == Unit.DAYS else SECONDS_PER[unit]
        return float(self.target_value * Decimal(day))

    @property
    def limit_unit(self) -> str:
        """As people read it: "working hours"."""
        return f"working {self.target_unit}" if self.hours else self.target_unit

    @property
    def longest_wait(self) -> timedelta | None:
        """No event is undecided for longer; None for an SLI without a limit."""
        if self.limit_seconds is None:
            return None
        limit = timedelta(seconds=self.limit_seconds)
        return self.hours.longest(limit) if self.hours else limit
