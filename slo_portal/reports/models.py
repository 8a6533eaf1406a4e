"""Reports, stored as they were made: what is read later is what was sent."""

import uuid

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from accounts.models import Organization, User


class Report(models.Model):
    """What a stretch of time came to. `content` is made once (reports.content) and never changed."""

    class Kind(models.TextChoices):
        DAILY = "daily", "Daily"
        WEEKLY = "weekly", "Weekly"
        MONTHLY = "monthly", "Monthly"
        ON_DEMAND = "on_demand", "On demand"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="reports", db_index=False)
    kind = models.CharField(max_length=9, choices=Kind)
    first_day = models.DateField()  # of the organisation's calendar
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    filters = models.JSONField(default=dict)
    title = models.CharField(max_length=200)
    headline = models.TextField()
    content = models.JSONField(encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-created_at", "-period_start", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "kind", "first_day"],
                condition=~Q(kind="on_demand"),
                name="report_of_a_period_once",
            )
        ]
        indexes = [models.Index("organization", "created_at", name="report_newest")]

    def __str__(self) -> str:
        return self.title
