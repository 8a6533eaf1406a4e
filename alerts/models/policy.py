"""Who is told when: escalation policies, rotas and silences."""

import uuid
from zoneinfo import ZoneInfo

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Organization, User
from alerts.models.alert import SEVERITIES
from alerts.models.outbox import Channel
from alerts.rota import Override, Schedule
from slos.models import SLODefinition

A_WEEK_IN_MINUTES = 7 * 24 * 60


class Rota(models.Model):
    """Who is on call: its members take turns, a week each."""

    class Weekday(models.IntegerChoices):
        MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = range(7)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="rotas")
    name = models.CharField(max_length=100, help_text="What people call it, unique in the organisation.")
    starts_on = models.DateField(help_text="The first member's week is the one that holds this day.")
    handover_day = models.PositiveSmallIntegerField(
        choices=Weekday, default=Weekday.MONDAY, help_text="Day of the week on which the next member takes over."
    )
    handover_at = models.TimeField(default="09:00", help_text="Time of the hand-over, in the organisation's zone.")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="rota_name_once")]

    def __str__(self) -> str:
        return self.name

    def schedule(self, zone: ZoneInfo) -> Schedule:
        """Its turns in the organisation's zone."""
        made = sorted(self.overrides.all(), key=lambda override: override.pk)
        return Schedule(
            tuple(member.user_id for member in self.members.all()),
            self.starts_on,
            self.handover_day,
            self.handover_at,
            zone,
            tuple(Override(override.user_id, override.start, override.end) for override in made),
        )


class RotaMember(models.Model):
    rota = models.ForeignKey(Rota, on_delete=models.CASCADE, related_name="members")
    position = models.PositiveSmallIntegerField(help_text="Order of the turns.")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["rota", "position"], name="rota_position_once")]

    def __str__(self) -> str:
        return f"{self.position}. {self.user}"


class RotaOverride(models.Model):
    """Somebody else is on call for a while."""

    rota = models.ForeignKey(Rota, on_delete=models.CASCADE, related_name="overrides")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    start = models.DateTimeField()
    end = models.DateTimeField()

    class Meta:
        ordering = ["start"]
        constraints = [models.CheckConstraint(condition=Q(end__gt=F("start")), name="rota_override_has_length")]

    def __str__(self) -> str:
        return f"{self.user} from {self.start:%Y-%m-%d %H:%M}"


class EscalationPolicy(models.Model):
    """Who hears of alerts of one severity, in steps, until somebody acknowledges."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="escalation_policies")
    name = models.CharField(max_length=100, help_text="What people call it, unique in the organisation.")
    severity = models.CharField(max_length=10, choices=SEVERITIES, help_text="Alerts of this severity follow it.")
    slos = models.ManyToManyField(
        SLODefinition, blank=True, related_name="+", help_text="Only for these objectives; empty: for all others."
    )
    repeat_minutes = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(A_WEEK_IN_MINUTES)],
        help_text="After the last step everybody in it is told again after so many minutes, until acknowledged.",
    )

    class Meta:
        verbose_name_plural = "escalation policies"
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="escalation_name_once")]

    def __str__(self) -> str:
        return self.name


class EscalationStep(models.Model):
    """Who is told at this step, and how long after the step before."""

    policy = models.ForeignKey(EscalationPolicy, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField(help_text="Order of the steps; the first is taken at once.")
    delay_minutes = models.PositiveIntegerField(
        default=0,
        validators=[MaxValueValidator(A_WEEK_IN_MINUTES)],
        help_text="Minutes after the step before, if nobody has acknowledged; 0 for the first.",
    )
    to_operations = models.BooleanField("operations team", default=False, help_text="Channels of the operations team.")
    to_owner = models.BooleanField("owner and own channels", default=False, help_text="Of the objective.")
    to_email = models.BooleanField("all e-mail channels", default=False, help_text="Every active one.")
    to_slack = models.BooleanField("all Slack channels", default=False, help_text="Every active one.")
    to_everybody = models.BooleanField("all channels", default=False, help_text="Every active channel.")
    channels = models.ManyToManyField(Channel, blank=True, related_name="+", help_text="And these channels.")
    on_call = models.ManyToManyField(Rota, blank=True, related_name="+", help_text="And whoever is on call here.")
    people = models.ManyToManyField(User, blank=True, related_name="+", help_text="And these people.")

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["policy", "position"], name="escalation_step_once")]

    def __str__(self) -> str:
        return f"step {self.position}"


class Silence(models.Model):
    """A time in which alerts are evaluated and recorded, not sent: once, or a recurring maintenance window."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="silences")
    reason = models.CharField(max_length=300, help_text="Why nobody needs to be told; shown wherever it applies.")
    owner = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+", help_text="Who answers for it."
    )
    slos = models.ManyToManyField(
        SLODefinition, blank=True, related_name="+", help_text="Only these objectives; empty: everything."
    )
    start = models.DateTimeField(help_text="When it begins; of a recurring one, when the first begins.")
    end = models.DateTimeField(help_text="When it ends; of a recurring one, when the first ends.")
    rrule = models.CharField(
        "recurrence",
        max_length=300,
        default="",
        blank=True,
        help_text="An RRULE such as FREQ=WEEKLY;BYDAY=SU;UNTIL=20271231T000000Z. Empty: once.",
    )
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)  # by a person, early
    ended_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-start"]
        constraints = [models.CheckConstraint(condition=Q(end__gt=F("start")), name="silence_has_length")]

    def __str__(self) -> str:
        return self.reason
