"""What `make run` starts: PostgreSQL and Valkey where none is given, then web, worker and beat."""

import fcntl
import http.client
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from django.conf import settings
from django.core.management import call_command
from django.db import connections

from slo_portal import assets
from slo_portal.env import BASE_DIR, DATA_DIR, socket_dir
from slo_portal.local import Server, StartError, Valkey, spawn_server, start
from slo_portal.processes import Program
from slo_portal.second_shell import own_postgres, owner_lock, try_lock
from slo_portal.supervisor import Say, Supervisor, Wish

PROGRAMS, BROKER, DATABASE = 0, 1, 2  # the order of the stop
HOST = "127.0.0.1"
WEB_STATEMENT_MS, WORKER_STATEMENT_MS = 5_000, 60_000
WEB_OPTIONS = (
    "--worker-class slo_portal.web_worker.Worker --workers 1 --threads 8 --graceful-timeout 5 --log-level warning"
    " --no-control-socket"
)
WORKER_OPTIONS = "--pool prefork --concurrency 2 --loglevel WARNING --without-gossip --without-mingle"
AS_ROOT = "You're running the worker with superuser"  # a warning about what make run may well do
FAST_FOLDER = "/dev/shm"  # noqa: S108 - gunicorn's heartbeats, in memory where there is such a folder


def programs(port: int) -> list[Program]:
    """Web, worker and beat, as anyone would start them by hand."""
    celery = [sys.executable, "-W", f"ignore:{AS_ROOT}", "-m", "celery", "--quiet", "-A", "slo_portal"]
    web = [sys.executable, "-m", "gunicorn", "slo_portal.wsgi", "--bind", f"{HOST}:{port}", *WEB_OPTIONS.split()]
    web += ["--worker-tmp-dir", FAST_FOLDER] if os.access(FAST_FOLDER, os.W_OK) else []
    worker = [*celery, "worker", *WORKER_OPTIONS.split()]
    beat = [*celery, "beat", "--loglevel", "WARNING", "--pidfile="]
    at_once = signal.SIGKILL  # when the supervisor was killed, the database is going, too: nothing is worth finishing
    return [
        Program("web", web, orphan_signal=at_once, env=environment(WEB_STATEMENT_MS), cwd=BASE_DIR),
        Program("worker", worker, orphan_signal=at_once, env=environment(WORKER_STATEMENT_MS), cwd=BASE_DIR),
        Program("beat", beat, orphan_signal=at_once, env=environment(WORKER_STATEMENT_MS), cwd=BASE_DIR),
    ]


def environment(statement_ms: int) -> dict[str, str]:
    """The operator's own, with a time limit for statements unless it sets one. Threads share one heap: less memory."""
    return {
        "STATEMENT_TIMEOUT_MS": str(statement_ms),
        "MALLOC_ARENA_MAX": "1",
        **os.environ,
        "PYTHONUNBUFFERED": "1",
    }


class Stack:
    """The whole portal in the foreground."""

    def __init__(self, port: int, say: Say) -> None:
        self.port, self.say = port, say
        self.began = time.monotonic()
        self.wish, self.closing = Wish(), False
        self.supervisor = Supervisor(say, self.wish)

    def run(self) -> int:
        """The exit code: 0 after a signal, 1 when a program cannot be kept running. Raises StartError."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup has its way
                signal.signal(number, self._on_signal)
        with only_one(), owner_lock() as owner:
            refuse_taken_port(self.port)
            try:
                self._start(owner)
                return 0 if self.supervisor.watch() else 1
            except (StartError, KeyboardInterrupt):
                if not self.wish.stop:
                    raise
                return 0
            finally:
                self._close()

    def _on_signal(self, *_: object) -> None:
        """The first one stops in order, a second one at once."""
        if self.wish.stop:
            self.wish.hurry = True
            if not self.closing:
                raise KeyboardInterrupt
        self.wish.stop = True

    def _start(self, owner: IO[str]) -> None:
        servers = [] if settings.DATABASE_URL else [lambda: self._await_commands(owner), self._serve_database]
        servers += [] if settings.REDIS_URL else [self._serve_broker]
        for step in (*servers, self._migrate, self._bootstrap, self._collect_static, self._run_programs):
            if not self.wish.stop:
                step()

    def _serve_database(self) -> None:
        self._serve(own_postgres(), rank=DATABASE)

    def _serve_broker(self) -> None:
        self._serve(Valkey(DATA_DIR / "valkey", socket_dir()), rank=BROKER)

    def _await_commands(self, owner: IO[str]) -> None:
        """A command in another shell may have started the database; it is stopped when that one is done."""
        waiting = False
        while not self.wish.stop and not try_lock(owner):
            if not waiting:
                self.say("portal", "waiting for a command in another shell that uses the database")
            waiting = True
            time.sleep(0.1)

    def _serve(self, server: Server, *, rank: int) -> None:
        process = start(server, cancelled=lambda: self.wish.stop)
        self.say(server.program.name, f"ready; its log is {server.log}")
        self.supervisor.adopt(server.program, process, lambda: spawn_server(server), rank=rank)

    def _migrate(self) -> None:
        call_command("migrate", interactive=False, verbosity=0)

    def _bootstrap(self) -> None:
        call_command("bootstrap")

    def _collect_static(self) -> None:
        if assets.collect(DATA_DIR / "static.stamp"):
            self.say("portal", "static files collected")

    def programs(self) -> list[Program]:
        return programs(self.port)

    def _run_programs(self) -> None:
        connections.close_all()
        for program in self.programs():
            self.supervisor.run(program, rank=PROGRAMS)
        threading.Thread(target=self._announce, daemon=True).start()

    def _announce(self) -> None:
        """Say the address once it answers."""
        while not self.wish.stop:
            time.sleep(0.2)
            if answers(self.port):
                self.welcome()
                return

    def welcome(self) -> None:
        seconds = time.monotonic() - self.began
        self.say("portal", f"ready in {seconds:.1f} s: http://{HOST}:{self.port}/ (Ctrl-C stops everything)")

    def _close(self) -> None:
        self.closing = True
        began = time.monotonic()
        connections.close_all()
        self.supervisor.stop_all()
        self.say("portal", f"all stopped in {time.monotonic() - began:.1f} s")


@contextmanager
def only_one() -> Iterator[None]:
    """Raises StartError when a portal runs from this data directory already."""
    with (DATA_DIR / "portal.lock").open("w") as lock:
        if not try_lock(lock):
            raise StartError(f"The portal is already running with the data in {DATA_DIR}.")
        yield
        fcntl.flock(lock, fcntl.LOCK_UN)


def refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            hint = f"Choose another one: make run PORT={port + 1 if port < 65535 else 8000}"
            raise StartError(f"Port {port} cannot be used ({error.strerror}). {hint}") from None


def answers(port: int) -> bool:
    """Does the web server answer a request, whatever it says?"""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/health/live")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
