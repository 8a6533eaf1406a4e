"""What the exposition is read from, and what the parts of the portal say of themselves."""

from django.db import models

from accounts.models import Organization


class Exposed(models.Model):
    """The samples of one name, as text that is ready to be sent. Written by the tick, and each minute."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, db_index=False)
    family = models.CharField(max_length=60)
    samples = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "family"], name="exposed_once")]

    def __str__(self) -> str:
        return self.family


class Process(models.Model):
    """A part of the portal on one machine: a program with all its processes. Belongs to no organisation."""

    class Component(models.TextChoices):
        WEB = "web", "Web"
        WORKER = "worker", "Worker"
        BEAT = "beat", "Beat"
        DATABASE = "database", "Database"

    component = models.CharField(max_length=10, choices=Component)
    place = models.CharField(max_length=100)  # the machine, and the first of its processes
    memory_bytes = models.BigIntegerField(null=True)
    cpu_percent = models.FloatField(null=True)
    cpu_seconds = models.FloatField(null=True)
    measured_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "processes"
        constraints = [models.UniqueConstraint(fields=["component", "place"], name="process_once")]

    def __str__(self) -> str:
        return f"{self.component} {self.seen_at:%Y-%m-%d %H:%M:%S}"
