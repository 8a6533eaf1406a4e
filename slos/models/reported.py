"""What programs have counted themselves: the facts of objectives that no invoice and no exception lies behind."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Organization
from slos.models.definition import SLODefinition


class ReportedCount(models.Model):
    """Good and total events of one objective in one 5-minute bucket, as a program sent them last."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, db_index=False)
    slo = models.ForeignKey(SLODefinition, on_delete=models.CASCADE, db_index=False)
    counted_at = models.DateTimeField()  # start of the bucket
    good = models.BigIntegerField()
    total = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "reported count"
        constraints = [
            models.UniqueConstraint(fields=["slo", "counted_at"], name="reported_once"),
            models.CheckConstraint(
                condition=Q(good__gte=0, good__lte=models.F("total")), name="reported_good_of_total"
            ),
        ]
        indexes = [models.Index("organization", "counted_at", name="reported_time")]

    def __str__(self) -> str:
        return f"{self.good} of {self.total} from {self.counted_at:%Y-%m-%d %H:%M}"
