"""The facts: what happened to each invoice and each exception, and which instants wait to be counted again."""

from typing import Any

from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now

from accounts.models import Organization


def of_organization(**options: Any) -> models.ForeignKey:
    """The organisation of a fact. Without a constraint: its check costs a tenth of a batch, for every row of it, and
    organisations are never deleted."""
    return models.ForeignKey(Organization, on_delete=models.CASCADE, db_constraint=False, **options)


def seconds_between(start: str, end: str) -> models.GeneratedField:
    """A stored column: seconds from `start` to `end`, null until both are known; negative when they contradict."""
    between = Func(F(end) - F(start), function="date_part", template="date_part('epoch', %(expressions)s)")
    return models.GeneratedField(expression=between, output_field=models.FloatField(null=True), db_persist=True)


# The backlog: neither approved, rejected, failed nor voided.
OPEN = Q(approved_at=None, rejected_at=None, voided_at=None) & (
    Q(processing_outcome=None) | Q(processing_outcome="succeeded")
)


class InvoiceMetric(models.Model):
    """One invoice of one organisation, merged from every message about it."""

    class Outcome(models.TextChoices):
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"

    organization = of_organization(db_index=False)
    invoice_id = models.CharField(max_length=200)
    vendor = models.CharField(max_length=200, null=True)  # noqa: DJ001 - null: not known, "" would be a name
    channel = models.CharField(max_length=100, null=True)  # noqa: DJ001
    document_type = models.CharField(max_length=100, null=True)  # noqa: DJ001
    amount = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    currency = models.CharField(max_length=3, null=True)  # noqa: DJ001
    uploaded_at = models.DateTimeField(null=True)
    extracted_at = models.DateTimeField(null=True)
    validated_at = models.DateTimeField(null=True)
    ready_at = models.DateTimeField(null=True)
    approved_at = models.DateTimeField(null=True)
    rejected_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    extraction_confidence = models.DecimalField(max_digits=7, decimal_places=6, null=True)
    structural_valid = models.BooleanField(null=True)
    math_valid = models.BooleanField(null=True)
    processing_outcome = models.CharField(max_length=9, choices=Outcome, null=True)  # noqa: DJ001
    duplicate_flagged = models.BooleanField(null=True)
    duplicate_confirmed = models.BooleanField(null=True)
    duplicate_confirmed_at = models.DateTimeField(null=True)
    voided_at = models.DateTimeField(null=True)
    page_count = models.IntegerField(null=True)
    retry_count = models.IntegerField(null=True)
    requires_human_review = models.BooleanField(null=True)
    labels = models.JSONField(default=dict, db_default={})
    ready_after = seconds_between("uploaded_at", "ready_at")
    approved_after = seconds_between("ready_at", "approved_at")
    rejected_after = seconds_between("ready_at", "rejected_at")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "invoice"
        constraints = [models.UniqueConstraint(fields=["organization", "invoice_id"], name="invoice_once")]
        # Each index serves one range scan of slos.indicators; the included columns keep it off the table.
        indexes = [
            models.Index("organization", "uploaded_at", name="invoice_uploaded", include=["ready_after", "voided_at"]),
            models.Index(
                "organization",
                "ready_at",
                name="invoice_ready",
                include=["ready_after", "approved_after", "rejected_after", "voided_at"],
                condition=Q(ready_at__isnull=False),
            ),
            models.Index(
                "organization",
                "approved_at",
                name="invoice_approved",
                include=["approved_after", "rejected_after", "voided_at"],
                condition=Q(approved_at__isnull=False),
            ),
            models.Index(
                "organization",
                "validated_at",
                name="invoice_validated",
                include=["structural_valid", "math_valid", "voided_at"],
                condition=Q(validated_at__isnull=False),
            ),
            models.Index(
                "organization",
                "extracted_at",
                name="invoice_extracted",
                include=["extraction_confidence", "voided_at"],
                condition=Q(extracted_at__isnull=False),
            ),
            models.Index(
                "organization",
                "completed_at",
                name="invoice_completed",
                include=["processing_outcome", "voided_at"],
                condition=Q(completed_at__isnull=False),
            ),
            models.Index(
                "organization",
                "duplicate_confirmed_at",
                name="invoice_duplicate",
                include=["duplicate_flagged"],
                condition=Q(duplicate_confirmed=True, duplicate_confirmed_at__isnull=False),
            ),
            models.Index("organization", "invoice_id", name="invoice_voided", condition=Q(voided_at__isnull=False)),
            models.Index("organization", "uploaded_at", name="invoice_open", condition=OPEN),
        ]

    def __str__(self) -> str:
        return self.invoice_id


