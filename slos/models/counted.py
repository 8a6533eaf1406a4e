"""What was counted for the objectives, and the figures that every face reads."""

import uuid

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Organization, User
from slos.budget import Counts, consumed, percent
from slos.models.definition import SECONDS_PER, Period, SLODefinition, Unit


class SLIBucket(models.Model):
    """What was decided in one bucket; an empty one has no row. 1 h and 1 d rows are sums of 5-minute rows.

    A 5-minute row that an exclusion leaves out lies aside under a width of its own: no sum finds it.
    """

    class Width(models.IntegerChoices):
        ASIDE = -5
        FIVE_MINUTES = 5
        HOUR = 60
        DAY = 1440

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, db_index=False)
    slo = models.ForeignKey(SLODefinition, on_delete=models.CASCADE, db_index=False)
    width = models.SmallIntegerField(choices=Width)
    start = models.DateTimeField()
    good = models.DecimalField(max_digits=20, decimal_places=6)
    total = models.BigIntegerField()
    duration_us = models.BigIntegerField(default=0)  # microseconds, an exact sum; of what ended here, late or not
    duration_count = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["slo", "width", "start"], name="bucket_once")]
        # the look-backs of all objectives of an organisation in one scan
        indexes = [
            models.Index("organization", "width", "start", name="bucket_window", include=["slo", "good", "total"])
        ]

    def __str__(self) -> str:
        return f"{self.slo_id} {self.start:%Y-%m-%d %H:%M} +{self.width} min"


class SLIMeasurement(models.Model):
    """Good, total and pending of one local hour, day or week, with the target that held when it was written."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, db_index=False)
    slo = models.ForeignKey(SLODefinition, on_delete=models.CASCADE, related_name="measurements", db_index=False)
    period = models.CharField(max_length=6, choices=Period)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    good_events_count = models.DecimalField(max_digits=20, decimal_places=6)
    total_events_count = models.BigIntegerField()
    pending_events_count = models.BigIntegerField(default=0)
    duration_us = models.BigIntegerField(default=0)
    duration_count = models.BigIntegerField(default=0)
    target_percentage = models.DecimalField(max_digits=6, decimal_places=3)
    error_budget_percentage = models.DecimalField(max_digits=6, decimal_places=3)
    target_value = models.DecimalField(max_digits=12, decimal_places=4)
    target_unit = models.CharField(max_length=10, choices=Unit)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "SLI measurement"
        ordering = ["-period_start"]
        constraints = [models.UniqueConstraint(fields=["slo", "period", "period_start"], name="measurement_once")]
        indexes = [models.Index("organization", "period", "period_start", name="measurement_period")]

    def __str__(self) -> str:
        return f"{self.get_period_display()} from {self.period_start:%Y-%m-%d %H:%M} UTC"

    @property
    def counts(self) -> Counts:
        return Counts(self.good_events_count, self.total_events_count)

    @property
    def achieved_percentage(self) -> float | None:
        """The SLI, 0..100; None without an event."""
        return percent(self.counts.ratio)

    @property
    def error_budget_consumed(self) -> float | None:
        """Percent of this period's own budget; None without an event."""
        return percent(consumed(self.counts, self.error_budget_percentage / 100))

    @property
    def actual_value(self) -> float | None:
        """Mean duration in the target's unit of what ended here; for other SLIs the ratio in the unit of the target."""
        if self.target_unit in SECONDS_PER:
            seconds = self.duration_us / 1e6 / SECONDS_PER[Unit(self.target_unit)]
            return round(seconds / self.duration_count, 6) if self.duration_count else None
        ratio = self.counts.ratio
        if ratio is None:
            return None
        return float(round(ratio, 6)) if self.target_unit == Unit.CONFIDENCE else percent(ratio)


class SLOSnapshot(models.Model):
    """The figures of one objective as the last tick left them. Ratios are computed where they are read."""

    slo = models.OneToOneField(SLODefinition, on_delete=models.CASCADE, primary_key=True, related_name="snapshot")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE)
    window_start = models.DateTimeField()
    window_end = models.DateTimeField()  # of the whole window; a calendar window ends in the future
    first_event_at = models.DateTimeField(null=True)  # start of the oldest bucket: how much of the window has run
    good = models.DecimalField(max_digits=20, decimal_places=6)
    total = models.BigIntegerField()
    pending = models.BigIntegerField(default=0)
    look_backs = models.JSONField(default=dict)  # {"5m": ["good", total], ...}; good as text, it is exact
    burning = models.BooleanField(default=False)  # a burn-rate condition holds
    forecast = models.JSONField(null=True, encoder=DjangoJSONEncoder)  # slos.ahead, as of the last full hour
    counted_as = models.CharField(max_length=1000, db_default="")  # Count.signature of what is in the buckets

    def __str__(self) -> str:
        return f"{self.slo_id}: {self.good} of {self.total}"


class EngineState(models.Model):
    """How far the tick of an organisation has come."""

    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, primary_key=True)
    ticked_at = models.DateTimeField(null=True)  # buckets up to here are counted
    sealed_before = models.DateTimeField(null=True)  # buckets before it are never recomputed
    fine_since = models.DateTimeField(null=True)  # 5-minute and hour sums begin here; null: all are kept
    figures_changed_at = models.DateTimeField(null=True)  # when a tick last changed any figure
    slowest_tick = models.FloatField(null=True)  # seconds, since somebody last took it away

    def __str__(self) -> str:
        return f"Ticked at {self.ticked_at:%Y-%m-%d %H:%M:%S} UTC" if self.ticked_at else "Never ticked"


class Seal(models.Model):
    """When `sealed_before` was moved, and to where: the age of buckets, which bear no time of their own."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, db_index=False)
    at = models.DateTimeField()
    before = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "at"], name="seal_once")]

    def __str__(self) -> str:
        return f"Up to {self.before:%Y-%m-%d %H:%M} UTC"


class TooLate(models.Model):
    """Rows that name an instant of `field` in this 5-minute bucket came, or changed, after it was sealed."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, db_index=False)
    field = models.CharField(max_length=30)
    start = models.DateTimeField()
    noticed_at = models.DateTimeField()

    class Meta:
        verbose_name = "message that came too late"
        verbose_name_plural = "messages that came too late"
        constraints = [models.UniqueConstraint(fields=["organization", "field", "start"], name="too_late_once")]
        indexes = [models.Index("organization", "noticed_at", name="too_late_noticed")]

    def __str__(self) -> str:
        return f"{self.field} {self.start:%Y-%m-%d %H:%M} UTC"


class Job(models.Model):
    """A calculation that somebody asked for; found by a query, so that a lost message only delays it."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE)
    period = models.CharField(max_length=6, choices=Period)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    error = models.TextField(blank=True)
    done = models.PositiveIntegerField(default=0)  # periods, of `total`; a job goes on there, whoever began it
    total = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index("created_at", name="job_waiting", condition=Q(state="waiting"))]

    def __str__(self) -> str:
        return f"{self.period} {self.period_start:%Y-%m-%d %H:%M} {self.state}"


class Figure(models.Model):
    """A Plotly figure as the worker drew it, so that no web process needs Plotly."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, db_index=False)
    name = models.CharField(max_length=50)
    content = models.JSONField()
    built_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="figure_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.built_at:%Y-%m-%d %H:%M}"
