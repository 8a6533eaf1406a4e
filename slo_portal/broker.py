"""Hands tasks to the workers, and never waits long for a broker that refuses, freezes, or whose workers are gone."""

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from kombu.exceptions import KombuError

from slo_portal.celery import app

PATIENCE = 0.5  # seconds that a task may take on its way to the broker
REST = 5.0  # seconds for which a broker that has failed is left alone
SOON, LATER = 0, 9  # what has been asked for goes before what is only due again
EXPIRES = 60  # seconds: what nobody has taken by then has been done by others
log = logging.getLogger(__name__)
_publisher = ThreadPoolExecutor(1, "publisher")
_last: list[Future[object]] = []  # at most one: what the publisher is at
_rests_until = 0.0  # by the monotonic clock


def takes(task: str, *args: str, priority: int = SOON) -> bool:
    """Whether the broker has the task now. One that it takes later after all is done twice, which does no harm."""
    if time.monotonic() < _rests_until or any(not future.done() for future in _last):
        return False
    options: dict[str, Any] = {"retry": False, "expires": EXPIRES, "priority": priority}
    _last[:] = [_publisher.submit(app.send_task, task, args, **options)]
    try:
        _last[0].result(PATIENCE)
    except (KombuError, OSError) as error:  # the end of our patience is an OSError, too
        log.info("the broker does not take a task: %s", error or "not in time")
        rest()
        return False
    return True


def rest() -> None:
    """Ask it for nothing for a while: whoever would hand something over does it himself."""
    global _rests_until
    _rests_until = time.monotonic() + REST
