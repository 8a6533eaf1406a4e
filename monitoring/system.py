"""What the programs of the portal use, and that they live: each says so of itself, whichever process is asked later.

A program is a process with all below it: gunicorn and its workers, Celery and its pool, PostgreSQL and its backends.
Memory is the proportional share of pages (PSS) where the system tells it: what forks share does not count twice.
"""

import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

import psutil
from django.db import DatabaseError, connection, connections

from accounts import reach
from monitoring.models import Process

Component = Process.Component
PROGRAMS = {Component.WEB: "gunicorn", Component.WORKER: "celery", Component.BEAT: "celery"}
LOCAL = {"", "localhost", "127.0.0.1", "::1"}
EVERY = 60.0  # seconds, between two measurements of a web process
log = logging.getLogger(__name__)


def note(component: Component, *, now: datetime) -> None:
    """Say that this program lives."""
    _write(component, _root(component), now, {"seen_at": now})


def measure(component: Component, *, now: datetime) -> None:
    """Write what this program uses."""
    _measure(component, _root(component), now)


def measure_database(*, now: datetime) -> None:
    """Write what PostgreSQL uses, where it runs on this machine; of another one nothing is known here."""
    postgres = _postgres()
    if postgres:
        _measure(Component.DATABASE, postgres, now)


def _root(component: Component) -> psutil.Process:
    """The first process of this program: the highest that runs the same Python for the same thing."""
    found = psutil.Process()
    with suppress(psutil.Error):
        executable, word = found.exe(), PROGRAMS[component]
        while (above := found.parent()) and above.exe() == executable and word in " ".join(above.cmdline()):
            found = above
    return found


def _postgres() -> psutil.Process | None:
    host = str(connection.settings_dict["HOST"])
    if not (host.startswith("/") or host in LOCAL):
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    with suppress(psutil.Error):
        found = psutil.Process(pid).parent()
        return found if found and found.name().startswith("postgres") else None
    return None


def _measure(component: Component, root: psutil.Process, now: datetime) -> None:
    memory, cpu = usage(root)
    before = Process.objects.filter(component=component, place=_place(root)).exclude(measured_at=None).first()
    since, used = datetime.fromtimestamp(root.create_time(), UTC), 0.0
    if before and before.measured_at and before.cpu_seconds is not None:
        since, used = before.measured_at, before.cpu_seconds
    seconds = (now - since).total_seconds()
    percent = max(cpu - used, 0) / seconds * 100 if seconds > 0 else None
    figures = {"memory_bytes": memory, "cpu_seconds": cpu, "cpu_percent": percent, "measured_at": now, "seen_at": now}
    _write(component, root, now, figures)


def usage(root: psutil.Process) -> tuple[int, float]:
    """Bytes of memory, and seconds of processor time so far, of a process and all below it."""
    memory, cpu = 0, 0.0
    for process in [root, *root.children(recursive=True)]:
        with suppress(psutil.Error):
            times = process.cpu_times()
            cpu += times.user + times.system + getattr(times, "children_user", 0) + getattr(times, "children_system", 0)
            memory += _memory(process)
    return memory, cpu


def _memory(process: psutil.Process) -> int:
    """The proportional share; where others may not see it, what is not shared."""
    try:
        full = process.memory_full_info()
        return int(getattr(full, "pss", full.rss))
    except psutil.AccessDenied:
        plain = process.memory_info()
        return int(plain.rss - getattr(plain, "shared", 0))


def _place(root: psutil.Process) -> str:
    return f"{socket.gethostname()[:80]} {root.pid}"


def _write(component: Component, root: psutil.Process, now: datetime, figures: Mapping[str, object]) -> None:
    """A program that was started again takes the place of the one before it."""
    place = _place(root)
    _, new = Process.objects.update_or_create(component=component, place=place, defaults=figures)
    if new:
        host = place.rpartition(" ")[0] + " "
        for other in Process.objects.filter(component=component, place__startswith=host).exclude(place=place):
            if not psutil.pid_exists(int(other.place.rpartition(" ")[2])):
                other.delete()


class Sampler(threading.Thread):
    """Measures a program that has no schedule of its own, from a thread of it."""

    def __init__(self, component: Component, clock: Callable[[], datetime]) -> None:
        super().__init__(daemon=True, name="sampler")
        self.component, self.clock = component, clock
        self.stopped = threading.Event()

    def run(self) -> None:
        pause = 1.0
        while not self.stopped.wait(pause):
            pause = EVERY
            sample(lambda: measure(self.component, now=self.clock()))
            connections.close_all()


def sample(act: Callable[[], object], sees: str = reach.NOTHING) -> None:
    """Do it, whatever state the database is in: figures of the portal never disturb its work."""
    try:
        with reach.within(sees):
            act()
    except (DatabaseError, psutil.Error, OSError) as error:
        log.info("process %s cannot say what it uses: %s", os.getpid(), error)
