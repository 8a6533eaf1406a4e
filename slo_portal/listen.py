"""Hears the pokes of the web processes and asks for the ticks at once; without it they would come with the schedule.

Runs as a thread of each Celery worker's parent; one of them all listens at a time.
"""

import logging
import threading
from typing import Any

import psycopg
from celery import bootsteps, current_app
from django.db import connections
from kombu.exceptions import KombuError

from kpis.poke import CHANNEL

TASK = "slo_portal.tasks.tick_organization"
TOGETHER = 0.05  # seconds in which pokes for one organisation become one
PAUSE = 5.0  # seconds after a failure
log = logging.getLogger(__name__)


class Listener(bootsteps.StartStopStep):
    """Celery starts and stops it with the worker."""

    def start(self, worker: Any) -> None:
        self.stopped = threading.Event()
        threading.Thread(target=listen, args=[self.stopped], daemon=True, name="listener").start()

    def stop(self, worker: Any) -> None:
        self.stopped.set()


def listen(stopped: threading.Event) -> None:
    """Pass pokes on until `stopped`, through whatever the database and the broker do."""
    while not stopped.is_set():
        try:
            # a connection of its own: a pool would not survive the fork of the worker's children
            with psycopg.connect(**connections["default"].get_connection_params(), autocommit=True) as connection:
                if _alone(connection):
                    _pass_on(connection, stopped)
        except (psycopg.Error, KombuError, OSError) as error:
            log.info("cannot pass pokes on at present: %s", error)
        stopped.wait(PAUSE)


def _alone(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [CHANNEL]).fetchone()
    return bool(row and row[0])


def _pass_on(connection: psycopg.Connection[Any], stopped: threading.Event) -> None:
    connection.execute(f"LISTEN {CHANNEL}")
    while not stopped.is_set():
        pokes = [poke.payload for poke in connection.notifies(timeout=1, stop_after=1)]
        if pokes:
            pokes += [poke.payload for poke in connection.notifies(timeout=TOGETHER)]
        for organization in sorted(set(pokes)):
            current_app.send_task(TASK, [organization], retry=False, expires=60)
