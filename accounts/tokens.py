"""Bearer tokens: made once, shown once, stored only as a hash."""

import hashlib
import secrets
import zlib
from datetime import datetime, timedelta

from accounts.models import ApiToken, Organization, User

PREFIX = "slo_"
USE_IS_NOTED_EVERY = timedelta(minutes=1)  # a busy token must not cost a write per request


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def issue(
    user: User, organization: Organization, *, name: str, scope: str, expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """Make a token; the second value is the token itself and exists nowhere else."""
    body = PREFIX + secrets.token_urlsafe(32)
    secret = body + _checksum(body)
    token = ApiToken.objects.create(
        user=user,
        organization=organization,
        name=name,
        scope=scope,
        prefix=secret[:10],
        digest=_digest(secret),
        expires_at=expires_at,
    )
    return token, secret


def find(secret: str, *, now: datetime) -> ApiToken | None:
    """The usable token behind `secret`, its use noted; None for anything else."""
    if not secret.startswith(PREFIX) or _checksum(secret[:-8]) != secret[-8:]:
        return None
    token = ApiToken.objects.usable(now).select_related("user", "organization").filter(digest=_digest(secret)).first()
    if token and (token.last_used_at is None or now - token.last_used_at > USE_IS_NOTED_EVERY):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def revoke(token: ApiToken, *, now: datetime) -> None:
    """From the next request on the token is refused; a second call changes nothing."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now)
