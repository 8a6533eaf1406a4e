"""Where messages go, and the outbox: nothing is sent that is not a row first."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Organization
from alerts.kinds import Reason
from alerts.models.alert import SEVERITIES, AlertEvent, SLOAlert

REASONS = [(reason.value, reason.value.capitalize()) for reason in Reason]


class Channel(models.Model):
    """A way to reach people. `secret` is encrypted (alerts.secrets) and never shown again."""

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail"
        SLACK = "slack", "Slack (incoming webhook)"
        SMS = "sms", "SMS (Twilio)"
        WEBHOOK = "webhook", "Webhook (signed JSON)"
        APPRISE = "apprise", "Other service (Apprise)"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="channels")
    name = models.CharField(max_length=100, help_text="What people call it, unique in the organisation.")
    kind = models.CharField(max_length=7, choices=Kind, help_text="How messages travel.")
    targets = ArrayField(
        models.CharField(max_length=254),
        default=list,
        blank=True,
        help_text="E-mail addresses or telephone numbers (+49…), separated by commas. The other kinds have none.",
    )
    secret = models.TextField(default="", blank=True, editable=False)
    for_operations = models.BooleanField(
        "operations team", default=False, help_text="Its readers are the operations team: every warning goes here."
    )
    is_active = models.BooleanField("active", default=True, help_text="Off: nothing is sent through it.")
    off_reason = models.TextField("switched off because", default="", blank=True, editable=False)
    off_at = models.DateTimeField("switched off", null=True, editable=False)  # by a permanent failure
    refused = ArrayField(models.CharField(max_length=254), default=list, blank=True, editable=False)  # targets
    paused_until = models.DateTimeField(null=True, editable=False)  # Retry-After, or a rest after failures
    failures = models.PositiveIntegerField("failures in a row", default=0, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    last_sent_at = models.DateTimeField("last sent", null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="channel_name_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def works(self) -> bool:
        return self.is_active and self.off_at is None


class Message(models.Model):
    """What one target gets at once: one notification or a bundle. Its id is the key that every attempt carries."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting for the next attempt"
        SENDING = "sending", "Being sent"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed for good"
        UNKNOWN = "unknown", "Perhaps sent"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, db_index=False)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="messages", db_index=False)
    target = models.CharField(max_length=254, default="", blank=True)
    severity = models.CharField(max_length=10, choices=SEVERITIES)  # the worst in it
    urgent = models.BooleanField()
    state = models.CharField(max_length=7, choices=State)
    attempt = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)  # while sending: when its sender is taken for dead
    unknowns = models.PositiveSmallIntegerField(default=0)  # attempts that nobody knows the outcome of
    error = models.TextField(default="", blank=True)
    provider_id = models.CharField(max_length=200, default="", blank=True)
    seconds = models.FloatField(null=True)  # that the last attempt took
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                "organization", "next_attempt_at", name="message_to_try", condition=Q(next_attempt_at__isnull=False)
            ),
            models.Index("channel", "target", "created_at", name="message_to_target"),
            models.Index("organization", "created_at", name="message_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.target} {self.state}".replace("  ", " ")


class Notification(models.Model):
    """One thing to tell one target, worded when it happened; sent in a message."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        BUNDLED = "bundled", "In a message"
        CANCELLED = "cancelled", "Cancelled"

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, db_index=False)
    alert = models.ForeignKey(SLOAlert, null=True, on_delete=models.CASCADE, related_name="notifications")
    event = models.ForeignKey(AlertEvent, null=True, on_delete=models.SET_NULL, related_name="notifications")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="notifications", db_index=False)
    target = models.CharField(max_length=254, default="", blank=True)
    reason = models.CharField(max_length=10, choices=REASONS)
    severity = models.CharField(max_length=10, choices=SEVERITIES)
    title = models.CharField(max_length=200)
    text = models.TextField()
    short = models.CharField(max_length=160, default="", blank=True)
    html = models.TextField(default="", blank=True)  # of what has a layout of its own, and a message of its own
    path = models.CharField(max_length=200, default="", blank=True)  # its page, where that is not the alert's
    due_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    message = models.ForeignKey(Message, null=True, on_delete=models.SET_NULL, related_name="notifications")
    dedupe_key = models.CharField(max_length=200, unique=True)  # event, channel and target: told once
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [models.Index("organization", "due_at", name="notification_due", condition=Q(state="waiting"))]

    def __str__(self) -> str:
        return f"{self.reason}: {self.title}"


class Mail(models.Model):
    """A mail that no SMTP server took because none is configured: read on the local mailbox page."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=200, unique=True)
    organization = models.ForeignKey(Organization, null=True, on_delete=models.CASCADE)
    target = models.CharField(max_length=254)
    subject = models.CharField(max_length=300)
    text = models.TextField()
    html = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.target}: {self.subject}"
