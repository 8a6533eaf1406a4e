"""KPIs of hours and days, summed up from the rows, and which of them are to be counted again."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import Organization
from kpis.models.facts import of_organization


class Rollup(models.Model):
    """One figure of a local hour or day; nothing for what is 0. Days are sums of hours. kpis.counting names figures."""

    class Width(models.IntegerChoices):
        HOUR = 60
        DAY = 1440

    organization = of_organization(db_index=False)
    width = models.SmallIntegerField(choices=Width)
    start = models.DateTimeField()
    figure = models.CharField(max_length=20)
    key = models.CharField(max_length=100, default="")  # the kind of an exception, a currency
    n = models.BigIntegerField()
    total = models.DecimalField(max_digits=30, decimal_places=6)  # durations in microseconds
    bins = ArrayField(models.SmallIntegerField(), null=True)  # kpis.stats.bin_of the durations in seconds,
    counts = ArrayField(models.IntegerField(), null=True)  # and how many there are of each

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "width", "start", "figure", "key"], name="rollup_once")
        ]

    def __str__(self) -> str:
        return f"{self.figure} {self.start:%Y-%m-%d %H:%M} +{self.width} min"


class RollupMark(models.Model):
    """A mark: this hour is to be counted again. Append-only, like DirtyBucket."""

    organization = of_organization()
    start = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M}"


class ExceptedInvoice(models.Model):
    """A mark: an exception of this invoice has changed. By its id, because the invoice itself may come later."""

    organization = of_organization()
    invoice_id = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.invoice_id


class RollupState(models.Model):
    """How far the rollups of an organisation have come, and by which clock their hours begin."""

    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, primary_key=True)
    zone = models.CharField(max_length=100)
    counted_at = models.DateTimeField(null=True)  # all that was marked by then is counted

    def __str__(self) -> str:
        return f"{self.zone} {self.counted_at}"
