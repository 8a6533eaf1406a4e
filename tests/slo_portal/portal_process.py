"""Run the portal's commands as a user does: another process, a data directory, an environment, nothing else."""

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import psutil

from slo_portal.processes import Program

ROOT = Path(__file__).resolve().parents[2]


def environment(data: Path, **more: str) -> dict[str, str]:
    """This process's, without what pytest and its settings put there."""
    ours = {"DJANGO_SETTINGS_MODULE", "DATABASE_URL", "SECRET_KEY", "PYTEST_CURRENT_TEST"}
    clean = {key: value for key, value in os.environ.items() if key not in ours}
    return {**clean, "DATA_DIR": str(data), "ENV_FILE": os.devnull, **more}


def manage(data: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return run([sys.executable, str(ROOT / "manage.py"), *arguments], data, **more)


def manage_as_ordinary_user(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As someone who is not root, also where the tests are run by root."""
    return run(as_ordinary_user(data, sys.executable, str(ROOT / "manage.py"), *arguments), data)


def as_ordinary_user(data: Path, *command: str) -> list[str]:
    return Program("ordinary", list(command), folders=[data]).wrapped


def run(command: list[str], data: Path, **more: str) -> subprocess.CompletedProcess[str]:
    env = environment(data, **more)
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def ended(pid: int, seconds: float = 10) -> bool:
    """Wait for the end of a process that is not ours."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], seconds)[0])
    finally:
        os.close(watched)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Portal:
    """A portal in the foreground of another process, what it says, and all that it has started."""

    def __init__(self, data: Path, *, command: list[str] | None = None, **more: str) -> None:
        self.port = free_port()
        env = environment(data, PORT=str(self.port), **more)
        command = command or [sys.executable, str(ROOT / "manage.py"), "portal"]
        self.lines: list[str] = []
        self.heard = threading.Condition()
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        ours = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests by nohup, it is not for the portal
        self.process = subprocess.Popen(command, env=env, text=True, **pipes)
        signal.signal(signal.SIGHUP, ours)
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def _listen(self) -> None:
        with self.process.stdout as lines:
            for line in lines:
                with self.heard:
                    self.lines.append(line.rstrip())
                    self.heard.notify_all()

    def wait_for(self, text: str, times: int = 1, seconds: float = 300) -> str:
        def found() -> list[str]:
            return [line for line in self.lines if text in line]

        with self.heard:
            assert self.heard.wait_for(lambda: len(found()) >= times, seconds), self.lines
            return found()[times - 1]

    def everything(self) -> dict[int, str]:
        """Pid and command line of it and of all below it."""
        found = [psutil.Process(self.process.pid)]
        found += found[0].children(recursive=True)
        return {process.pid: " ".join(process.cmdline()) for process in found}

    def child(self, text: str) -> int:
        """The pid of the one right below it that was started by a command with this text in it."""
        below = psutil.Process(self.process.pid).children()
        return next(process.pid for process in below if text in " ".join(process.cmdline()))

    def get(self, path: str) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return answer.status

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(how)
        code = self.process.wait(60)
        self.listener.join(10)
        return code

    def __enter__(self) -> "Portal":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.listener.join(10)
