"""What gunicorn reads by itself when it is started here."""

from typing import Any


def post_worker_init(worker: Any) -> None:
    if hasattr(worker.wsgi, "measure"):  # it may serve another application from here
        worker.wsgi.measure()
