"""The audit trail: one verb for everything that somebody may ask about later. No secret goes in."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Model
from django.http import HttpRequest

from accounts import access, addresses
from accounts.models import AuditEntry, Organization, User

Action = AuditEntry.Action
Changes = Mapping[str, Sequence[Any]]
SECRET = re.compile(r"passw|secret|token|digest|credential", re.IGNORECASE)  # in the name of a field
HIDDEN = "(not shown)"
LONGEST = 500  # characters of a value
REFUSALS_ONCE_IN, REFUSALS_AT_MOST = timedelta(minutes=1), 30
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def record(
    action: Action,
    *,
    now: datetime,
    request: HttpRequest | None = None,
    actor: User | None = None,
    organization: Organization | None = None,
    on: Model | None = None,
    changes: Changes | None = None,
    note: str = "",
) -> None:
    """Add an entry. What is left out is taken from the request: who acts, in which organisation, from where.

    `changes` are {field: [old, new]}; values of fields that sound secret are replaced.
    """
    actor = actor or actor_of(request)
    AuditEntry.objects.create(
        organization=organization or _organization(request, on),
        at=now,
        action=action,
        actor_id=actor.pk if actor else None,
        actor_name=actor.get_username() if actor else "",
        object_type=on._meta.label_lower if on else "",
        object_id=str(on.pk)[:64] if on else "",
        object_label=clean(str(on), 200) if on else "",
        address=(address_of(request) or None) if request else None,
        request_id=getattr(request, "id", ""),
        changes={name: [_plain(name, value) for value in pair] for name, pair in (changes or {}).items()},
        note=clean(note, 300),
    )


def refused(request: HttpRequest, *, now: datetime) -> None:
    """Somebody known met a closed door. Each door is noted once a minute and only so many: nobody fills the table."""
    actor = actor_of(request)
    if actor is None:
        return
    note = clean(f"{request.method} {request.path}", 300)
    recent = AuditEntry.objects.filter(actor_id=actor.pk, at__gt=now - REFUSALS_ONCE_IN, action=Action.REFUSED)
    noted = list(recent.values_list("note", flat=True)[:REFUSALS_AT_MOST])
    if note not in noted and len(noted) < REFUSALS_AT_MOST:
        record(Action.REFUSED, now=now, request=request, note=note)


def actor_of(request: HttpRequest | None) -> User | None:
    """Whoever is signed in, or owns the token; None for a stranger."""
    user = getattr(request, "user", None)
    return user if isinstance(user, User) else None


def address_of(request: HttpRequest) -> str:
    """Where the request comes from, past the proxies of TRUSTED_PROXIES; empty when unknown."""
    peer, forwarded = request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", "")
    return addresses.nearest(peer, forwarded, settings.TRUSTED_PROXIES)


def clean(text: str, longest: int) -> str:
    """One line that the database can hold."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)[:longest]


def _organization(request: HttpRequest | None, on: Model | None) -> Organization | None:
    if isinstance(on, Organization):
        return on
    if isinstance(own := getattr(on, "organization", None), Organization):
        return own
    given = getattr(request, "auth", None)  # of a token
    found = given if isinstance(given, access.Access) else access.of_request(request) if request else None
    return found.organization if found else None


def _plain(name: str, value: Any) -> Any:
    """As JSON can hold it."""
    if SECRET.search(name):
        return HIDDEN
    if value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, Mapping):
        return {str(key)[:100]: _plain(str(key), inner) for key, inner in list(value.items())[:100]}
    if not isinstance(value, str) and hasattr(value, "__iter__"):
        return [_plain("", one) for _, one in zip(range(100), value, strict=False)]
    return clean(str(value), LONGEST)
