"""Keep programs running: start again what dies, give up loudly when that does not help, stop all in order."""

import signal
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from subprocess import PIPE, Popen

from slo_portal.processes import Program, kill_group, spawn, wait_all

STEADY_SECONDS = 30.0  # one that has run for so long had started well
QUICK_DEATHS = 5  # so many in a row, and it will not come up
STOP_SECONDS = 15.0

Say = Callable[[str, str], None]  # (name of the program, a line)


@dataclass
class Wish:
    """What signals have asked for. Plain flags: a handler that takes a lock, as an Event's, may wait for itself."""

    stop: bool = False
    hurry: bool = False


@dataclass
class Child:
    """A program and its present process; `rank` orders the stop, lowest first."""

    program: Program
    process: Popen[str]
    respawn: Callable[[], Popen[str]]
    rank: int
    started: float = field(default_factory=time.monotonic)
    quick_deaths: int = 0
    due: float | None = None  # when to start it again, if it is dead

    def died(self, now: float) -> None:
        self.quick_deaths = self.quick_deaths + 1 if now - self.started < STEADY_SECONDS else 1
        self.due = now + 0.5 * 2 ** (self.quick_deaths - 1)

    def restart(self) -> None:
        self.process, self.started, self.due = self.respawn(), time.monotonic(), None


class Supervisor:
    """Runs until a stop is wished for, or until a child cannot be kept running."""

    def __init__(self, say: Say, wish: Wish) -> None:
        self.say, self.wish = say, wish
        self.children: list[Child] = []

    def run(self, program: Program, *, rank: int) -> None:
        """Start it; its output goes line by line to `say`."""

        def respawn() -> Popen[str]:
            process = spawn(program, PIPE)
            threading.Thread(target=self._pass_on, args=(program.name, process), daemon=True).start()
            return process

        self.adopt(program, respawn(), respawn, rank=rank)

    def adopt(self, program: Program, process: Popen[str], respawn: Callable[[], Popen[str]], *, rank: int) -> None:
        """Look after a process that runs already."""
        self.children.append(Child(program, process, respawn, rank))

    def watch(self) -> bool:
        """Until it is to stop: True when asked to, False when a child dies again and again."""
        while not self.wish.stop:
            time.sleep(0.2)
            for child in self.children:
                self._look_after(child)
                if child.quick_deaths >= QUICK_DEATHS:
                    self.say(child.program.name, f"died {QUICK_DEATHS} times in a row right after its start: giving up")
                    return False
        return True

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.due is None and child.process.poll() is not None:
            kill_group(child.process)  # an orphaned web worker would keep the port
            child.died(now)
            self.say(child.program.name, f"{describe(child.process.returncode)}; starting it again")
        elif child.due is not None and now >= child.due:
            child.restart()
            self.say(child.program.name, "runs again")

    def stop_all(self) -> None:
        """By rank: first those that use the servers, then the servers."""
        for rank in sorted({child.rank for child in self.children}):
            group = [child for child in self.children if child.rank == rank and child.process.poll() is None]
            for child in group:
                child.process.send_signal(child.program.stop_signal)
            wait_all([child.process for child in group], STOP_SECONDS, lambda: self.wish.hurry)

    def _pass_on(self, name: str, process: Popen[str]) -> None:
        with process.stdout or nullcontext(()) as lines:
            for line in lines:
                if line.strip():
                    self.say(name, line.rstrip())


def describe(returncode: int) -> str:
    if returncode < 0:
        return f"was killed by {signal.Signals(-returncode).name}"
    return f"ended with code {returncode}"
