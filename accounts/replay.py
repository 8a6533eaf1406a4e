"""Writes that are safe to repeat: under the same `Idempotency-Key` the same request gets the same answer, once done."""

import hashlib
import re
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse

from accounts.access import Access
from accounts.models import StoredAnswer
from accounts.problems import Problem

HEADER = "HTTP_IDEMPOTENCY_KEY"
SOUND = re.compile(r"[\x21-\x7e]{1,200}")
KEPT = timedelta(days=30)
LEASE = timedelta(seconds=60)  # whoever has not answered by then was killed
AT_ONCE = 100  # old answers are cleared away with new ones, so many at a time


class Known(Exception):
    """This request was answered before."""

    def __init__(self, row: StoredAnswer) -> None:
        self.row = row

    def response(self) -> HttpResponse:
        row = self.row
        headers = {"Idempotent-Replayed": "true", **({"Location": row.location} if row.location else {})}
        content = zlib.decompress(row.body or b"")
        return HttpResponse(content, status=row.status, content_type=row.content_type, headers=headers)


@dataclass(frozen=True)
class Claim:
    """The right to answer for a key."""

    row: StoredAnswer

    def keep(self, response: HttpResponse) -> None:
        """What is answered from now on; a failure of the server is forgotten, so that it can be tried again."""
        mine = StoredAnswer.objects.filter(pk=self.row.pk, claimed_at=self.row.claimed_at, status=None)
        if response.status_code >= 500:
            mine.delete()
            return
        mine.update(
            status=response.status_code,
            body=zlib.compress(response.content),
            content_type=response.headers.get("Content-Type", ""),
            location=response.headers.get("Location", ""),
        )

    def release(self) -> None:
        StoredAnswer.objects.filter(pk=self.row.pk, claimed_at=self.row.claimed_at, status=None).delete()


def claim(access: Access, key: str, fingerprint: str, *, now: datetime) -> Claim:
    """Raises Known where the answer is there, Problem where the key cannot be used."""
    if not SOUND.fullmatch(key):
        raise Problem(400, "Idempotency-Key: Must be 1 to 200 characters of ASCII without spaces, such as a UUID.")
    _clear_away(now)
    same = {"organization": access.organization, "user": access.user, "key": key}
    new = StoredAnswer(**same, fingerprint=fingerprint, claimed_at=now)
    StoredAnswer.objects.bulk_create([new], ignore_conflicts=True)  # of two at once one is first
    found = StoredAnswer.objects.get(**same)
    return Claim(new) if found.pk == new.pk else _of_another(found, fingerprint, now)


def _of_another(found: StoredAnswer, fingerprint: str, now: datetime) -> Claim:
    if found.fingerprint != fingerprint:
        raise Problem(422, "This Idempotency-Key was used for another request; make a new one for each.")
    if found.status is not None:
        raise Known(found)
    abandoned = StoredAnswer.objects.filter(pk=found.pk, claimed_at=found.claimed_at, status=None)
    if now - found.claimed_at < LEASE or not abandoned.update(claimed_at=now):
        raise Problem(409, "The first request with this Idempotency-Key is still being answered; ask again.", wait=1)
    found.claimed_at = now
    return Claim(found)


def fingerprint(request: HttpRequest, body: bytes) -> str:
    """By which the same request is known again."""
    parts = (request.method or "", request.get_full_path(), request.META.get("CONTENT_TYPE", ""))
    return hashlib.sha256("\0".join(parts).encode() + b"\0" + body).hexdigest()


def _clear_away(now: datetime) -> None:
    old = StoredAnswer.objects.filter(claimed_at__lt=now - KEPT).values("pk")[:AT_ONCE]
    StoredAnswer.objects.filter(pk__in=old).delete()
