"""The packaged servers: they start, keep their data, and go when they should."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from slo_portal.env import socket_dir
from slo_portal.local import Postgres, StartError, Valkey, private_folder, start
from slo_portal.processes import stop
from tests.slo_portal.portal_process import ROOT, ended


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="slo-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture
def postgres(folder) -> Postgres:
    return Postgres(folder / "postgres", folder / "run", throwaway=True)


def ask(server: Postgres, statement: str):
    with psycopg.connect(host=str(server.sockets), user="slo", dbname="slo", autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else None


def test_postgresql_keeps_its_data_over_a_stop_and_a_kill(postgres):
    first = start(postgres)
    ask(postgres, "CREATE TABLE kept AS SELECT 42 AS answer")
    stop(first, postgres.program.stop_signal)
    assert first.returncode == 0

    second = start(postgres)
    assert ask(postgres, "TABLE kept") == [(42,)]
    second.kill()
    second.wait()

    third = start(postgres)
    assert ask(postgres, "TABLE kept") == [(42,)]
    stop(third, postgres.program.stop_signal)


def test_postgresql_listens_on_a_private_socket_only_and_in_utc(postgres):
    process = start(postgres)
    try:
        assert ask(postgres, "SHOW listen_addresses") == [("",)]
        assert ask(postgres, "SHOW timezone") == [("UTC",)]
        assert ask(postgres, "SELECT datcollate, datlocale FROM pg_database WHERE datname = 'slo'") == [
            ("C", "C.UTF-8")
        ]
        assert postgres.sockets.stat().st_mode & 0o077 == 0
    finally:
        stop(process, postgres.program.stop_signal)


def test_a_client_does_not_hold_up_the_stop(postgres):
    process = start(postgres)
    with psycopg.connect(host=str(postgres.sockets), user="slo", dbname="slo") as connection:
        connection.execute("SELECT 1")
        stop(process, postgres.program.stop_signal, seconds=10)
        assert process.returncode == 0
        connection.close()


def test_data_of_another_version_are_refused_with_the_way_out(postgres):
    postgres.data.mkdir()
    (postgres.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(StartError, match=r"made by PostgreSQL 9; the package brings \d+.*DATABASE_URL"):
        start(postgres)


def test_a_first_start_that_was_cut_off_does_no_harm(postgres):
    draft = postgres.data.with_suffix(".new")
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18\n")
    process = start(postgres)
    assert ask(postgres, "SELECT 1") == [(1,)]
    assert not draft.exists()
    stop(process, postgres.program.stop_signal)


def test_a_stale_pid_of_a_stranger_does_not_keep_postgresql_down(postgres):
    stop(start(postgres), postgres.program.stop_signal)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (postgres.data / "postmaster.pid").write_text(f"{stranger.pid}\n{postgres.data}\n1\n5432\n\n\n0 0\n")
        process = start(postgres, seconds=10)
        assert ask(postgres, "SELECT 1") == [(1,)]
        stop(process, postgres.program.stop_signal)
        stranger.kill()


def test_a_socket_folder_that_others_may_enter_is_refused(folder):
    (folder / "run").mkdir(mode=0o755)
    with pytest.raises(StartError, match="chmod 700"):
        private_folder(folder / "run")
    (folder / "link").symlink_to(folder)
    with pytest.raises(StartError):
        private_folder(folder / "link")


def test_a_server_that_does_not_get_ready_is_an_error_with_its_last_words(postgres):
    stop(start(postgres), postgres.program.stop_signal)
    (postgres.data / "postgresql.conf").write_text("nonsense = 1\n")
    with pytest.raises(StartError, match="nonsense"):
        start(postgres)


def test_a_deep_data_directory_works(folder):
    deep = folder / ("deep " * 20) / "var"
    deep.mkdir(parents=True)
    server = Postgres(deep / "postgres", socket_dir(deep), throwaway=True)
    process = start(server)
    assert ask(server, "SELECT 1") == [(1,)]
    stop(process, server.program.stop_signal)
    server.sockets.rmdir()


def test_valkey_keeps_its_queue_over_a_stop(folder):
    server = Valkey(folder / "valkey", folder / "run")
    process = start(server)
    assert server.ready()
    stop(process, server.program.stop_signal)
    assert not server.ready()
    assert any((folder / "valkey" / "appendonlydir").iterdir())
    process = start(server)
    assert server.ready()
    stop(process, server.program.stop_signal)


STARTER = """
import sys, time
from pathlib import Path
from slo_portal.local import Postgres, Valkey, start
folder = Path(sys.argv[1])
servers = Postgres(folder / "postgres", folder / "run", throwaway=True), Valkey(folder / "valkey", folder / "run")
for server in servers:
    print(start(server).pid, flush=True)
time.sleep(600)
"""


def test_no_server_outlives_a_starter_that_is_killed(folder):
    command = [sys.executable, "-c", STARTER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as starter:
        pids = [int(starter.stdout.readline()) for _ in range(2)]
        assert [Path(f"/proc/{pid}").exists() for pid in pids] == [True, True]
        starter.send_signal(signal.SIGKILL)
    assert [ended(pid) for pid in pids] == [True, True]


def test_root_runs_postgresql_as_someone_else(postgres):
    process = start(postgres)
    assert ask(postgres, "SELECT 1") == [(1,)]
    namespace = os.readlink(f"/proc/{process.pid}/ns/user")
    uid = Path(f"/proc/{process.pid}").stat().st_uid
    stop(process, postgres.program.stop_signal)
    ours = os.readlink("/proc/self/ns/user")
    if os.getuid() == 0:
        assert uid != 0 or namespace != ours
    else:
        assert (uid, namespace) == (os.getuid(), ours)
