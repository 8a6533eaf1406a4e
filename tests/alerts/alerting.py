"""Alerts for the tests of what people see of them and do with them: as the tick writes them, without its figures."""

from datetime import datetime, timedelta
from typing import Any

from accounts.models import Membership, Organization, User
from alerts.kinds import Reason
from alerts.lifecycle import By, write
from alerts.models import AlertEvent, Channel, Message, Notification, SLOAlert

PORTAL = By(None, AlertEvent.Channel.SYSTEM)
Kind = AlertEvent.Kind


def an_alert(
    organization: Organization, sli_type: str | None = "time_to_ready", *, now: datetime, **fields: Any
) -> SLOAlert:
    """One that opens now; of a feed where no SLI is named."""
    slo = organization.slos.get(sli_type=sli_type) if sli_type else None
    given = {
        "alert_type": "burn_rate_warning" if slo else "stale_feed",
        "severity": "warning",
        "title": f"7 of 20 are late: {slo}" if slo else "No invoice since 09:00",
        "message": "7 of 20 invoices were late since 09:10. Most are from Acme.",
        "current_value": "2.4",
        "target_value": "1.5",
        **fields,
    }
    alert = SLOAlert.objects.create(organization=organization, slo=slo, breached_at=now, updated_at=now, **given)
    figures = {"value": "2.4", "threshold": "1.5", "look_back_seconds": 86400, "bad": "7", "total": 20}
    words = {name: given[name] for name in ("severity", "title", "message")}
    AlertEvent.objects.create(
        organization=organization, alert=alert, kind=Kind.OPENED, at=now, details={**words, **figures}
    )
    alert.refresh_from_db()
    return alert


def worsen(alert: SLOAlert, *, now: datetime, severity: str = "critical", title: str = "19 of 20 are late") -> None:
    write(alert, {"severity": severity, "title": title}, Kind.WORSENED, by=PORTAL, now=now, was=alert.severity)


def recover(alert: SLOAlert, *, now: datetime) -> None:
    write(alert, {"resolved_at": now, "resolution": "recovered"}, Kind.RESOLVED, by=PORTAL, now=now)


def a_channel(organization: Organization, name: str = "Operations", **fields: Any) -> Channel:
    given = {"kind": Channel.Kind.EMAIL, "targets": ["ops@example.com"], "for_operations": True, **fields}
    return Channel.objects.create(organization=organization, name=name, **given)


def a_sent_message(organization: Organization, seconds: float = 1, *, now: datetime) -> Message:
    """One that was on its way for some seconds."""
    sent = {"state": Message.State.SENT, "created_at": now - timedelta(seconds=seconds), "sent_at": now}
    channel, _ = Channel.objects.get_or_create(organization=organization, name="Sent", kind=Channel.Kind.EMAIL)
    return Message.objects.create(organization=organization, channel=channel, severity="warning", urgent=False, **sent)


def tell(
    alert: SLOAlert, channel: Channel, *, now: datetime, state: str = Message.State.SENT, **fields: Any
) -> Message:
    """A notification of the alert in a message of its own."""
    waits = state == Message.State.WAITING
    message = Message.objects.create(
        organization=alert.organization, channel=channel, target="ops@example.com", severity=alert.severity,
        urgent=True, state=state, created_at=now, sent_at=now if state == Message.State.SENT else None,
        next_attempt_at=now if waits else None, **{"attempt": 1, **fields},
    )  # fmt: skip
    notify(alert, channel, now=now, message=message, state=Notification.State.BUNDLED)
    return message


def notify(alert: SLOAlert, channel: Channel, *, now: datetime, **fields: Any) -> Notification:
    return Notification.objects.create(
        organization=alert.organization, alert=alert, channel=channel, target="ops@example.com",
        reason=Reason.OPENED, severity=alert.severity, title=alert.title, text=alert.message, due_at=now,
        dedupe_key=f"{alert.pk}:{Notification.objects.count()}", created_at=now, **fields,
    )  # fmt: skip


def a_member(organization: Organization, name: str, role: str = "operator", **fields: Any) -> User:
    user = User.objects.create_user(name, **fields)
    Membership.objects.create(user=user, organization=organization, role=role)
    return user
