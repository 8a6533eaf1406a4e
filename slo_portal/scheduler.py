"""Beat's scheduler: the rows of django-celery-beat, and beside them the listener."""

from django_celery_beat.schedulers import DatabaseScheduler

from slo_portal.listen import Listener


class Scheduler(DatabaseScheduler):
    def setup_schedule(self) -> None:
        super().setup_schedule()
        self.listener = Listener()
        self.listener.start()

    def close(self) -> None:
        self.listener.stopped.set()
        super().close()
