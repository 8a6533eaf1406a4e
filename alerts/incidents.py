"""The record of an incident: who has it and what is done. Its timeline is that of its alert."""

from datetime import datetime
from typing import Any

from django.db import transaction

from alerts import recipients, runbooks
from alerts.lifecycle import By
from alerts.models import AlertEvent, ChecklistItem, Incident, SLOAlert

PORTAL = By(None, AlertEvent.Channel.SYSTEM)


@transaction.atomic
def open_for(alert: SLOAlert, *, now: datetime) -> Incident:
    """The incident of an alert, opened if there is none, opened again if it was closed.

    It begins with the assignee, the owner of the objective or who is on call, and with the checklist of the runbook.
    """
    incident = Incident.objects.select_for_update().filter(alert=alert).first()
    if incident is None:
        owner = alert.assigned_to or recipients.answerable(alert.organization, alert.slo, now=now)
        incident = Incident.objects.create(
            organization_id=alert.organization_id, alert=alert, owner=owner, opened_at=now
        )
        texts = runbooks.checklist(alert.slo.runbook) if alert.slo else []
        ChecklistItem.objects.bulk_create(
            ChecklistItem(incident=incident, position=position, text=text) for position, text in enumerate(texts, 1)
        )
        _record(incident, "Opened.", by=PORTAL, now=now, owner=_name(incident))
    elif incident.closed_at:
        incident.closed_at = None
        incident.save(update_fields=["closed_at"])
        _record(incident, "Opened again.", by=PORTAL, now=now)
    return incident


@transaction.atomic
def take(incident: Incident, *, by: By, now: datetime) -> bool:
    """The actor has it from now on; False when so before."""
    current = _locked(incident)
    if by.user is None or current.owner_id == by.user.pk:
        return False
    before = _name(current)
    incident.owner = current.owner = by.user
    current.save(update_fields=["owner"])
    _record(current, "Taken over." if before else "Taken.", by=by, now=now, owner=_name(current), was=before)
    return True


@transaction.atomic
def check(item: ChecklistItem, *, by: By, now: datetime, done: bool) -> bool:
    """Tick an item, or take the tick back; False when somebody has done so before."""
    done_at, done_by = (now, by.user) if done else (None, None)
    changed = ChecklistItem.objects.filter(pk=item.pk, done_at__isnull=done).update(done_at=done_at, done_by=done_by)
    item.refresh_from_db(fields=["done_at", "done_by"])
    if changed:
        note = f"{'Done' if done else 'Not done'}: {item.text}"
        _record(item.incident, note, by=by, now=now, kind=AlertEvent.Kind.CHECKED, position=item.position, done=done)
    return bool(changed)


@transaction.atomic
def close(incident: Incident, *, by: By, now: datetime, note: str = "") -> bool:
    """Nothing more is to be done; False when somebody has said so before. Its alert has an end of its own."""
    current = _locked(incident)
    if current.closed_at:
        return False
    incident.closed_at = current.closed_at = now
    current.save(update_fields=["closed_at"])
    _record(current, f"Closed. {note}".strip(), by=by, now=now)
    return True


def _locked(incident: Incident) -> Incident:
    return Incident.objects.select_for_update(of=["self"]).select_related("owner").get(pk=incident.pk)


def _record(
    incident: Incident,
    note: str,
    *,
    by: By,
    now: datetime,
    kind: AlertEvent.Kind = AlertEvent.Kind.INCIDENT,
    **details: Any,
) -> None:
    AlertEvent.objects.create(
        organization_id=incident.organization_id,
        alert_id=incident.alert_id,
        kind=kind,
        at=now,
        actor=by.user,
        channel=by.channel,
        note=note,
        details=details,
    )


def _name(incident: Incident) -> str:
    owner = incident.owner
    return owner.shown_name if owner else ""
