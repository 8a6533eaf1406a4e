"""The portal's own PostgreSQL for one command, beside `make run` or without it.

Two locks in the data directory, freed by the kernel however their holders end:

- `postgres.lock`, exclusive: whoever runs the server (`make run`, or the first command that needed it);
- `commands.lock`, shared: every command that uses it. A command that started the server waits for the others' end.
"""

import fcntl
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import IO, Any

from django.conf import settings
from django.db import connections

from slo_portal import env
from slo_portal.local import Postgres, StartError, start
from slo_portal.processes import stop

# What works without a database, or brings it along.
NEED_NO_DATABASE = {
    "", "check", "collectstatic", "compilemessages", "demo", "diffsettings", "findstatic", "help", "makemessages",
    "makemigrations", "portal", "startapp", "startproject", "validate_config", "version",
}  # fmt: skip


def needs_database(arguments: Sequence[str]) -> bool:
    """Does `manage.py <arguments>` need one?"""
    command = arguments[0] if arguments else ""
    asks_for_help = not {"-h", "--help", "--version"}.isdisjoint(arguments)
    return command not in NEED_NO_DATABASE and not command.startswith("-") and not asks_for_help


def own_postgres(data_dir: Path = env.DATA_DIR) -> Postgres:
    return Postgres(data_dir / "postgres", env.socket_dir(data_dir))


def try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def owner_lock(data_dir: Path = env.DATA_DIR) -> IO[str]:
    return (data_dir / "postgres.lock").open("w")


@contextmanager
def database(data_dir: Path = env.DATA_DIR) -> Iterator[None]:
    """Keep the portal's own PostgreSQL running inside the block. Raises StartError when it cannot."""
    server = own_postgres(data_dir)
    with (data_dir / "commands.lock").open("w") as commands, owner_lock(data_dir) as owner:
        fcntl.flock(commands, fcntl.LOCK_SH)
        process = _join_or_start(server, owner)
        try:
            yield
        finally:
            _leave()
            if process is not None:
                _wait_for_others(commands)
                stop(process, server.program.stop_signal)


def _leave() -> None:
    """A pool that still opens connections would complain of the server's end."""
    opened: Sequence[Any] = connections.all(initialized_only=True) if settings.configured else []
    for connection in opened:
        connection.close()
        connection.close_pool()


def _join_or_start(server: Postgres, owner: IO[str], seconds: float = 60) -> Popen[str] | None:
    """None when another process runs the server; else the process started here."""
    deadline = time.monotonic() + seconds
    while not try_lock(owner):
        if server.ready():
            return None
        if time.monotonic() > deadline:
            raise StartError("Another process is starting or stopping the portal's database and does not get done.")
        time.sleep(0.1)
    return start(server)


def _wait_for_others(commands: IO[str]) -> None:
    fcntl.flock(commands, fcntl.LOCK_UN)
    if not try_lock(commands):
        sys.stderr.write("Waiting: another command still uses the database that this one has started.\n")
        fcntl.flock(commands, fcntl.LOCK_EX)
