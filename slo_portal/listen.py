"""Hears the pokes of the web processes and asks for ticks at once; does the work itself where nobody else does.

Runs as a thread of beat, with a connection of its own; of several, one listens at a time. The database says what is
late, whatever the reason: a broker that is down or frozen, a worker that has died. So alerts are raised and sent
without either of them, some seconds later than usual.
"""

import logging
import threading
import time
from datetime import datetime
from typing import Any

import psycopg
from django.db import DatabaseError, close_old_connections, connections
from django.utils import timezone

from accounts import reach
from kpis.poke import CHANNEL
from slo_portal import broker, late
from slo_portal.celery import app

TICK, DELIVER = "slo_portal.tasks.tick_organization", "slo_portal.tasks.deliver_organization"
TOGETHER = 0.05  # seconds in which pokes for one organisation become one
PAUSE = 5.0  # seconds after a failure
LOOKS_EVERY = 2.0  # seconds, for what is late
HURRY = 0.2  # seconds that slow receivers of messages are waited for
log = logging.getLogger(__name__)


class Listener(threading.Thread):
    """Listens until it is stopped, through whatever the database and the broker do."""

    def __init__(self) -> None:
        super().__init__(daemon=True, name="listener")
        self.stopped = threading.Event()
        self.asked: dict[str, datetime] = {}  # ticks that a worker was asked for, by organisation, since when

    def run(self) -> None:
        while not self.stopped.is_set():
            try:
                # not one of the pool's: it hears pokes for as long as it lives
                with psycopg.connect(**connections["default"].get_connection_params(), autocommit=True) as connection:
                    if _alone(connection):
                        self._listen(connection)
            except (psycopg.Error, DatabaseError, OSError) as error:
                log.info("cannot listen at present: %s", error)
            self.stopped.wait(PAUSE)

    def _listen(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute(f"LISTEN {CHANNEL}")
        looked = time.monotonic()
        while not self.stopped.is_set():
            for organization in _pokes(connection):
                self._ask_for_tick(organization)
            if time.monotonic() - looked >= LOOKS_EVERY:
                self._catch_up()
                looked = time.monotonic()
            close_old_connections()

    def _ask_for_tick(self, organization: str) -> None:
        now = timezone.now()
        if broker.takes(TICK, organization):
            self.asked.setdefault(organization, now)
        else:
            _do(TICK, organization)

    def _catch_up(self) -> None:
        """Do what nobody else has done. Workers that answer nobody are asked for nothing for a while."""
        with reach.within(reach.EVERYTHING):
            self.asked, unanswered = late.unanswered(self.asked, now=timezone.now())
            ticks, deliveries = late.ticks(now=timezone.now()), late.deliveries(now=timezone.now())
        if unanswered:
            broker.rest()
        for organization in {*unanswered, *ticks}:
            _do(TICK, organization)
        for organization in deliveries:
            _do(DELIVER, organization, HURRY)


def _do(task: str, organization: str, *more: float) -> None:
    """Here and now. One organisation that fails stops no other."""
    try:
        app.tasks[task](organization, *more)
    except DatabaseError:
        raise
    except Exception:
        log.exception("%s failed for the organisation %s", task, organization)


def _pokes(connection: psycopg.Connection[Any]) -> list[str]:
    """The organisations of the pokes of about a second, each once."""
    pokes = [poke.payload for poke in connection.notifies(timeout=1, stop_after=1)]
    if pokes:
        pokes += [poke.payload for poke in connection.notifies(timeout=TOGETHER)]
    return sorted(set(pokes))


def _alone(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [CHANNEL]).fetchone()
    return bool(row and row[0])
