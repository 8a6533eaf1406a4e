"""How often something may be tried, counted in the database: it holds for all processes and needs no other server."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.utils.crypto import salted_hmac

from accounts.models import Throttle


@dataclass(frozen=True)
class Limit:
    """`burst` tries at once, then one more each `interval`: nobody ever waits longer than that."""

    burst: int
    interval: timedelta


class TooMany(Exception):
    """Raised before anything is tried; `wait` says when it may be."""

    def __init__(self, wait: timedelta) -> None:
        self.wait = wait
        super().__init__(f"Too many attempts. Try again in {in_words(wait)}.")

    @property
    def seconds(self) -> int:
        return max(1, math.ceil(self.wait.total_seconds()))


def in_words(wait: timedelta) -> str:
    seconds = max(1, math.ceil(wait.total_seconds()))
    number, unit = (seconds, "second") if seconds < 60 else (math.ceil(seconds / 60), "minute")
    return f"{number} {unit}{'' if number == 1 else 's'}"


def key(kind: str, name: str) -> str:
    """Names are hashed: people type passwords where their name belongs."""
    return f"{kind}:{salted_hmac('accounts.throttle', name, algorithm='sha256').hexdigest()[:40]}"


def charge(limits: Mapping[str, Limit], *, now: datetime) -> list[str]:
    """Count one try against all keys or, raising TooMany, against none; returns the keys that it used up.

    It is counted before it is known to fail, so that a hundred tries at the same time are not all let through.
    """
    Throttle.objects.filter(until__lte=now).delete()
    with transaction.atomic():
        return [name for name in sorted(limits) if _charge(name, limits[name], now)]


def _charge(name: str, limit: Limit, now: datetime) -> bool:
    """`until` is when all would be forgotten: a try adds an interval, and time takes it away."""
    row = Throttle(key=name, until=now, tried_at=now)
    # an upsert, because it locks the row and cannot meet one that somebody else is just clearing away
    Throttle.objects.bulk_create([row], update_conflicts=True, unique_fields=["key"], update_fields=["tried_at"])
    full = now + limit.burst * limit.interval
    before = Throttle.objects.values_list("until", flat=True).get(key=name)
    until = min(max(before, now), full) + limit.interval  # also after the clock was put back
    if until > full:
        raise TooMany(until - full)
    Throttle.objects.filter(key=name).update(until=until)
    return until + limit.interval > full


def give_back(name: str, limit: Limit, *, now: datetime) -> None:
    """One try did not fail."""
    Throttle.objects.filter(key=name).update(until=Greatest(F("until") - limit.interval, Value(now)))


def forget(*names: str) -> None:
    """All tries of these keys."""
    Throttle.objects.filter(key__in=names).delete()
