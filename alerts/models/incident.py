"""The record of an incident: who has it, and what is to be done. Its notes and its timeline are those of its alert."""

import uuid

from django.db import models

from accounts.models import Organization, User
from alerts.models.alert import SLOAlert


class Incident(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="incidents")
    alert = models.OneToOneField(SLOAlert, on_delete=models.CASCADE, related_name="incident")
    owner = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-opened_at"]

    def __str__(self) -> str:
        return self.alert.title


class ChecklistItem(models.Model):
    """One thing to do, from the runbook of the objective as it was when the incident began."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=500)
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["incident", "position"], name="checklist_position_once")]

    def __str__(self) -> str:
        return self.text