class InvoiceException(models.Model):
    """One exception of the process, open until `resolved_at`."""

    organization = of_organization(db_index=False)
    exception_id = models.CharField(max_length=200)
    invoice_id = models.CharField(max_length=200, null=True)  # noqa: DJ001 - no foreign key: it may arrive first
    kind = models.CharField(max_length=100, null=True)  # noqa: DJ001
    severity = models.CharField(max_length=50, null=True)  # noqa: DJ001
    opened_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    labels = models.JSONField(default=dict, db_default={})
    resolved_after = seconds_between("opened_at", "resolved_at")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "exception"
        constraints = [models.UniqueConstraint(fields=["organization", "exception_id"], name="exception_once")]
        indexes = [
            models.Index(
                "organization", "opened_at", name="exception_opened", include=["resolved_after", "invoice_id"]
            ),
            models.Index(
                "organization",
                "resolved_at",
                name="exception_resolved",
                include=["resolved_after", "invoice_id"],
                condition=Q(resolved_at__isnull=False),
            ),
            models.Index("organization", "invoice_id", name="exception_invoice", condition=Q(invoice_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.exception_id


class SystemMetric(models.Model):
    """One reading of a system figure, as a program sent it. Of no organisation: the portal's own, for its operators."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, db_index=False, null=True)
    metric_name = models.CharField(max_length=100)
    metric_category = models.CharField(max_length=100, default="", blank=True)
    value = models.FloatField()
    unit = models.CharField(max_length=50, default="", blank=True)
    dimensions = models.JSONField(default=dict, blank=True)
    measured_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "system figure"
        ordering = ["-measured_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "metric_name", "measured_at", "dimensions"], name="system_figure_once"
            ),
            models.UniqueConstraint(
                fields=["metric_name", "measured_at", "dimensions"],
                name="own_system_figure_once",
                condition=Q(organization=None),
            ),
        ]
        indexes = [models.Index("organization", "measured_at", name="system_figure_time")]

    def __str__(self) -> str:
        return f"{self.metric_name} = {self.value:g} {self.unit}".strip()


class SeenEvent(models.Model):
    """A CloudEvent that has been stored; the same (source, id) again changes nothing."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, db_index=False)
    source = models.CharField(max_length=500)
    event_id = models.CharField(max_length=200)
    received_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "source", "event_id"], name="event_once")]
        indexes = [models.Index("received_at", name="event_age")]

    def __str__(self) -> str:
        return f"{self.source} {self.event_id}"


class DirtyBucket(models.Model):
    """A mark: rows that name an instant of this field in this 5-minute bucket have changed.

    Append-only and without a unique key: a mark that an upsert skipped could be deleted by the tick that another
    writer still relied on.
    """

    organization = of_organization()
    field = models.CharField(max_length=30)
    start = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.field} {self.start:%Y-%m-%d %H:%M}"


class Arrival(models.Model):
    """A batch of messages that was stored. Insert-only, so that no two writers meet; the tick takes it away."""

    organization = of_organization()
    feed = models.CharField(max_length=20)
    at = models.DateTimeField()
    messages = models.IntegerField(help_text="Those that were not refused, unchanged ones included.")

    def __str__(self) -> str:
        return f"{self.messages} {self.feed} at {self.at:%Y-%m-%d %H:%M:%S}"


class Feed(models.Model):
    """A stream of messages (`invoices`, `exceptions`, `counts`) by when they were received. Only the tick writes it."""

    organization = of_organization(db_index=False)
    name = models.CharField(max_length=20)
    first_message_at = models.DateTimeField()
    last_message_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="feed_once")]

    def __str__(self) -> str:
        return self.name


class FeedCount(models.Model):
    """Messages of a feed that were received in a 5-minute bucket. Written by the tick alone."""

    organization = of_organization(db_index=False)
    feed = models.CharField(max_length=20)
    start = models.DateTimeField()
    messages = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "feed", "start"], name="feed_count_once")]

    def __str__(self) -> str:
        return f"{self.messages} {self.feed} from {self.start:%Y-%m-%d %H:%M}"


class ImportedFile(models.Model):
    """A file that was imported with its times moved, and by how much: imported again, it must be moved by the same."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, db_index=False)
    sha256 = models.CharField(max_length=64)
    shift_weeks = models.IntegerField()
    imported_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "sha256"], name="imported_file_once")]

    def __str__(self) -> str:
        return f"{self.sha256[:12]} by {self.shift_weeks} weeks"
