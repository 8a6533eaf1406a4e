"""Tell the workers to look now. Only a hint: work is found by queries, so a lost poke costs seconds.

A request must never wait for the broker, so pokes leave from a thread of their own, and those that pile up while
the broker is away become one.
"""

import logging
import threading
from uuid import UUID

from celery import current_app

log = logging.getLogger(__name__)
TASK = "slo_portal.tasks.tick_organization"
IMPATIENT = {"socket_timeout": 0.2, "socket_connect_timeout": 0.2}


class Poker:
    """Sends the pokes of one process, in order, each organisation once."""

    def __init__(self) -> None:
        self.waiting: set[str] = set()
        self.changed = threading.Condition()
        self.thread: threading.Thread | None = None

    def poke(self, organization: str) -> None:
        with self.changed:
            self.waiting.add(organization)
            if self.thread is None or not self.thread.is_alive():  # a fork takes no threads along
                self.thread = threading.Thread(target=self._run, daemon=True, name="poker")
                self.thread.start()
            self.changed.notify()

    def _run(self) -> None:
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.waiting)
                organizations, self.waiting = self.waiting, set()
            try:
                self._send(organizations)
            except Exception as error:  # whatever it is, the schedule does the work in some seconds
                log.info("the broker did not take a poke: %s", error)

    def _send(self, organizations: set[str]) -> None:
        options = {**current_app.conf.broker_transport_options, **IMPATIENT}
        with current_app.connection_for_write(transport_options=options, connect_timeout=0.2) as connection:
            for organization in organizations:
                current_app.send_task(TASK, [organization], connection=connection, retry=False, expires=60)


_poker = Poker()


def look_now(organization: UUID) -> None:
    """Ask for a tick of the organisation, without waiting for anything."""
    _poker.poke(str(organization))
