"""What gunicorn reads by itself when it is started here."""

from typing import Any


def post_worker_init(worker: Any) -> None:
    worker.wsgi.measure()
