"""The portal's web server, one worker, as a process of its own; and a client that keeps its connection."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.database import ROOT

OPTIONS = ["--worker-class", "gthread", "--workers", "1", "--threads", "8", "--no-control-socket"]
PATIENCE = 60.0


@dataclass
class Client:
    """Requests over one connection, with one bearer token."""

    connection: http.client.HTTPConnection
    token: str = ""

    def request(self, method: str, path: str, body: bytes | None = None) -> bytes:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        self.connection.request(method, path, body, headers if self.token else {})
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:500]!r}")
        return content


@dataclass
class Web:
    process: subprocess.Popen[bytes]
    port: int

    def client(self, token: str = "") -> Client:
        return Client(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE), token)

    def worker_bytes(self) -> int:
        """Resident memory of the worker process."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return resident(int(children[0]))


def resident(pid: int) -> int:
    """Resident memory of a process in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


@contextmanager
def serve(application: str, env: Mapping[str, str]) -> Iterator[Web]:
    """Run a WSGI application under gunicorn until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}", *OPTIONS]
    env = {**env, "MALLOC_ARENA_MAX": "1"}  # as the portal starts it
    with subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.DEVNULL) as process:
        try:
            _await(port)
            yield Web(process, port)
        finally:
            os.kill(process.pid, signal.SIGTERM)


def _await(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the web server did not come up")
