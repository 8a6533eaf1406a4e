"""How alerts stood at a moment of the past, told from their events: each of them names what it changed."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from alerts.models import AlertEvent, SLOAlert

WORDS = ("severity", "title", "message", "version")
MOMENTS = ("acknowledged_at", "resolved_at")


def turn_back(alerts: Sequence[SLOAlert], at: datetime) -> None:
    """Give alerts, which must not be saved, the words and the state that they had."""
    events: dict[UUID, list[AlertEvent]] = {}
    for event in AlertEvent.objects.filter(alert__in={alert.pk for alert in alerts}, at__lte=at).order_by("at", "id"):
        events.setdefault(event.alert_id, []).append(event)
    for alert in alerts:
        alert.acknowledged_at = alert.resolved_at = None
        for event in events.get(alert.pk, ()):
            _apply(alert, event)


def _apply(alert: SLOAlert, event: AlertEvent) -> None:
    changed = event.details
    for name in WORDS:
        if name in changed:
            setattr(alert, name, changed[name])
    for name in MOMENTS:
        if name in changed:
            setattr(alert, name, event.at if changed[name] else None)
