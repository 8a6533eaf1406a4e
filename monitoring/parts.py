"""The parts of the portal that live, each added up over all its machines."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Sum

from monitoring.models import Process

GONE_AFTER = timedelta(seconds=150)  # a program that has said nothing for so long has no figures


@dataclass(frozen=True)
class Component:
    """A part of the portal, on all its machines together."""

    name: str
    memory_bytes: int | None
    cpu_percent: float | None
    seen_at: datetime


def components(*, now: datetime) -> list[Component]:
    """Those that have shown that they live since `now` - GONE_AFTER."""
    alive = Process.objects.filter(seen_at__gt=now - GONE_AFTER).order_by()
    rows = alive.values("component").annotate(memory=Sum("memory_bytes"), cpu=Sum("cpu_percent"), seen=Max("seen_at"))
    return [Component(row["component"], row["memory"], row["cpu"], row["seen"]) for row in rows]
