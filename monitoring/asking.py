"""Asking servers that may be down, or frozen: whoever asks waits no longer than it wants to."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from time import monotonic
from typing import Generic, TypeVar
from urllib.parse import parse_qs, urlsplit

import psycopg
from django.conf import settings
from django.db import connections

from accounts.when_needed import when_needed

Answer = TypeVar("Answer")
GIVEN_UP = 10.0  # seconds; then it is asked again, the first question may hang on a connection that is lost
QUEUE = "celery"  # Celery's own name for its queue, a list


class Silent(Exception):
    """It has not answered in time."""


@dataclass(frozen=True)
class Database:
    version: str


@dataclass(frozen=True)
class Broker:
    version: str
    queue_depth: int


class Asked(Generic[Answer]):
    """A question under way, and when it was asked."""

    def __init__(self, server: "Server[Answer]", seconds: float) -> None:
        self.until, self.future = monotonic() + seconds, server.ask()

    def answer(self) -> Answer:
        """Raises Silent, or what asking has raised."""
        try:
            return self.future.result(max(self.until - monotonic(), 0))
        except TimeoutError:
            raise Silent from None


class Server(Generic[Answer]):
    """Is asked in a thread, which may outlive its askers. They share the answer to what is under way already."""

    def __init__(self, question: Callable[[], Answer]) -> None:
        self.question, self.lock = question, threading.Lock()
        self.future: Future[Answer] = Future()
        self.began = -GIVEN_UP

    def ask(self) -> "Future[Answer]":
        with self.lock:
            if self.future.done() or monotonic() - self.began > GIVEN_UP:
                self.future, self.began = Future(), monotonic()
                threading.Thread(target=self._work, args=(self.future,), daemon=True, name="asking").start()
            return self.future

    def _work(self, future: "Future[Answer]") -> None:
        try:
            future.set_result(self.question())
        except Exception as error:
            future.set_exception(error)


def _database() -> Database:
    """By a connection of its own: one of the pool would say nothing of a server that takes no new ones."""
    with psycopg.connect(**connections["default"].get_connection_params(), autocommit=True) as connection:
        connection.execute("SELECT 1")
        number = connection.info.server_version
        return Database(f"{number // 10_000}.{number % 10_000}")


def _broker() -> Broker:
    redis = when_needed("redis")
    with redis.Redis.from_url(redis_url(), socket_timeout=1, socket_connect_timeout=1) as client:
        info = client.info("server")
        version = info.get("valkey_version") or info["redis_version"]
        return Broker(str(version), int(client.llen(QUEUE)))


def queue_depth(seconds: float) -> int | None:
    """Tasks that wait in the broker; None while it does not answer within these seconds."""
    try:
        return Asked(broker, seconds).answer().queue_depth
    except Exception:  # whatever its client makes of a broker that is down
        return None


def redis_url() -> str:
    """The broker's address as redis-py writes it."""
    given = str(settings.CELERY_BROKER_URL)
    parts = urlsplit(given)
    if parts.scheme != "redis+socket":
        return given
    return f"unix://{parts.path}?db={parse_qs(parts.query).get('virtual_host', ['0'])[0]}"


database, broker = Server(_database), Server(_broker)
