"""The verbs of an alert: what people do with it, the same from page, API, admin and command.

Each is one transaction that locks the alert, so of twenty people who acknowledge at once exactly one does; the others
get a Conflict that says who and when. Each change is an AlertEvent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest

from accounts import audit
from accounts.models import User
from alerts import outbox
from alerts.kinds import Resolution
from alerts.models import AlertEvent, SLOAlert
from kpis.failpoints import fp

UNDO_WITHIN = timedelta(minutes=10)
LONGEST_SNOOZE = timedelta(days=30)
UNCHANGED = "Nothing was changed."
Kind = AlertEvent.Kind
Changes = dict[str, Any]
Done = tuple[SLOAlert, bool]  # the alert as it is now, and whether this act changed it


@dataclass(frozen=True)
class By:
    """Who acts, and from where (AlertEvent.Channel)."""

    user: User | None
    channel: str
    request: HttpRequest | None = None  # from where, for the audit trail


class Conflict(Exception):
    """The alert is not as the actor thinks; nothing was changed."""

    def __init__(self, alert: SLOAlert, text: str) -> None:
        super().__init__(text)
        self.alert, self.text = alert, text


class Stale(Conflict):
    """It has changed since the actor looked; what was wanted may still be done."""


class AlreadyDone(Exception):
    """The same actor has done the same before: nothing to change."""


def acknowledge(alert: SLOAlert, *, by: By, now: datetime, note: str = "", version: int | None = None) -> Done:
    """Take it on: stops the escalation. Raises Conflict."""

    def decide(current: SLOAlert) -> Changes:
        _refuse_resolved(current)
        if current.acknowledged_at and current.acknowledged_by_id == _pk(by):
            raise AlreadyDone
        if current.acknowledged_at:
            raise Conflict(
                current, f"{_name(current.acknowledged_by)} acknowledged this first, at {_when(current)}. {UNCHANGED}"
            )
        _refuse_stale(current, version)
        return {"acknowledged_at": now, "acknowledged_by": by.user}

    return _change(alert, decide, Kind.ACKNOWLEDGED, by=by, now=now, note=note, then=outbox.cancel_escalation)


def unacknowledge(alert: SLOAlert, *, by: By, now: datetime) -> Done:
    """Take an acknowledgement back, within ten minutes and by who gave it. Raises Conflict."""

    def decide(current: SLOAlert) -> Changes:
        _refuse_resolved(current)
        if current.acknowledged_at is None:
            raise AlreadyDone
        if current.acknowledged_by_id != _pk(by):
            raise Conflict(current, f"{_name(current.acknowledged_by)} acknowledged this; only they can take it back.")
        if now - current.acknowledged_at > UNDO_WITHIN:
            raise Conflict(current, "An acknowledgement can be taken back for ten minutes.")
        due = current.next_step_at and current.next_step_at + (now - current.acknowledged_at)
        return {"acknowledged_at": None, "acknowledged_by": None, "next_step_at": due}

    return _change(alert, decide, Kind.UNACKNOWLEDGED, by=by, now=now)


def resolve(alert: SLOAlert, *, by: By, now: datetime, note: str = "", version: int | None = None) -> Done:
    """End it, whoever has acknowledged it; while its condition holds, no new one of its type opens. Raises Conflict."""

    def decide(current: SLOAlert) -> Changes:
        if current.resolved_at and current.resolved_by_id == _pk(by) and current.resolution == Resolution.PERSON:
            raise AlreadyDone
        _refuse_resolved(current)
        _refuse_stale(current, version)
        return {
            "resolved_at": now,
            "resolved_by": by.user,
            "resolution": Resolution.PERSON,
            "resolution_notes": note,
            "holds_back": current.is_firing,
            "next_step_at": None,
            **UNSNOOZED,
        }

    return _change(alert, decide, Kind.RESOLVED, by=by, now=now, note=note, then=outbox.tell_resolved)


def reopen(alert: SLOAlert, *, by: By, now: datetime, note: str = "") -> Done:
    """Open again what was resolved, unless another of its type is open. Raises Conflict."""

    def decide(current: SLOAlert) -> Changes:
        if current.resolved_at is None:
            raise AlreadyDone
        same = {name: getattr(current, name) for name in ("organization_id", "slo_id", "subject", "alert_type")}
        newer = SLOAlert.objects.unresolved().filter(**same).first()
        if newer:
            raise Conflict(newer, "A newer alert of the same kind is open.")
        return {
            "resolved_at": None,
            "resolved_by": None,
            "resolution": "",
            "holds_back": False,
            "quiet_since": None,
            "acknowledged_at": None,
            "acknowledged_by": None,
            "reopened_at": now,
            "told_severity": "",  # who heard of its end hears of this
        }

    return _change(alert, decide, Kind.REOPENED, by=by, now=now, note=note, then=outbox.cancel_resolved)


def snooze(
    alert: SLOAlert, *, by: By, now: datetime, until: datetime | None = None, until_better: bool = False, note: str = ""
) -> Done:
    """Send nothing more until a time, or until it is better; ends when it worsens. Raises Conflict, ValidationError."""
    if until_better == (until is not None):
        raise ValidationError({"until": "Name a time, or say until better."})
    if until is not None and not now < until <= now + LONGEST_SNOOZE:
        raise ValidationError({"until": f"Name a time within the next {LONGEST_SNOOZE.days} days."})

    def decide(current: SLOAlert) -> Changes:
        _refuse_resolved(current)
        if (current.snoozed_until, current.snoozed_until_better) == (until, until_better):
            raise AlreadyDone
        return {"snoozed_until": until, "snoozed_until_better": until_better}

    return _change(alert, decide, Kind.SNOOZED, by=by, now=now, note=note, then=outbox.cancel_escalation)


def unsnooze(alert: SLOAlert, *, by: By, now: datetime) -> Done:
    def decide(current: SLOAlert) -> Changes:
        _refuse_resolved(current)
        if current.snoozed_until is None and not current.snoozed_until_better:
            raise AlreadyDone
        return dict(UNSNOOZED)

    return _change(alert, decide, Kind.UNSNOOZED, by=by, now=now)


def assign(alert: SLOAlert, *, by: By, now: datetime, to: User | None, note: str = "") -> Done:
    """Give it to a member of its organisation, or to nobody. Raises Conflict, ValidationError."""
    if to is not None and not to.memberships.filter(organization=alert.organization_id).exists():
        raise ValidationError({"to": "Name a member of the organisation."})

    def decide(current: SLOAlert) -> Changes:
        _refuse_resolved(current)
        if current.assigned_to_id == (to and to.pk):
            raise AlreadyDone
        return {"assigned_to": to}

    return _change(alert, decide, Kind.ASSIGNED, by=by, now=now, note=note)


def note(alert: SLOAlert, *, by: By, now: datetime, text: str) -> Done:
    """Write something down; also of a resolved alert. It is no new version: nobody's form goes stale by it."""
    if not text.strip():
        raise ValidationError({"note": "Write something."})
    AlertEvent.objects.create(
        organization_id=alert.organization_id,
        alert=alert,
        kind=Kind.NOTED,
        at=now,
        actor=by.user,
        channel=by.channel,
        note=text.strip(),
    )
    return alert, True


