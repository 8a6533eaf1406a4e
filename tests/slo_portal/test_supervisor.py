"""Small programs under the supervisor: what dies comes back, what cannot come up ends it all, the stop has an order."""

import os
import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from slo_portal import supervisor as module
from slo_portal.processes import Program
from slo_portal.supervisor import Supervisor, Wish, describe
from tests.slo_portal.portal_process import ended

STEADY = "import os, signal, sys; print('up', os.getpid(), flush=True); signal.pause()"
LEAVES_A_CHILD = """
import os, subprocess
child = subprocess.Popen(["sleep", "600"])
print("child", child.pid, flush=True)
os._exit(3)
"""
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"
POLITE = """
import os, signal, time
def leave(*_):
    os.write(1, b"bye %d\\n" % time.monotonic_ns())
    os._exit(0)
signal.signal(signal.SIGTERM, leave)
print("up", flush=True)
signal.pause()
"""


def program(name: str, code: str) -> Program:
    return Program(name, [sys.executable, "-I", "-S", "-c", code])


class Stage:
    """A supervisor, what was said, and a way to wait for it."""

    def __init__(self) -> None:
        self.wish, self.heard = Wish(), threading.Condition()
        self.lines: list[str] = []
        self.supervisor = Supervisor(self.say, self.wish)

    def say(self, name: str, line: str) -> None:
        with self.heard:
            self.lines.append(f"{name} {line}")
            self.heard.notify_all()

    def wait_for(self, text: str, times: int = 1) -> str:
        def found() -> list[str]:
            return [line for line in self.lines if text in line]

        with self.heard:
            assert self.heard.wait_for(lambda: len(found()) >= times, 20), self.lines
            return found()[times - 1]

    def stop_at(self, text: str, times: int) -> None:
        """Have another thread wish for a stop as soon as the text was said so often."""

        def act() -> None:
            self.wait_for(text, times)
            self.wish.stop = True

        threading.Thread(target=act, daemon=True).start()


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.wish.hurry = True
    stage.supervisor.stop_all()


def number(line: str) -> int:
    return int(line.split()[-1])


def test_lines_are_passed_on_with_the_name_and_a_stop_is_clean(stage):
    stage.supervisor.run(program("web", STEADY), rank=0)
    first = number(stage.wait_for("web up"))
    stage.wish.stop = True
    assert stage.supervisor.watch() is True
    stage.supervisor.stop_all()
    assert ended(first)


def test_a_child_that_dies_is_started_again(stage):
    stage.supervisor.run(program("web", STEADY), rank=0)
    first = number(stage.wait_for("web up"))
    os.kill(first, signal.SIGKILL)
    stage.stop_at("web up", 2)
    assert stage.supervisor.watch() is True
    assert number(stage.wait_for("web up", 2)) != first
    assert "killed by SIGKILL" in stage.wait_for("starting it again")


def test_a_child_that_dies_again_and_again_ends_it_loudly(stage, monkeypatch):
    monkeypatch.setattr(module, "QUICK_DEATHS", 3)
    stage.supervisor.run(program("web", "raise SystemExit('no good')"), rank=0)
    assert stage.supervisor.watch() is False
    assert "died 3 times in a row" in stage.wait_for("giving up")
    stage.wait_for("no good", 3)


def test_pauses_grow_with_each_quick_death_and_start_anew_after_a_long_life(stage):
    stage.supervisor.run(program("web", STEADY), rank=0)
    [child] = stage.supervisor.children
    child.started, pauses = 0.0, []
    for now in (1.0, 2.0, 3.0, 100.0):
        child.died(now)
        pauses.append(child.due - now)
    assert pauses == [0.5, 1.0, 2.0, 0.5]


def test_what_a_dead_child_has_left_is_cleared_away(stage, monkeypatch):
    monkeypatch.setattr(module, "QUICK_DEATHS", 1)
    stage.supervisor.run(program("web", LEAVES_A_CHILD), rank=0)
    left = number(stage.wait_for("child"))
    stage.supervisor.watch()
    assert ended(left)


def test_those_of_a_lower_rank_stop_first(stage):
    for name, rank in (("database", 2), ("broker", 1), ("web", 0)):
        stage.supervisor.run(program(name, POLITE), rank=rank)
        stage.wait_for(f"{name} up")
    stage.supervisor.stop_all()
    stage.wait_for("bye", 3)
    farewells = sorted((number(line), line.split()[0]) for line in stage.lines if "bye" in line)
    assert [name for _, name in farewells] == ["web", "broker", "database"]


def test_one_that_does_not_listen_is_killed(stage, monkeypatch):
    monkeypatch.setattr(module, "STOP_SECONDS", 0.1)
    stage.supervisor.run(program("web", STUBBORN), rank=0)
    stage.wait_for("up")
    stage.supervisor.stop_all()
    assert stage.supervisor.children[0].process.returncode == -signal.SIGKILL


def test_a_hurry_kills_at_once(stage):
    stage.supervisor.run(program("web", STUBBORN), rank=0)
    stage.wait_for("up")
    stage.wish.hurry = True
    stage.supervisor.stop_all()
    assert stage.supervisor.children[0].process.returncode == -signal.SIGKILL


def test_the_end_of_a_program_is_told_in_words():
    assert describe(-9) == "was killed by SIGKILL"
    assert describe(1) == "ended with code 1"
