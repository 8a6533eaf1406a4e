"""System checks for settings that cannot work: named, with the way out."""

import sys
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from slo_portal import env

LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]"}


def environment(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """What `slo_portal.env` could not make sense of (E001 to E007)."""
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
    if set(settings.ALLOWED_HOSTS) <= LOCAL_HOSTS:
        hint = "Set ALLOWED_HOSTS to the name that your TLS proxy serves. Without a proxy leave HTTPS out."
        found.append(
            Warning("HTTPS is on, but only this machine's own names are allowed.", hint=hint, id="slo_portal.W001")
        )
    return found


def refuse_broken_settings() -> None:
    """For servers, which run no system checks of their own: end the process with what is wrong."""
    found = [*environment(None), *hosts(None), *https(None)]
    serious = [str(message) for message in found if message.is_serious()]
    if serious:
        sys.exit("\n".join(serious))
