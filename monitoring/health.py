"""How the portal is: part by part, in two seconds, whatever is down or frozen. Names no organisation and no host."""

import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from time import monotonic

import django
import psycopg
from django.conf import settings
from django.db import DatabaseError
from django.db.models import Min
from django.db.models.functions import Coalesce

from accounts import reach
from accounts.models import Organization
from accounts.when_needed import when_needed
from monitoring import asking, live
from monitoring.asking import Asked, Broker, Database, Silent
from monitoring.models import Process

OK, WARNING, DOWN, UNKNOWN, OFF = "ok", "warning", "down", "unknown", "off"
PATIENCE = 1.5  # seconds, for servers
SEEN_WITHIN = timedelta(seconds=40)  # worker and beat show that they live every ten
SOON, LATE = timedelta(seconds=30), timedelta(minutes=2)
DISK_WARNING, DISK_DOWN = 2 * 2**30, 256 * 2**20  # bytes that are free
NEEDED = ("database", "broker", "worker", "beat", "calculation_lag", "notification_lag", "disk")
NO_ANSWER = f"It has not answered within {PATIENCE} seconds."


@dataclass
class Part:
    """`reason` is for people, `more` are figures; `details` are for those only who may see everything."""

    status: str
    reason: str = ""
    more: dict[str, object] = field(default_factory=dict)
    details: dict[str, object] = field(default_factory=dict)
    seconds: float = 0.0

    def as_json(self, *, detailed: bool) -> dict[str, object]:
        reason = {"reason": self.reason} if self.reason else {}
        shown = {"status": self.status, **reason, **self.more, **(self.details if detailed else {})}
        return {**shown, "time_taken_seconds": round(self.seconds, 4)}


def database_answers() -> bool:
    """Whether it takes a new connection in time."""
    return _server(Asked(asking.database, PATIENCE), "").status == OK


def look(*, now: datetime) -> dict[str, Part]:
    """Each part by its name."""
    asked = Asked(asking.database, PATIENCE), Asked(asking.broker, PATIENCE)  # both wait at the same time
    database = _timed(lambda: _server(asked[0], "PostgreSQL"))
    broker = _timed(lambda: _server(asked[1], "The broker"))
    parts = {"database": database, "broker": broker}
    parts |= _from_database(parts, now) if database.status == OK else _nobody_knows()
    return {**parts, "disk": _timed(_disk), "versions": _timed(_versions)}


def healthy(parts: dict[str, Part]) -> bool:
    """Unknown is not healthy: what it hangs on is down."""
    return all(parts[name].status in (OK, WARNING, OFF) for name in NEEDED)


def _timed(act: Callable[[], Part]) -> Part:
    began = monotonic()
    part = act()
    part.seconds = monotonic() - began
    return part


def _server(asked: Asked[Database] | Asked[Broker], name: str) -> Part:
    try:
        found = asked.answer()
    except Silent:
        return Part(DOWN, NO_ANSWER)
    except (psycopg.Error, OSError, when_needed("redis").RedisError):
        return Part(DOWN, f"{name} cannot be reached.")
    more: dict[str, object] = {"queue_depth": found.queue_depth} if isinstance(found, Broker) else {}
    return Part(OK, more=more, details={"version": found.version})


DEPENDENT = ("beat", "worker", "calculation_lag", "notification_lag")


def _nobody_knows() -> dict[str, Part]:
    return {name: Part(UNKNOWN, "The database does not tell.") for name in DEPENDENT}


def _from_database(parts: dict[str, Part], now: datetime) -> dict[str, Part]:
    """What stands in tables; a database that goes down at this moment tells nothing of them."""
    try:
        with reach.within(reach.EVERYTHING):
            beat = _timed(lambda: _program(Process.Component.BEAT, now))
            worker = _timed(lambda: _worker(parts["broker"], beat, now))
            calculation, notification = _timed(lambda: _calculation(now)), _timed(lambda: _notification(now))
            return dict(zip(DEPENDENT, (beat, worker, calculation, notification), strict=True))
    except DatabaseError:
        return _nobody_knows()


def _program(component: Process.Component, now: datetime) -> Part:
    seen = Process.objects.filter(component=component).order_by("-seen_at").values_list("seen_at", flat=True).first()
    if seen is None:
        return Part(DOWN, "It has never shown that it lives. Is it running?", {"last_seen_seconds": None})
    seconds = max((now - seen).total_seconds(), 0)
    more: dict[str, object] = {"last_seen_seconds": round(seconds, 1)}
    if seconds > SEEN_WITHIN.total_seconds():
        return Part(DOWN, f"It has not shown that it lives for {seconds:.0f} seconds.", more)
    return Part(OK, more=more)


def _worker(broker: Part, beat: Part, now: datetime) -> Part:
    """It answers what beat asks through the broker; when one of these is down, its silence says nothing."""
    part = _program(Process.Component.WORKER, now)
    for name, other in (("broker", broker), ("beat", beat)):
        if part.status == DOWN and other.status == DOWN:
            return Part(UNKNOWN, f"Nothing is asked of it while the {name} is down.", part.more)
    return part


def _calculation(now: datetime) -> Part:
    """Of the organisation that has waited longest since its last tick."""
    if not settings.METRICS_ENABLED:
        return Part(OFF, "METRICS_ENABLED is off: nothing is calculated.", {"lag_seconds": None})
    active = Organization.objects.filter(is_active=True)
    since = active.aggregate(oldest=Min(Coalesce("enginestate__ticked_at", "created_at")))["oldest"]
    return _lag(since, now, "Figures have not been brought up to date")


def _notification(now: datetime) -> Part:
    waiting = live.Waiting()
    for figures in live.look(list(Organization.objects.all()), now=now).values():
        waiting.add(figures.waiting.number, figures.waiting.oldest)
    part = _lag(waiting.oldest, now, "A notification is due and has not been sent")
    part.more["waiting"] = waiting.number
    return part


def _lag(since: datetime | None, now: datetime, what: str) -> Part:
    seconds = max((now - since).total_seconds(), 0) if since else 0
    status = OK if seconds <= SOON.total_seconds() else WARNING if seconds <= LATE.total_seconds() else DOWN
    reason = "" if status == OK else f"{what} for {seconds:.0f} seconds."
    return Part(status, reason, {"lag_seconds": round(seconds, 1)})


def _disk() -> Part:
    """Of the data directory."""
    free = shutil.disk_usage(settings.DATA_DIR).free
    status = OK if free > DISK_WARNING else WARNING if free > DISK_DOWN else DOWN
    return Part(
        status, "" if status == OK else f"Only {free // 2**20:,} MB of the disk are free.", {"free_bytes": free}
    )


def _versions() -> Part:
    return Part(OK, details=dict(_known_versions()))


@cache
def _known_versions() -> tuple[tuple[str, object], ...]:
    return tuple(_read_versions())


def _read_versions() -> Iterator[tuple[str, object]]:
    project = settings.BASE_DIR / "pyproject.toml"
    if project.exists():
        yield "portal", tomllib.loads(project.read_text())["project"]["version"]
    yield "python", ".".join(map(str, sys.version_info[:3]))
    yield "django", django.get_version()
