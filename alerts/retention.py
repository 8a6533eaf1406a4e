"""Clean-up of alerts, a year after they were resolved, with their history, notifications and incidents."""

from datetime import datetime, timedelta

from accounts.models import Organization
from alerts.models import Mail, Message, Notification, SLOAlert
from kpis.forgetting import forget

KEPT = timedelta(days=365)
MAIL = timedelta(days=30)  # in the local mailbox
AT_ONCE = 200  # alerts in one transaction: each has many rows of its own


def clean(organization: Organization, *, now: datetime, dry_run: bool = False) -> dict[str, int]:
    """Delete what has outlived its time, an open alert never; rows by their name."""
    before = now - KEPT
    alerts = SLOAlert.objects.filter(organization=organization, resolved_at__lt=before, created_at__lt=before)
    others = Notification.objects.filter(organization=organization, alert=None, created_at__lt=before)
    messages = Message.objects.filter(organization=organization, created_at__lt=before, notifications=None)
    mails = Mail.objects.filter(organization=organization, created_at__lt=now - MAIL)
    return {
        "alerts": forget(alerts, dry_run=dry_run, at_once=AT_ONCE),
        "notifications": forget(others, dry_run=dry_run),
        "messages": forget(messages.filter(next_attempt_at=None), dry_run=dry_run),
        "mails": forget(mails, dry_run=dry_run),
    }
