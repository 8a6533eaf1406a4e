"""System checks for settings that cannot work: named, with the way out."""

import sys
from collections.abc import Sequence
from email.utils import parseaddr
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from alerts.transports.guard import AllowList
from slo_portal import env

LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]"}
SHORT_TOKEN = 16  # characters


def environment(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """What `slo_portal.env` could not make sense of (E001 to E007, E010, E011)."""
    return [Error(problem.message, hint=problem.hint, id=f"slo_portal.{problem.code}") for problem in env.problems]


def hosts(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    if settings.DEBUG or settings.ALLOWED_HOSTS:
        return []
    hint = "Name the hosts that people type, separated by commas, or leave ALLOWED_HOSTS out for this machine only."
    return [Error("ALLOWED_HOSTS is empty: every request would be refused.", hint=hint, id="slo_portal.E008")]


def https(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    if not settings.HTTPS:
        return []
    found: list[CheckMessage] = []
    if settings.DEBUG:
        hint = "Leave DEBUG out wherever others can reach the portal."
        found.append(
            Error(
                "DEBUG shows settings and code to everyone who can reach an HTTPS portal.",
                hint=hint,
                id="slo_portal.E009",
            )
        )
    if not settings.TRUSTED_PROXIES:
        hint = "Set TRUSTED_PROXIES to the address from which your TLS proxy calls, such as 127.0.0.1."
        text = (
            "HTTPS is on, but no proxy is trusted: all callers seem to have one address, also for the sign-in throttle."
        )
        found.append(Warning(text, hint=hint, id="slo_portal.W030"))
    if set(settings.ALLOWED_HOSTS) <= LOCAL_HOSTS:
        hint = "Set ALLOWED_HOSTS to the name that your TLS proxy serves. Without a proxy leave HTTPS out."
        found.append(
            Warning("HTTPS is on, but only this machine's own names are allowed.", hint=hint, id="slo_portal.W001")
        )
    return found


def notifications(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    senders = [("MAIL_FROM", parseaddr(settings.MAIL_FROM)[1])]
    for name, value in [*senders, *(("ALERT_EMAIL_TO", one) for one in settings.ALERT_EMAIL_TO)]:
        if not _is_email(value):
            hint = "Write name@example.com; several in ALERT_EMAIL_TO are separated by commas."
            found.append(Error(f"{name} has {value!r}, which is no e-mail address.", hint=hint, id="slo_portal.E012"))
    twilio = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM")
    missing = [name for name in twilio if not getattr(settings, name)]
    if settings.ALERT_SMS_ENABLED and missing:
        hint = "Set all three from Twilio's console, or leave ALERT_SMS_ENABLED out."
        text = f"ALERT_SMS_ENABLED is on, but SMS cannot be sent without {', '.join(missing)}."
        found.append(Error(text, hint=hint, id="slo_portal.E013"))
    try:
        AllowList.read(settings.OUTGOING_ALLOWED)
    except ValueError as error:
        hint = "Write hooks.example.com:8080, 10.1.2.3, 10.1.0.0/16 or [fd00::1]:443, separated by commas."
        text = f"OUTGOING_ALLOWED has {str(error)!r}, which is neither a host nor a network."
        found.append(Error(text, hint=hint, id="slo_portal.E014"))
    encrypted = settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL
    if settings.EMAIL_HOST_USER and not encrypted and settings.EMAIL_HOST not in {"localhost", "127.0.0.1", "::1"}:
        hint = "Write smtp+starttls:// or smtps:// in place of smtp://."
        found.append(Warning("SMTP_URL sends its password without encryption.", hint=hint, id="slo_portal.W002"))
    return found


def scraping(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.METRICS_TOKEN and len(settings.METRICS_TOKEN) < SHORT_TOKEN:
        hint = "Set a random one: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
        found.append(Error("METRICS_TOKEN can be guessed: it is too short.", hint=hint, id="slo_portal.E031"))
    is_open = settings.METRICS_ENABLED and not (settings.METRICS_TOKEN or settings.METRICS_ALLOWED_NETWORKS)
    if is_open and not set(settings.ALLOWED_HOSTS) <= LOCAL_HOSTS:
        text = "Whoever can reach the portal reads the figures of all organisations at /health/metrics."
        hint = "Set METRICS_TOKEN for your Prometheus, or METRICS_ALLOWED_NETWORKS to where it calls from."
        found.append(Warning(text, hint=hint, id="slo_portal.W031"))
    return found


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def refuse_broken_settings() -> None:
    """For servers, which run no system checks of their own: end the process with what is wrong."""
    found = [message for check in CHECKS for message in check(None)]
    serious = [str(message) for message in found if message.is_serious()]
    if serious:
        sys.exit("\n".join(serious))


CHECKS = (environment, hosts, https, notifications, scraping)
