"""Beat's scheduler: the rows of django-celery-beat, and beside them the listener."""

import time
from typing import Any

from django_celery_beat.schedulers import DatabaseScheduler

from monitoring import system
from monitoring.models import Process
from slo_portal.listen import Listener

SHOWS_LIFE_EVERY = 10.0  # seconds


class Scheduler(DatabaseScheduler):
    shown = float("-inf")  # when it last showed that it lives, by the monotonic clock

    def setup_schedule(self) -> None:
        super().setup_schedule()
        self.listener = Listener()
        self.listener.start()

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """What beat does all day; so a scheduler that hangs does not look alive."""
        wait: float = super().tick(*args, **kwargs)
        if time.monotonic() - self.shown >= SHOWS_LIFE_EVERY:
            system.sample(lambda: system.measure(Process.Component.BEAT, now=self.app.now()))
            self.shown = time.monotonic()
        return min(wait, SHOWS_LIFE_EVERY)

    def close(self) -> None:
        self.listener.stopped.set()
        super().close()
