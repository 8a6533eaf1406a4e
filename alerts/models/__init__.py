"""Alerts, the outbox, and who is told when."""

from alerts.models.alert import SEVERITIES, TYPES, AlertEvent, SLOAlert, SLOAlertQuerySet, snoozed
from alerts.models.incident import ChecklistItem, Incident
from alerts.models.outbox import Channel, Mail, Message, Notification
from alerts.models.policy import EscalationPolicy, EscalationStep, Rota, RotaMember, RotaOverride, Silence

__all__ = [
    "SEVERITIES",
    "TYPES",
    "AlertEvent",
    "Channel",
    "ChecklistItem",
    "EscalationPolicy",
    "EscalationStep",
    "Incident",
    "Mail",
    "Message",
    "Notification",
    "Rota",
    "RotaMember",
    "RotaOverride",
    "SLOAlert",
    "SLOAlertQuerySet",
    "Silence",
    "snoozed",
]
