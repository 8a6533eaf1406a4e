"""What monitoring counts: numbers that only grow, and what tells the tick what is new."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import Organization


class Counter(models.Model):
    """A number that only grows, whatever becomes of the rows it was counted from. Written by the tick alone."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, db_index=False)
    name = models.CharField(max_length=40)
    labels = ArrayField(models.CharField(max_length=200))  # what it counts, in an order that its name fixes
    value = models.DecimalField(max_digits=26, decimal_places=6)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "name", "labels"], name="counter_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.labels}: {self.value:f}"


class Tally(models.Model):
    """What the rows of one hour came to when they were last counted: what is more than that is new."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, db_index=False)
    field = models.CharField(max_length=30)
    start = models.DateTimeField()
    parts = models.JSONField()  # [[labels, number, millionths], ...]

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "field", "start"], name="tally_once")]

    def __str__(self) -> str:
        return f"{self.field} {self.start:%Y-%m-%d %H:00}"
