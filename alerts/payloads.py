"""What the API and the command line say of alerts. Unknown is null."""

from decimal import Decimal
from typing import Any

from accounts.models import User
from alerts.inbox import NOTHING_SENT, Delivery
from alerts.models import AlertEvent, Incident, Notification, SLOAlert


def alert(one: SLOAlert, delivery: Delivery = NOTHING_SENT) -> dict[str, Any]:
    return {
        "id": one.pk,
        "slo_definition_id": one.slo_id,
        "slo_name": one.slo.name if one.slo else None,
        "subject": one.subject,
        "measurement_id": one.measurement_id,
        "alert_type": one.alert_type,
        "severity": one.severity,
        "state": one.state,
        "title": one.title,
        "message": one.message,
        "current_value": _number(one.current_value),
        "target_value": _number(one.target_value),
        "breached_at": one.breached_at,
        "acknowledged_at": one.acknowledged_at,
        "acknowledged_by": _name(one.acknowledged_by),
        "assigned_to": _name(one.assigned_to),
        "snoozed_until": one.snoozed_until,
        "snoozed_until_better": one.snoozed_until_better,
        "resolved_at": one.resolved_at,
        "resolved_by": _name(one.resolved_by),
        "resolution": one.resolution,
        "resolution_notes": one.resolution_notes,
        "notification_sent": delivery.sent,
        "notification_attempts": delivery.attempts,
        "last_notification_at": delivery.last_at,
        "reopenings": one.reopenings,
        "version": one.version,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
    }


def event(one: AlertEvent) -> dict[str, Any]:
    return {"kind": one.kind, "at": one.at, "actor": _name(one.actor), "channel": one.channel, "note": one.note}


def delivery(one: Notification) -> dict[str, Any]:
    """One reader's notification and the message that carries it; null while it waits for one."""
    message = one.message
    return {
        "channel": one.channel.name,
        "kind": one.channel.kind,
        "target": one.target,
        "reason": one.reason,
        "state": message.state if message else one.state,
        "attempts": message.attempt if message else 0,
        "error": message.error if message else "",
        "created_at": one.created_at,
        "next_attempt_at": message.next_attempt_at if message else one.due_at,
        "sent_at": message.sent_at if message else None,
    }


def incident(one: Incident | None) -> dict[str, Any] | None:
    if one is None:
        return None
    items = [{"text": item.text, "done_at": item.done_at, "done_by": _name(item.done_by)} for item in one.items.all()]
    return {
        "id": one.pk,
        "owner": _name(one.owner),
        "opened_at": one.opened_at,
        "closed_at": one.closed_at,
        "checklist": items,
    }


def _name(user: User | None) -> str | None:
    return user.get_username() if user else None


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
