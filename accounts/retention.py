"""Clean-up of what accounts keep: ended sessions, stored answers, and the audit trail after two years."""

from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django.db import connection

from accounts.models import AuditEntry, StoredAnswer
from accounts.replay import KEPT

AUDIT = timedelta(days=730)


def clean(*, now: datetime, dry_run: bool = False) -> dict[str, int]:
    """Delete what has outlived its time, of all organisations; rows by their name."""
    sessions = Session.objects.filter(expire_date__lt=now)
    answers = StoredAnswer.objects.filter(claimed_at__lt=now - KEPT)
    return {
        "sessions": sessions.count() if dry_run else sessions.delete()[0],
        "stored answers": answers.count() if dry_run else answers.delete()[0],
        "audit entries": _clean_audit(now - AUDIT, dry_run=dry_run),
    }


def _clean_audit(before: datetime, *, dry_run: bool) -> int:
    """By the one way there is (slo_portal.walls): nobody may delete younger ones."""
    if dry_run:
        return AuditEntry.objects.filter(at__lt=before).count()
    with connection.cursor() as cursor:
        cursor.execute("SELECT forget_audit(%s)", [before])
        return cursor.fetchone()[0]
