"""What the portal needs and how fast it is, minute by minute: rows of SystemMetric that belong to no organisation.

The wall around the rows of organisations shows them only to whoever sees everything: the operators.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F, Max

from accounts.models import Organization
from alerts.models import Message
from kpis.models import SystemMetric
from monitoring import parts
from slos import tick

MEMORY, CPU, QUEUE, DATABASE, TICK, DELIVERY = (
    "memory", "cpu", "queue_depth", "database_size", "tick_duration", "delivery_duration"
)  # fmt: skip
UNITS = {MEMORY: "bytes", CPU: "percent", QUEUE: "tasks", DATABASE: "bytes", TICK: "seconds", DELIVERY: "seconds"}
CATEGORY = "portal"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
Key = tuple[str, str]  # its name; the part of the portal, or nothing
Readings = Mapping[Key, Mapping[datetime, float]]


def record(queue_depth: int | None, *, now: datetime) -> int:
    """Write the figures of this minute, once however many workers do it; how many there are. What is unknown is not."""
    at = now.replace(second=0, microsecond=0)
    rows = [
        SystemMetric(
            metric_name=name,
            metric_category=CATEGORY,
            value=value,
            unit=UNITS[name],
            dimensions={"component": component} if component else {},
            measured_at=at,
        )
        for (name, component), value in _readings(queue_depth, now)
    ]
    SystemMetric.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _readings(queue_depth: int | None, now: datetime) -> Iterator[tuple[Key, float]]:
    for part in parts.components(now=now):
        if part.memory_bytes is not None:
            yield (MEMORY, part.name), part.memory_bytes
        if part.cpu_percent is not None:
            yield (CPU, part.name), round(part.cpu_percent, 2)
    if queue_depth is not None:
        yield (QUEUE, ""), queue_depth
    yield (DATABASE, ""), _database_size()
    for name, seconds in ((TICK, tick.slowest()), (DELIVERY, _slowest_delivery(now))):
        if seconds is not None:
            yield (name, ""), round(seconds, 4)


def _database_size() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def _slowest_delivery(now: datetime) -> float | None:
    """From when a message was made to its receipt, of those of the last minute; attempts that failed count with it."""
    recent = Message.objects.filter(organization__in=Organization.objects.all(), created_at__gt=now - DAY)
    sent = recent.filter(sent_at__gt=now - MINUTE, sent_at__lte=now)
    longest: timedelta | None = sent.aggregate(longest=Max(F("sent_at") - F("created_at")))["longest"]
    return longest.total_seconds() if longest is not None else None


def latest(since: datetime) -> dict[str, float]:
    """The newest of each figure that is of no single part, by its name."""
    rows = SystemMetric.objects.filter(organization=None, measured_at__gt=since, dimensions={})
    return dict(rows.order_by("measured_at").values_list("metric_name", "value"))


def readings(start: datetime, end: datetime, width: timedelta) -> Readings:
    """The highest of each figure in each piece of [start, end), by its beginning; empty ones are missing."""
    found: dict[Key, dict[datetime, float]] = defaultdict(dict)
    sql = f"""
        SELECT metric_name, coalesce(dimensions ->> 'component', ''), date_bin(%s::interval, measured_at, %s),
            max(value)
        FROM {SystemMetric._meta.db_table}
        WHERE organization_id IS NULL AND metric_category = %s AND measured_at >= %s AND measured_at < %s
        GROUP BY 1, 2, 3 ORDER BY 3"""  # noqa: S608 - our own table
    with connection.cursor() as cursor:
        cursor.execute(sql, [f"{width.total_seconds()} seconds", start, CATEGORY, start, end])
        for name, component, piece, value in cursor.fetchall():
            found[name, component][piece] = value
    return found
