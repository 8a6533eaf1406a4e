"""What the sink received, and what it is to do next."""

import json
import socketserver
import time
from collections import defaultdict, deque
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Condition, Event, Lock, Thread


@dataclass(frozen=True)
class Entry:
    """One request or mail. `target` is the path or the recipient; `accepted`: a receiver would have acted on it."""

    time: float  # seconds since 1970
    protocol: str  # http or smtp
    target: str
    key: str  # Idempotency-Key, or X-SLO-Portal-Key of a mail
    step: str  # what was played
    accepted: bool
    method: str
    headers: dict[str, str]
    body: str


class Ledger:
    def __init__(self, path: Path | None = None) -> None:
        self._entries: list[Entry] = []
        self._changed = Condition()
        self._file = path.open("a", encoding="utf-8", buffering=1) if path else None

    def add(self, entry: Entry) -> None:
        with self._changed:
            self._entries.append(entry)
            if self._file:
                self._file.write(json.dumps(asdict(entry)) + "\n")
            self._changed.notify_all()

    def entries(self, *, target: str | None = None, accepted: bool | None = None) -> list[Entry]:
        with self._changed:
            return self._matching(target, accepted)

    def wait_for(
        self, count: int, *, target: str | None = None, accepted: bool | None = None, seconds: float = 10
    ) -> list[Entry]:
        """The entries as soon as there are so many; AssertionError when there are not in time."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: len(self._matching(target, accepted)) >= count, seconds)
            assert arrived, f"{len(self._matching(target, accepted))} of {count} after {seconds} s"
            return self._matching(target, accepted)

    def _matching(self, target: str | None, accepted: bool | None) -> list[Entry]:
        return [
            entry for entry in self._entries if target in (None, entry.target) and accepted in (None, entry.accepted)
        ]


class Script:
    """Steps to play, by target; "*" stands for all targets that have none of their own."""

    def __init__(self, usual: str) -> None:
        self._always = {"*": usual}
        self._next: dict[str, deque[str]] = defaultdict(deque)
        self._lock = Lock()

    def play(self, target: str, *steps: str) -> None:
        """The next ones, once each."""
        with self._lock:
            self._next[target].extend(steps)

    def always(self, target: str, step: str) -> None:
        with self._lock:
            self._always[target] = step

    def take(self, target: str) -> str | None:
        """The step of this very target; None where it has none."""
        with self._lock:
            return self._next[target].popleft() if self._next[target] else self._always.get(target)

    def take_any(self, target: str) -> str:
        return self.take(target) or self.take("*") or ""


class Server(socketserver.ThreadingTCPServer):
    """On a free port of loopback, in threads that end with it."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, ledger: Ledger, usual: str, handler: type[socketserver.BaseRequestHandler], port: int) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self.ledger, self.script, self.ended = ledger, Script(usual), Event()
        self.port = self.server_address[1]

    def begin(self) -> None:
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def end(self) -> None:
        self.ended.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is what many scripts want."""

    def note(
        self,
        protocol: str,
        target: str,
        key: str,
        step: str,
        accepted: bool,
        method: str,
        headers: dict[str, str],
        body: str,
    ) -> None:
        self.ledger.add(Entry(time.time(), protocol, target, key, step, accepted, method, headers, body))
