"""Who is told now: it follows from how an alert stands, at each tick, so that nothing is told twice or forgotten.

An alert whose severity nobody has heard of yet is told; one that nobody acknowledges escalates; one that somebody has
acknowledged is recalled once a day. Silences and snoozes only put this off.
"""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from accounts.models import Organization
from alerts import outbox
from alerts.judged import Judged, Key
from alerts.kinds import BUDGETS, AlertType, Reason, rank
from alerts.models import AlertEvent, Channel, SLOAlert
from alerts.outbox import Said
from alerts.recipients import Directory
from alerts.saying import said
from alerts.silences import active

log = logging.getLogger(__name__)
REMINDED_AFTER = timedelta(hours=24)
ROSE_BY = Decimal(10)  # percent points of an error budget that make an acknowledged alert worth recalling
Kind = AlertEvent.Kind
KINDS = {
    Reason.OPENED: Kind.TOLD,
    Reason.WORSENED: Kind.TOLD,
    Reason.REOPENED: Kind.TOLD,
    Reason.ESCALATED: Kind.ESCALATED,
    Reason.REPEATED: Kind.REPEATED,
    Reason.REMINDER: Kind.REMINDED,
}


def plan(organization: Organization, alerts: Iterable[SLOAlert], judged: Mapping[Key, Judged], *, now: datetime) -> int:
    """Write what is to be told of the open alerts; returns how many notifications that are."""
    due = [alert for alert in alerts if not alert.is_snoozed(now) and _wish(alert, judged, now)]
    if not due:
        return 0
    silenced, directory = active(organization, now=now), Directory.load(organization, now=now)
    audible = [alert for alert in due if not silenced.of(alert.slo_id)]
    locked = SLOAlert.objects.select_for_update(of=["self"]).select_related("organization", "slo").order_by("pk")
    current = locked.in_bulk([alert.pk for alert in audible])
    return sum(_tell(alert, current[alert.pk], judged, directory, now) for alert in audible if alert.pk in current)


def _key(alert: SLOAlert) -> Key:
    return Key(alert.slo_id, alert.subject, alert.alert_type)


def _wish(alert: SLOAlert, judged: Mapping[Key, Judged], now: datetime) -> Reason | None:
    """Why it is to be told now, if at all."""
    if rank(alert.told_severity) < rank(alert.severity):
        if alert.told_severity:
            return Reason.WORSENED
        return Reason.REOPENED if alert.reopened_at else Reason.OPENED
    if alert.acknowledged_at:
        return Reason.REMINDER if _worth_recalling(alert, judged.get(_key(alert)), now) else None
    if alert.next_step_at is None or alert.next_step_at > now:
        return None
    return Reason.ESCALATED


def _worth_recalling(alert: SLOAlert, one: Judged | None, now: datetime) -> bool:
    """Still firing a day after somebody acknowledged it, or was last reminded of it."""
    since = max(filter(None, [alert.acknowledged_at, alert.told_at]))
    if now - since < REMINDED_AFTER or not alert.is_firing or one is None:
        return False
    if alert.alert_type not in BUDGETS or alert.told_value is None or one.verdict.value is None:
        return True
    return bool(one.verdict.value - alert.told_value >= ROSE_BY)


def _tell(alert: SLOAlert, current: SLOAlert, judged: Mapping[Key, Judged], directory: Directory, now: datetime) -> int:
    """`current` is the alert as it is now, locked."""
    reason = _wish(current, judged, now)
    if current.version != alert.version or reason is None:
        return 0  # a person was faster
    step = 1
    if reason == Reason.ESCALATED:
        last = directory.steps(current.severity, current.slo)
        step, reason = min(current.step + 1, last), Reason.ESCALATED if current.step < last else Reason.REPEATED
    return _write(current, judged.get(_key(alert)), reason, step, directory, now)


def _write(alert: SLOAlert, one: Judged | None, reason: Reason, step: int, directory: Directory, now: datetime) -> int:
    targets = directory.targets(alert.severity, alert.slo, step, avoid=_dead_channel(alert))
    words_now = Said(alert.title, alert.message, alert.short)
    if reason in outbox.ESCALATION:
        words_now = said(alert, one, reason, now)
    event = AlertEvent.objects.create(
        organization_id=alert.organization_id,
        alert=alert,
        kind=KINDS[reason],
        at=now,
        details={"step": step, "told": len(targets)},
    )
    outbox.tell(alert, event, targets, reason, words_now, due_at=now)
    if not targets:
        log.error("nobody can be told of the alert %s: no channel works", alert.pk)
    delay = directory.delay(alert.severity, alert.slo, step)
    alert.told_severity, alert.told_at, alert.step = alert.severity, now, step
    alert.told_value = one.verdict.value if one else alert.current_value
    if reason != Reason.REMINDER:
        alert.next_step_at = now + delay if delay is not None else None
    alert.save(update_fields=["told_severity", "told_at", "told_value", "step", "next_step_at"])
    return len(targets)


def _dead_channel(alert: SLOAlert) -> Channel | None:
    """The one that the alert is about; it still counts as working while it only fails."""
    about = alert.subject if alert.alert_type == AlertType.DELIVERY_FAILURE else None
    return Channel.objects.filter(organization=alert.organization_id, pk=about).first() if about else None
