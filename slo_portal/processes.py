"""Start and stop other programs, so that none outlives its starter."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL, STDOUT, Popen
from typing import IO, Any

CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True)
class Program:
    """What to run, and how it likes to be asked to stop."""

    name: str
    command: list[str]
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGTERM  # from the kernel, when the starter was killed
    folders: list[Path] = field(default_factory=list)  # not empty: never as root; it must be able to write them
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    cwd: Path | None = None

    @property
    def wrapped(self) -> list[str]:
        folders = ":".join(map(str, self.folders)) or "-"
        wrapper = [sys.executable, "-I", "-S", str(CHILD), str(os.getpid()), str(int(self.orphan_signal)), folders]
        return [*wrapper, *self.command]


def spawn(program: Program, output: IO[Any] | int) -> Popen[str]:
    """Start it in a session of its own (a terminal's Ctrl-C is not for it). Call from the main thread only: Linux
    takes the end of the thread that started a child for the end of its starter."""
    assert threading.current_thread() is threading.main_thread()  # noqa: S101
    return Popen(
        program.wrapped,
        stdin=DEVNULL,
        stdout=output,
        stderr=STDOUT,
        env=program.env,
        cwd=program.cwd,
        start_new_session=True,
        text=True,
        errors="replace",
    )


def wait_all(processes: list[Popen[str]], seconds: float, hurry: Callable[[], bool] = lambda: False) -> None:
    """Wait until all have ended; after `seconds`, or in a hurry, kill what is left with its children."""
    deadline = time.monotonic() + seconds
    while any(process.poll() is None for process in processes):
        if hurry() or time.monotonic() > deadline:
            for process in processes:
                kill_group(process)
        time.sleep(0.02)


def kill_group(process: Popen[str]) -> None:
    """The process, if it still runs, and whatever it has started and left."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def stop(process: Popen[str], how: signal.Signals, seconds: float = 15) -> None:
    """Ask it to stop; kill it when it has not after `seconds`."""
    if process.poll() is None:
        process.send_signal(how)
    wait_all([process], seconds)
