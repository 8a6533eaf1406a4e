"""Alerts and what happened to them."""

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Organization, User
from alerts.kinds import TYPE_LABELS, AlertType, Resolution, Severity
from slos.models import SLIMeasurement, SLODefinition

TYPES = [(kind.value, TYPE_LABELS[kind]) for kind in AlertType]
SEVERITIES = [(severity.value, severity.value.capitalize()) for severity in Severity]


def snoozed(now: datetime) -> Q:
    """Those of which SLOAlert.is_snoozed says so."""
    return Q(snoozed_until__gt=now) | Q(snoozed_until_better=True)


class SLOAlertQuerySet(models.QuerySet["SLOAlert"]):
    def unresolved(self) -> "SLOAlertQuerySet":
        return self.filter(resolved_at=None)

    def standing(self, since: datetime) -> "SLOAlertQuerySet":
        """What a tick must know: open ones, those that hold a new one back, and those that ended after `since`."""
        return self.filter(Q(resolved_at=None) | Q(holds_back=True) | Q(resolved_at__gt=since))


class SLOAlert(models.Model):
    """One breach of a promise, from the moment it opens until it is resolved. `version` counts its changes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="alerts")
    slo = models.ForeignKey(SLODefinition, null=True, on_delete=models.CASCADE, related_name="alerts", db_index=False)
    subject = models.CharField(max_length=100, default="", blank=True)  # a feed or a channel, where there is no SLO
    measurement = models.ForeignKey(SLIMeasurement, null=True, on_delete=models.SET_NULL, related_name="+")
    alert_type = models.CharField("type", max_length=30, choices=TYPES)
    severity = models.CharField(max_length=10, choices=SEVERITIES)
    title = models.CharField(max_length=200)
    message = models.TextField()
    short = models.CharField(max_length=160, default="", blank=True)  # for a telephone
    current_value = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    target_value = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    breached_at = models.DateTimeField()
    reopened_at = models.DateTimeField(null=True)
    reopenings = models.PositiveIntegerField(default=0)
    quiet_since = models.DateTimeField(null=True)  # since when its condition has not held, in a row
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    assigned_to = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="assigned_alerts")
    snoozed_until = models.DateTimeField(null=True)
    snoozed_until_better = models.BooleanField(default=False)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    resolution = models.CharField(max_length=10, default="", choices=[(one.value, one.value) for one in Resolution])
    resolution_notes = models.TextField(default="", blank=True)
    holds_back = models.BooleanField(default=False)  # resolved by a person while its condition held
    told_severity = models.CharField(max_length=10, default="", choices=SEVERITIES)  # the worst that was sent
    told_at = models.DateTimeField(null=True)
    told_value = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    step = models.PositiveSmallIntegerField(default=0)  # of the escalation, the last one taken
    next_step_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField()

    objects = SLOAlertQuerySet.as_manager()

    class Meta:
        verbose_name = "alert"
        ordering = ["-breached_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "slo", "subject", "alert_type"],
                condition=Q(resolved_at=None),
                nulls_distinct=False,
                name="one_open_alert",
            ),
            models.CheckConstraint(
                condition=Q(resolved_at=None, resolution="") | (Q(resolved_at__isnull=False) & ~Q(resolution="")),
                name="alert_resolved_by_something",
            ),
        ]
        indexes = [
            models.Index("organization", "breached_at", "id", name="alert_newest"),
            # what the tick looks at, and what the navigation counts
            models.Index("organization", name="alert_unresolved", condition=Q(resolved_at=None)),
            models.Index("organization", name="alert_holding_back", condition=Q(holds_back=True)),
            models.Index("organization", "resolved_at", name="alert_resolved"),  # what may open again
            models.Index("slo", "alert_type", "resolved_at", name="alert_of_slo"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def state(self) -> str:
        """open, acknowledged or resolved."""
        if self.resolved_at:
            return "resolved"
        return "acknowledged" if self.acknowledged_at else "open"

    @property
    def is_firing(self) -> bool:
        return self.resolved_at is None and self.quiet_since is None

    def is_snoozed(self, now: datetime) -> bool:
        return self.snoozed_until_better or (self.snoozed_until is not None and self.snoozed_until > now)


class AlertEvent(models.Model):
    """One entry of an alert's history: what changed, when, by whom, from where. Never edited."""

    class Kind(models.TextChoices):
        OPENED = "opened", "Opened"
        WORSENED = "worsened", "Worsened"
        REOPENED = "reopened", "Opened again"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        UNACKNOWLEDGED = "unacknowledged", "Acknowledgement taken back"
        ASSIGNED = "assigned", "Assigned"
        SNOOZED = "snoozed", "Snoozed"
        UNSNOOZED = "unsnoozed", "Snooze ended"
        NOTED = "noted", "Note"
        INCIDENT = "incident", "Incident"
        CHECKED = "checked", "Checklist"
        TOLD = "told", "Told"
        ESCALATED = "escalated", "Escalated"
        REPEATED = "repeated", "Told again"
        REMINDED = "reminded", "Reminded"
        RESOLVED = "resolved", "Resolved"

    class Channel(models.TextChoices):
        SYSTEM = "system", "System"
        WEB = "web", "Page"
        API = "api", "API"
        ADMIN = "admin", "Admin"
        COMMAND = "command", "Command line"

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, db_index=False)
    alert = models.ForeignKey(SLOAlert, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=14, choices=Kind)
    at = models.DateTimeField()
    actor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    channel = models.CharField(max_length=7, choices=Channel, default=Channel.SYSTEM)
    note = models.TextField(default="", blank=True)
    details = models.JSONField(default=dict)  # what changed: {"severity": ["warning", "critical"], ...}

    class Meta:
        ordering = ["at", "id"]
        indexes = [models.Index("organization", "at", name="alert_event_time")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%Y-%m-%d %H:%M}"
