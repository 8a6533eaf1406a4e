"""`make run`, as a newcomer and an operator meet it: the whole portal, really started, really killed."""

import os
import re
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from slo_portal.local import Postgres, start
from slo_portal.processes import stop
from tests.slo_portal.portal_process import ROOT, Portal, as_ordinary_user, ended, manage, run
from tests.slo_portal.test_second_shell import ASK, waiting_command

pytestmark = pytest.mark.slow

USERS = "from accounts.models import User; print(User.objects.count())"


@pytest.fixture
def fresh() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="slo-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """One data directory for all that is not about a first start."""
    with tempfile.TemporaryDirectory(prefix="slo-", ignore_cleanup_errors=True) as name:
        done = manage(Path(name), "migrate", "-v0")
        assert (done.returncode, done.stderr) == (0, "")
        yield Path(name)


def test_first_start_second_shell_and_second_start(fresh):
    with Portal(fresh) as portal:
        portal.wait_for("ready in")
        assert re.search(rf"127\.0\.0\.1:{portal.port}/ as admin, password \S{{12,}}$", portal.wait_for("password "))
        assert portal.get("/admin/login/") == 200

        beside = manage(fresh, "shell", "--no-imports", "-c", f"{ASK}; {USERS}")
        assert (beside.returncode, beside.stdout, beside.stderr) == (0, "(42,)\n1\n", "")
        inspect = run([sys.executable, "-m", "celery", "-A", "slo_portal", "inspect", "ping"], fresh)
        assert (inspect.returncode, "pong" in inspect.stdout) == (0, True), inspect.stderr
        again = manage(fresh, "portal")
        assert again.returncode == 1
        assert "already running" in again.stderr

        everything = portal.everything()
        assert len(everything) > 6
        assert portal.stop(signal.SIGINT) == 0
        assert all(ended(pid) for pid in everything)

    with Portal(fresh) as portal:
        portal.wait_for("ready in")
        assert not [line for line in portal.lines if "password" in line or "static files" in line]
        assert manage(fresh, "shell", "--no-imports", "-c", USERS).stdout == "1\n"
        assert portal.stop(signal.SIGTERM) == 0


def test_whatever_dies_is_started_again(data):
    with Portal(data) as portal:
        portal.wait_for("ready in")
        for number, text in enumerate(("gunicorn", "beat", "worker", "valkey-server", "postgres -D"), start=1):
            first = portal.child(text)
            os.kill(first, signal.SIGKILL)
            portal.wait_for("runs again", times=number)
        assert manage(data, "shell", "--no-imports", "-c", ASK).stdout == "(42,)\n"
        assert portal.get("/admin/login/") == 200
        ping = [sys.executable, "-m", "celery", "-A", "slo_portal", "inspect", "ping", "--timeout", "10"]
        # a worker that has just found its broker again may not hear the first one
        assert any(run(ping, data).returncode == 0 for _ in range(5))
        assert portal.stop(signal.SIGHUP) == 0


def test_a_killed_supervisor_leaves_nothing_behind(data):
    with Portal(data) as portal:
        portal.wait_for("ready in")
        everything = portal.everything()
        portal.process.kill()
        assert {text: ended(pid) for pid, text in everything.items()} == dict.fromkeys(everything.values(), True)
    with Portal(data) as portal:
        portal.wait_for("ready in")
        assert portal.get("/admin/login/") == 200
        assert portal.stop() == 0


def test_one_that_cannot_come_up_stops_everything_loudly(data, tmp_path):
    (tmp_path / "gunicorn.py").write_text("raise SystemExit('no web today')")
    with Portal(data, PYTHONPATH=str(tmp_path)) as portal:
        portal.wait_for("ended with code 1")
        everything = portal.everything()
        assert portal.process.wait(60) == 1
        portal.wait_for("no web today", times=5)
        portal.wait_for("giving up")
        assert all(ended(pid) for pid in everything)


def test_it_waits_for_a_command_that_uses_the_database(data):
    with waiting_command(data) as command, Portal(data) as portal:
        portal.wait_for("waiting for a command in another shell")
        output, _ = command.communicate("\n")
        assert output == "(42,)\n"
        portal.wait_for("ready in")
        assert portal.stop() == 0


def test_nohup_has_its_way(data):
    command = ["nohup", sys.executable, str(ROOT / "manage.py"), "portal"]
    with waiting_command(data) as other, Portal(data, command=command) as portal:
        portal.wait_for("waiting for a command in another shell")
        portal.process.send_signal(signal.SIGHUP)
        other.communicate("\n")
        portal.wait_for("ready in")
        assert portal.stop(signal.SIGTERM) == 0


def test_a_stop_while_it_waits_is_heeded(data):
    with waiting_command(data), Portal(data) as portal:
        portal.wait_for("waiting for a command in another shell")
        assert portal.stop() == 0


def test_a_port_that_is_taken_is_said_before_anything_starts(data):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = manage(data, "portal", PORT=str(other.getsockname()[1]))
    assert done.returncode == 1
    assert "make run PORT=" in done.stderr
    assert "ready" not in done.stdout


def test_servers_that_are_named_are_used_instead_of_the_own_ones(sockets, valkey, tmp_path):
    server = Postgres(sockets / "given", sockets / "run-given", throwaway=True)
    process = start(server)
    url = f"postgresql://slo@{quote(str(server.sockets), safe='')}/slo"
    with Portal(tmp_path, DATABASE_URL=url, REDIS_URL=f"redis+socket://{valkey.socket}") as portal:
        portal.wait_for("ready in")
        assert portal.get("/admin/login/") == 200
        assert portal.stop() == 0
    assert not {"postgres", "valkey", "run"} & {path.name for path in tmp_path.iterdir()}
    assert process.poll() is None
    assert valkey.ready()
    stop(process, server.program.stop_signal)


def test_an_ordinary_user_can_run_it(fresh):
    command = as_ordinary_user(fresh, sys.executable, str(ROOT / "manage.py"), "portal")
    with Portal(fresh, command=command) as portal:
        portal.wait_for("ready in")
        everything = portal.everything()
        assert portal.get("/admin/login/") == 200
        assert portal.stop() == 0
        assert all(ended(pid) for pid in everything)
