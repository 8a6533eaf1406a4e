"""Commands beside `make run` and without it: the portal's own database is there for each, and gone with the last."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from slo_portal.env import socket_dir
from slo_portal.second_shell import needs_database
from tests.slo_portal.portal_process import ROOT, ended, environment, manage, manage_as_ordinary_user, run

ASK = "from django.db import connection as c; k = c.cursor(); k.execute('SELECT 6 * 7'); print(k.fetchone())"
WAIT = f"import sys; {ASK}; sys.stdout.flush(); sys.stdin.readline(); {ASK}"


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="slo-", ignore_cleanup_errors=True) as name:
        done = manage(Path(name), "migrate", "-v0")
        assert (done.returncode, done.stderr) == (0, "")
        yield Path(name)


@contextmanager
def waiting_command(data: Path) -> Iterator[subprocess.Popen[str]]:
    """A command that has used the database and waits for a line of input before it uses it again and ends."""
    command = [sys.executable, str(ROOT / "manage.py"), "shell", "--no-imports", "-c", WAIT]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment(data), text=True, **pipes) as process:
        assert process.stdout.readline() == "(42,)\n", process.stderr.read()
        yield process
        process.kill()


def server_runs(data: Path) -> bool:
    return (data / "postgres" / "postmaster.pid").exists()


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        ("migrate", True), ("shell -c x", True), ("bootstrap", True), ("create_token admin", True), ("", False),
        ("check --deploy", False), ("makemigrations", False), ("help migrate", False), ("migrate --help", False),
        ("portal", False), ("--version", False), ("collectstatic", False),
    ],
)  # fmt: skip
def test_a_command_brings_the_database_only_when_it_needs_one(arguments, needed):
    assert needs_database(arguments.split()) is needed


@pytest.mark.slow
def test_a_command_starts_the_database_for_its_own_time(data):
    done = manage(data, "shell", "--no-imports", "-c", ASK)
    assert (done.returncode, done.stdout, done.stderr) == (0, "(42,)\n", "")
    assert not server_runs(data)


@pytest.mark.slow
def test_the_one_that_started_it_waits_until_the_others_are_done(data):
    with waiting_command(data) as first, waiting_command(data) as second:
        first.stdin.write("\n")
        first.stdin.flush()
        assert first.stdout.readline() == "(42,)\n"
        assert "another command still uses the database" in first.stderr.readline()
        assert first.poll() is None
        output, errors = second.communicate("\n")
        assert (second.returncode, output, errors) == (0, "(42,)\n", "")
        assert first.wait(20) == 0
    assert not server_runs(data)


@pytest.mark.slow
def test_a_killed_command_leaves_no_server_and_no_lock(data):
    with waiting_command(data) as first:
        server = int((data / "postgres" / "postmaster.pid").read_text().split()[0])
        first.kill()
        assert ended(server)
    assert manage(data, "shell", "--no-imports", "-c", ASK).stdout == "(42,)\n"


@pytest.mark.slow
def test_a_database_that_is_not_migrated_is_a_clear_error(tmp_path):
    done = manage(tmp_path, "shell", "--no-imports", "-c", ASK)
    assert done.returncode == 1
    assert "manage.py migrate" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_database_url_is_used_and_nothing_is_started(tmp_path):
    url = f"postgresql://nobody@{str(tmp_path).replace('/', '%2F')}/none"
    done = manage(tmp_path, "migrate", DATABASE_URL=url)
    assert done.returncode == 1
    assert "The database cannot be used" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["secret-key"]


@pytest.mark.slow
def test_a_database_user_that_may_not_make_the_role_is_told_what_is_missing(data, tmp_path):
    with waiting_command(data):
        socket = str(socket_dir(data))
        with psycopg.connect(host=socket, user="slo", dbname="slo", autocommit=True) as connection:
            connection.execute("CREATE ROLE plain LOGIN")
            connection.execute("CREATE DATABASE plain OWNER plain")
        url = f"postgresql://plain@{quote(socket, safe='')}/plain"
        done = manage(tmp_path, "migrate", DATABASE_URL=url)
    assert done.returncode == 1
    assert "needs CREATEROLE" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_an_ordinary_user_can_do_it_too():
    with tempfile.TemporaryDirectory(prefix="slo-", ignore_cleanup_errors=True) as name:
        done = manage_as_ordinary_user(Path(name), "migrate", "-v0")
        assert (done.returncode, done.stderr) == (0, "")
        asked = f"import os; print(os.getuid()); {ASK}"
        done = manage_as_ordinary_user(Path(name), "shell", "--no-imports", "-c", asked)
        uid, answer = done.stdout.split("\n", 1)
        assert (int(uid) != 0, answer) == (True, "(42,)\n")
        assert not server_runs(Path(name))


@pytest.mark.slow
def test_so_can_a_user_without_a_name():
    """As containers have them: a bare number that stands in no list of users."""
    nameless = ["unshare", "--user", "--map-user=12345", "--map-group=12345", sys.executable, str(ROOT / "manage.py")]
    with tempfile.TemporaryDirectory(prefix="slo-", ignore_cleanup_errors=True) as name:
        done = run([*nameless, "migrate", "-v0"], Path(name))
        assert (done.returncode, done.stderr) == (0, "")
        done = run([*nameless, "shell", "--no-imports", "-c", f"import os; print(os.getuid()); {ASK}"], Path(name))
        assert done.stdout == "12345\n(42,)\n"
