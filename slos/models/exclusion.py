"""What is left out of the figures, why, and on whose word."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Organization, User
from slos.models.definition import SLODefinition

PERIOD = Q(invoice_id="", start__isnull=False, end__gt=F("start"))
INVOICE = Q(start=None, end=None, rrule="") & ~Q(invoice_id="")


class Exclusion(models.Model):
    """A period, once or recurring, or a single invoice that some objectives do not count. Never deleted: withdrawn.

    What it takes out never changes, so that who reads the record sees what held; withdraw it and make another.
    """

    class Category(models.TextChoices):
        MAINTENANCE = "maintenance", "Planned maintenance"
        SUPPLIER = "supplier", "Outage of a supplier"
        HOLIDAY = "holiday", "Holiday or closing days"
        WRONG_DATA = "wrong_data", "Wrong data"
        OTHER = "other", "Other"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="exclusions")
    category = models.CharField(max_length=11, choices=Category, help_text="What kind of thing it was or will be.")
    reason = models.CharField(max_length=300, help_text="Why it must not count; shown wherever it is left out.")
    slos = models.ManyToManyField(
        SLODefinition,
        blank=True,
        verbose_name="objectives",
        related_name="exclusions",
        help_text="Only these objectives; empty: all of them, those to come included.",
    )
    start = models.DateTimeField(
        null=True, blank=True, help_text="When the period begins, rounded down to 5 minutes; when the first one begins."
    )
    end = models.DateTimeField(
        null=True, blank=True, help_text="When the period ends, rounded up to 5 minutes; when the first one ends."
    )
    rrule = models.CharField(
        "recurrence",
        max_length=300,
        default="",
        blank=True,
        help_text="An RRULE such as FREQ=WEEKLY;BYDAY=SU;UNTIL=20271231T000000Z. Empty: once.",
    )
    invoice_id = models.CharField(
        "invoice",
        max_length=200,
        default="",
        blank=True,
        help_text="Instead of a period: the number of one invoice, left out with its exceptions.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)
    withdrawn_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    settled = models.BooleanField(default=False, db_default=False, editable=False)  # the figures show it as it is

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.CheckConstraint(condition=PERIOD | INVOICE, name="exclusion_is_period_or_invoice")]
        indexes = [models.Index("organization", "settled", name="exclusion_settled")]

    def __str__(self) -> str:
        return f"{self.get_category_display()}: {self.reason}"


class ExcludedPeriod(models.Model):
    """One occurrence of an exclusion, on the borders of 5-minute buckets."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, db_index=False)
    exclusion = models.ForeignKey(Exclusion, on_delete=models.CASCADE, related_name="periods")
    start = models.DateTimeField()
    end = models.DateTimeField()

    class Meta:
        ordering = ["start"]
        indexes = [models.Index("organization", "end", "start", name="excluded_period")]

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M} UTC"
