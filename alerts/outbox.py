"""What is to be told, as rows: written in the transaction that gives the reason, sent by alerts.delivery.

A notification is told once: its key names the event, the channel and the target.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from accounts.models import Organization
from alerts import silences
from alerts.kinds import Reason, Resolution, Severity
from alerts.models import AlertEvent, Channel, Notification, SLOAlert

SETTLES_WITHIN = timedelta(hours=1)  # the end of what has flapped is told when it has lasted
ESCALATION = [Reason.ESCALATED, Reason.REPEATED, Reason.REMINDER]
State = Notification.State


class Target(NamedTuple):
    """One reader: an address in a channel; "" where the channel has only one."""

    channel: Channel
    address: str


class Said(NamedTuple):
    """A notification in words: title, text, and a line for a telephone."""

    title: str
    text: str
    short: str


class Document(NamedTuple):
    """A mail with a layout of its own: its subject, its text, its HTML and the path of its page."""

    title: str
    text: str
    html: str
    path: str


def tell(
    alert: SLOAlert, event: AlertEvent, targets: Iterable[Target], reason: Reason, said: Said, *, due_at: datetime
) -> int:
    """One row for each target; returns how many there are."""
    rows = [
        Notification(
            organization_id=alert.organization_id,
            alert=alert,
            event=event,
            channel=target.channel,
            target=target.address,
            reason=reason,
            severity=alert.severity,
            title=said.title,
            text=said.text,
            short=said.short,
            due_at=due_at,
            dedupe_key=f"{event.pk}:{target.channel.pk}:{target.address}",
            created_at=event.at,
        )
        for target in targets
    ]
    Notification.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def post(organization: Organization, key: str, targets: Iterable[Target], written: Document, *, now: datetime) -> None:
    """Send what is about no alert, a report: to each target once for its key."""
    rows = [
        Notification(
            organization=organization,
            channel=target.channel,
            target=target.address,
            reason=Reason.REPORT,
            severity=Severity.INFO,
            due_at=now,
            dedupe_key=f"{key}:{target.channel.pk}:{target.address}",
            created_at=now,
            **written._asdict(),
        )
        for target in targets
    ]
    Notification.objects.bulk_create(rows, ignore_conflicts=True)


def told(alert: SLOAlert) -> list[Target]:
    """Everybody who has heard of it, or will."""
    rows = alert.notifications.exclude(state=State.CANCELLED).select_related("channel")
    return list({(row.channel_id, row.target): Target(row.channel, row.target) for row in rows}.values())


def tell_resolved(alert: SLOAlert, event: AlertEvent, now: datetime, said: Said | None = None) -> None:
    """Announce the end to everybody who has heard of the alert; of one that flaps, when it has lasted."""
    cancel_escalation(alert, event, now)
    if alert.resolution == Resolution.SUPERSEDED:
        return  # what took its place is told
    late = SETTLES_WITHIN if alert.reopenings and alert.resolution == Resolution.RECOVERED else timedelta(0)
    due = max(now + late, _end_of_silence(alert, now))
    tell(alert, event, told(alert), Reason.RESOLVED, said or _by_person(alert), due_at=due)


def _end_of_silence(alert: SLOAlert, now: datetime) -> datetime:
    """Who has heard of the alert must not take it for open when the silence is over."""
    silence = silences.active(alert.organization, now=now).of(alert.slo_id)
    return silences.coming(silence, now=now, most=1)[0][1] if silence else now


def _by_person(alert: SLOAlert) -> Said:
    who = alert.resolved_by.shown_name if alert.resolved_by else "Somebody"
    local = f"{alert.resolved_at.astimezone(alert.organization.time_zone):%Y-%m-%d %H:%M}" if alert.resolved_at else ""
    text = f"{who} resolved it at {local}." + (f" {alert.resolution_notes}" if alert.resolution_notes else "")
    title = f"Resolved: {alert.title}"[:200]
    return Said(title, text, f"{title}"[:140])


def cancel_escalation(alert: SLOAlert, event: AlertEvent, now: datetime) -> None:
    """Nobody needs to hear again of what somebody has taken on; what is in a message already goes out."""
    _cancel(alert, ESCALATION)


def cancel_resolved(alert: SLOAlert, event: AlertEvent, now: datetime) -> None:
    """It is not over after all."""
    _cancel(alert, [Reason.RESOLVED])


def _cancel(alert: SLOAlert, reasons: list[Reason]) -> None:
    alert.notifications.filter(state=State.WAITING, reason__in=reasons).update(state=State.CANCELLED)
