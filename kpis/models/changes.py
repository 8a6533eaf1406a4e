"""What has changed in the series of KPIs and SLIs, as it was found."""

from django.db import models

from accounts.models import Organization
from kpis.changes import Kind


class SeriesChange(models.Model):
    """A change of one series: found once, then kept up to date while it is found again.

    `series` is a name of kpis.series.KPIS, or the id of an objective, of which this floor knows no more.
    """

    class Granularity(models.TextChoices):
        HOURLY = "hourly", "Hourly"
        DAILY = "daily", "Daily"

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="series_changes", db_index=False
    )
    series = models.CharField(max_length=100)
    granularity = models.CharField(max_length=6, choices=Granularity)
    kind = models.CharField(max_length=7, choices=[(one.value, one.value.capitalize()) for one in Kind])
    start = models.DateTimeField()
    end = models.DateTimeField(null=True)  # None: it goes on
    before = models.FloatField()  # rates 0..100, durations in seconds, events of an hour or a day
    after = models.FloatField()
    confidence = models.FloatField()  # 0..1
    worse = models.BooleanField(null=True)  # None where neither direction is the better one
    cause = models.JSONField(default=dict)  # {"field", "value", "share"} of what changed with it; {}: nothing
    found_at = models.DateTimeField()
    seen_at = models.DateTimeField()  # when it was last found

    class Meta:
        ordering = ["-start", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "series", "granularity", "kind", "start"], name="series_change_once"
            )
        ]
        indexes = [models.Index("organization", "start", name="series_change_newest")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.series} {self.start:%Y-%m-%d %H:%M}"


class SeriesLook(models.Model):
    """Until when the series of an organisation have been looked through."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    granularity = models.CharField(max_length=6, choices=SeriesChange.Granularity)
    until = models.DateTimeField()  # the end of the last closed period then
    flow = models.JSONField(default=list)  # of the look at days: [came, left] of each of the last

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "granularity"], name="series_look_once")]

    def __str__(self) -> str:
        return f"{self.granularity} {self.until:%Y-%m-%d %H:%M}"