AUDITED: Mapping[str, audit.Action] = {
    Kind.ACKNOWLEDGED: audit.Action.ACKNOWLEDGED,
    Kind.RESOLVED: audit.Action.RESOLVED,
}
UNSNOOZED: Changes = {"snoozed_until": None, "snoozed_until_better": False}


def _change(
    alert: SLOAlert,
    decide: Callable[[SLOAlert], Changes],
    kind: str,
    *,
    by: By,
    now: datetime,
    note: str = "",
    then: Callable[[SLOAlert, AlertEvent, datetime], None] | None = None,
) -> Done:
    """Lock, decide, write, record; `then` writes what follows into the outbox, in the same transaction."""
    with transaction.atomic():
        current = SLOAlert.objects.select_for_update(of=["self"]).select_related("organization").get(pk=alert.pk)
        try:
            changes = decide(current)
        except AlreadyDone:
            return current, False
        event = write(current, changes, kind, by=by, now=now, note=note)
        if kind in AUDITED:
            _audit(AUDITED[kind], current, by, now)
        if then:
            then(current, event, now)
        fp("lifecycle.before_commit")
    fp("lifecycle.after_commit")
    return current, True


def _audit(action: audit.Action, alert: SLOAlert, by: By, now: datetime) -> None:
    audit.record(action, now=now, request=by.request, actor=by.user, organization=alert.organization, on=alert)


def write(
    alert: SLOAlert, changes: Changes, kind: str, *, by: By, now: datetime, note: str = "", **details: Any
) -> AlertEvent:
    """The new version of a locked alert, and its event."""
    for name, value in changes.items():
        setattr(alert, name, value)
    alert.version += 1
    alert.updated_at = now
    alert.save(update_fields=[*changes, "version", "updated_at"])
    return AlertEvent.objects.create(
        organization_id=alert.organization_id,
        alert=alert,
        kind=kind,
        at=now,
        actor=by.user,
        channel=by.channel,
        note=note,
        details={"version": alert.version, **plain(changes), **details},
    )


def plain(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes as JSON: names for people, text for times."""
    simple = (str, int, float, bool, type(None))
    return {
        name: value if isinstance(value, simple) else value.isoformat() if isinstance(value, datetime) else str(value)
        for name, value in changes.items()
    }


def _refuse_resolved(alert: SLOAlert) -> None:
    if alert.resolved_at is None:
        return
    who = _name(alert.resolved_by) if alert.resolution == Resolution.PERSON else "the portal, because it was over"
    raise Conflict(alert, f"Resolved by {who}, at {_when(alert)}. {UNCHANGED}")


def _refuse_stale(alert: SLOAlert, version: int | None) -> None:
    if version is not None and version != alert.version:
        raise Stale(alert, f"It has changed since you looked: it is {alert.severity} and {alert.state} now.")


def _pk(by: By) -> Any:
    return by.user and by.user.pk


def _name(user: User | None) -> str:
    return user.shown_name if user else "Somebody"


def _when(alert: SLOAlert) -> str:
    """The local time of the last act."""
    at = alert.resolved_at or alert.acknowledged_at
    return f"{at.astimezone(alert.organization.time_zone):%Y-%m-%d %H:%M}" if at else "an unknown time"
