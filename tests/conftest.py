"""Real servers for the tests: started when a test first asks for them, thrown away at the end.

Each process of pytest-xdist has a PostgreSQL of its own. DATABASE_URL names a server to use instead; a database of
its own is made there, and dropped.
"""

import copy
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections, transaction
from psycopg import sql
from pytest_django.plugin import DjangoDbBlocker

from accounts import downloads, manners
from slo_portal.local import Postgres, Server, Valkey, start
from slo_portal.processes import stop
from tests.admin_world import World, world


@pytest.fixture(scope="session")
def sockets() -> Iterator[Path]:
    """A short private folder: a Unix socket's address may not be long."""
    folder = Path(tempfile.mkdtemp(prefix="slo-test-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def running(server: Server) -> Iterator[Any]:
    process = start(server)
    yield server
    stop(process, server.program.stop_signal)


@pytest.fixture(scope="session")
def valkey(sockets: Path) -> Iterator[Valkey]:
    """A real Redis-protocol server; `valkey.socket` is where it listens."""
    yield from running(Valkey(sockets / "valkey", sockets / "run"))


@pytest.fixture(scope="session")
def postgres(sockets: Path) -> Iterator[dict[str, Any]]:
    """Address and superuser of the server for this process's tests, as Django's settings name them."""
    if settings.DATABASE_URL:
        yield {}
        return
    for server in running(Postgres(sockets / "postgres", sockets / "run", throwaway=True)):
        yield {"HOST": str(server.sockets)}


@pytest.fixture(scope="session")
def django_db_setup(
    postgres: dict[str, Any], django_test_environment: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """A database as in production: migrated by its owner, used by the role that owns nothing."""
    name = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'slo')}_{os.getpid()}"
    maintenance = {**settings.DATABASES["owner"], **postgres}
    for alias in ("default", "owner"):
        connections[alias].settings_dict.update({**postgres, "NAME": name})
    statement = sql.SQL("{} DATABASE {}")
    with django_db_blocker.unblock():
        administer(maintenance, statement.format(sql.SQL("CREATE"), sql.Identifier(name)))
        call_command("migrate", verbosity=0)
        allow_flush()
    yield
    with django_db_blocker.unblock():
        connections.close_all()
        gone = sql.SQL("DROP DATABASE {} WITH (FORCE)")  # a process that was killed may not have let go yet
        administer(maintenance, gone.format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def lasting(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Rows that every test of a module finds are made once: what a test changes is undone, they go with the module."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def lasting_house(lasting: None) -> World:
    return world()


@pytest.fixture
def house(lasting_house: World, db: None) -> World:
    return copy.deepcopy(lasting_house)


@pytest.fixture(autouse=True)
def no_request_counted() -> None:
    """The limits of the API are counted in the process, which all tests share."""
    manners.rates.forget()
    downloads.under_way.forget()


def administer(server: dict[str, Any], statement: sql.Composable) -> None:
    address = {"host": server["HOST"], "port": server["PORT"] or 5432, "user": server["USER"]}
    with psycopg.connect(**address, password=server["PASSWORD"], dbname=server["NAME"], autocommit=True) as connection:
        connection.execute(statement)


def allow_flush() -> None:
    """In tests only: Django empties the tables after a test that really commits."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"GRANT TRUNCATE ON ALL TABLES IN SCHEMA public TO {settings.APPLICATION_ROLE}")
