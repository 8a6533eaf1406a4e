"""Work that goes on at once, each part with a database connection of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

Work = Callable[[], Any]


def together(*works: Work) -> list[Any]:
    """Run each in a thread, all from one moment on; raises what any of them raises."""
    barrier = threading.Barrier(len(works))

    def run(work: Work) -> Any:
        barrier.wait()
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


class Before:
    """Does something elsewhere just before the n-th statement of a connection: as its `execute_wrapper`."""

    def __init__(self, n: int, act: Work) -> None:
        self.left, self.act = n, act

    def __call__(self, execute: Callable[..., Any], *args: Any) -> Any:
        if self.left == 0:
            together(self.act)
        self.left -= 1
        return execute(*args)

    @property
    def done(self) -> bool:
        return self.left < 0
