"""E-mail: by SMTP where the operator named a server, else into the local mailbox (a mail backend like any other)."""

import hashlib
import logging
import re
import smtplib
from collections.abc import Mapping
from contextlib import closing, suppress
from datetime import datetime
from email.utils import parseaddr
from time import monotonic

from django.conf import settings
from django.core import mail
from django.core.mail.backends.smtp import EmailBackend
from django.template.loader import render_to_string

from alerts.transports import http, pictures, texts
from alerts.transports.message import KEY_HEADER, ORGANIZATION_HEADER, DeliveryError, Item, Outgoing, Receipt

logger = logging.getLogger(__name__)
NOT_THE_ADDRESS = re.compile(r"\b5\.(2\.2|3\.\d+|7\.\d+)\b")  # box full, trouble of the server, policy: it may pass
MOST_IN_FULL = 25  # more alerts than these are a list in the HTML; the text has all of each
TONES = {"incident": "bad", "critical": "bad", "warning": "risk", "resolved": "good"}
COLOURS = {"bad": "#b3261e", "risk": "#8a5300", "good": "#1e7038", "plain": "#5b6471"}  # on white, 4.5 : 1 or more


def send(config: Mapping[str, str], target: str, outgoing: Outgoing, *, now: datetime) -> Receipt:
    start = monotonic()
    backend, message = mail.get_connection(), build(target, outgoing)
    if isinstance(backend, EmailBackend):
        status = _deliver(backend, message, target, start + http.SECONDS)
    else:
        backend.send_messages([message])
        status = "stored"
    return Receipt(status, message.extra_headers["Message-ID"], monotonic() - start)


def build(target: str, outgoing: Outgoing) -> mail.EmailMultiAlternatives:
    headers = {
        "Message-ID": _id(outgoing.key),
        KEY_HEADER: outgoing.key,
        ORGANIZATION_HEADER: outgoing.organization_slug,
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }
    if len(outgoing.items) == 1:  # all that is said about one alert stays together
        headers["References"] = headers["In-Reply-To"] = _id(f"alert {outgoing.items[0].alert_id}")
    message = mail.EmailMultiAlternatives(texts.subject(outgoing), texts.text(outgoing), to=[target], headers=headers)
    html = outgoing.items[0].html or _html(outgoing)
    if html:
        message.attach_alternative(html, "text/html")
    return message


def _html(outgoing: Outgoing) -> str:
    """A template that fails costs its layout, never the message."""
    rows = [_row(item, outgoing) for item in outgoing.items]
    context = {"outgoing": outgoing, "items": rows, "full": len(rows) <= MOST_IN_FULL}
    context |= {"subject": texts.subject(outgoing), "counted": texts.counted(outgoing)}
    try:
        return render_to_string("alerts/mail/alerts.html", context)
    except Exception:
        logger.exception("The HTML of a mail could not be made; it goes out as plain text.")
        return ""


def _row(item: Item, outgoing: Outgoing) -> dict[str, object]:
    label = texts.label(item)
    tone = TONES.get(label, "plain")
    return {
        "item": item,
        "label": label,
        "tone": tone,
        "mark": texts.MARKS.get(label, "○"),
        "colour": COLOURS[tone],
        "reason": texts.reason(item),
        "since": texts.since(item, outgoing),
        "paragraphs": [line for line in item.message.split("\n") if line.strip()],
        "named": item.slo_name in item.title,
    }


def _id(name: str) -> str:
    """A Message-ID that is the same for the same name."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].partition("@")[2] or "localhost"
    return f"<{hashlib.sha256(name.encode()).hexdigest()[:32]}@{domain}>"


def _deliver(backend: EmailBackend, message: mail.EmailMultiAlternatives, target: str, end: float) -> str:
    """One connection, step by step, because what is known after a failure depends on the step."""
    content = re.sub(rb"\r?\n", b"\r\n", pictures.beside(message.message().as_bytes()))
    try:
        with closing(_connect(backend)) as smtp:
            _greet(smtp, backend)
            return _transmit(smtp, parseaddr(message.from_email)[1], target, content, end)
    except smtplib.SMTPAuthenticationError:
        raise DeliveryError("The mail server refuses user and password. The operator corrects SMTP_URL.") from None
    except smtplib.SMTPResponseException as error:
        raise DeliveryError(f"The mail server answered {_said(error.smtp_code, error.smtp_error)}.") from None
    except (smtplib.SMTPException, OSError):
        raise DeliveryError("The mail server does not answer, or not in time.") from None


def _connect(backend: EmailBackend) -> smtplib.SMTP:
    """Django's own way leaves a connection open when the server refuses the password."""
    name = str(mail.utils.DNS_NAME)
    if backend.use_ssl:
        return smtplib.SMTP_SSL(backend.host, backend.port, name, timeout=http.SECONDS, context=backend.ssl_context)
    return smtplib.SMTP(backend.host, backend.port, name, timeout=http.SECONDS)


def _greet(smtp: smtplib.SMTP, backend: EmailBackend) -> None:
    if backend.use_tls:
        smtp.starttls(context=backend.ssl_context)
    if backend.username and backend.password:
        smtp.login(backend.username, backend.password)
    smtp.ehlo_or_helo_if_needed()


def _transmit(smtp: smtplib.SMTP, sender: str, target: str, content: bytes, end: float) -> str:
    for step, argument in (("MAIL", f"FROM:<{sender}>"), ("RCPT", f"TO:<{target}>"), ("DATA", "")):
        _hurry(smtp, end)
        code, said = smtp.docmd(step, argument)
        if step == "RCPT" and code >= 500:
            lasting = not NOT_THE_ADDRESS.search(_said(code, said))
            raise DeliveryError(f"The mail server refuses {target}: {_said(code, said)}.", permanent=lasting)
        if code not in (250, 251, 354):
            raise smtplib.SMTPResponseException(code, said)
    try:
        _hurry(smtp, end)
        smtp.send(re.sub(rb"(?m)^\.", b"..", content) + (b"" if content.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        code, said = smtp.getreply()
    except (smtplib.SMTPException, OSError):
        raise DeliveryError(
            "The mail server had the mail and gave no answer: it may have taken it.", unknown=True
        ) from None
    if code != 250:
        raise smtplib.SMTPResponseException(code, said)
    with suppress(smtplib.SMTPException, OSError):
        smtp.putcmd("QUIT")  # nobody waits for its answer
    return _said(code, said)


def _hurry(smtp: smtplib.SMTP, end: float) -> None:
    left = end - monotonic()
    if left <= 0:
        raise TimeoutError
    if smtp.sock is not None:
        smtp.sock.settimeout(left)


def _said(code: int, text: bytes | str) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return texts.clip(texts.one_line(f"{code} {words}"), 150)
