"""Mail that nobody sends: without an SMTP server it is kept, and read on the local mailbox page."""

from collections.abc import Sequence

from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import make_msgid

from accounts.models import Organization
from alerts.models import Mail
from alerts.transports.message import KEY_HEADER, ORGANIZATION_HEADER


class MailboxBackend(BaseEmailBackend):
    """Stores each mail once per recipient; a mail that comes again with its key is the same one."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        return sum(_store(message, target) for message in email_messages for target in message.recipients())


def _store(message: EmailMessage, target: str) -> bool:
    slug = message.extra_headers.get(ORGANIZATION_HEADER)
    key = message.extra_headers.get(KEY_HEADER) or make_msgid()
    content = {
        "organization": Organization.objects.filter(slug=slug).first() if slug else None,
        "target": target[:254],
        "subject": message.subject[:300],
        "text": message.body,
        "html": _html(message),
    }
    _, stored = Mail.objects.get_or_create(key=f"{key}:{target}"[:200], defaults=content)
    return stored


def _html(message: EmailMessage) -> str:
    parts = message.alternatives if isinstance(message, EmailMultiAlternatives) else []
    return next((str(content) for content, mimetype in parts if mimetype == "text/html"), "")
