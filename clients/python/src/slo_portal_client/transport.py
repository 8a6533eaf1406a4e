"""One attempt to hand a batch over, by HTTP. Never raises for what the other side does, and is over in time."""

import http.client
import io
import json
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast
from urllib.parse import urlsplit

API = "/api/v1/metrics"
MAX_ANSWER = 10_000_000  # bytes; a batch of which every row is refused
LONGEST_PAUSE = 300.0  # seconds that the portal may ask for


@dataclass(frozen=True)
class Answer:
    """`status` 0: none came. `data` is what the portal's envelope holds, `problem` what its refusal does."""

    status: int
    reason: str = ""
    data: Mapping[str, Any] | None = None
    problem: Mapping[str, Any] = field(default_factory=dict)
    pause: float = 0.0  # seconds, by Retry-After


class Address:
    """Where the portal is, and who asks. Raises ValueError for a URL that cannot be one."""

    def __init__(self, url: str, token: str, timeout: float, context: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise ValueError("url: Give the portal's address, such as https://slo.example.com.")
        if not token or not token.isascii() or not token.isprintable():
            raise ValueError("token: Give the token that `manage.py create_token` printed.")
        self.host, self.port, self.timeout = parts.hostname, parts.port, timeout
        self.path = parts.path.rstrip("/").removesuffix(API) + API
        self.context = (context or ssl.create_default_context()) if parts.scheme == "https" else None
        self._token = token

    def __repr__(self) -> str:
        return f"{'https' if self.context else 'http'}://{self.host}{f':{self.port}' if self.port else ''}{self.path}"

    def post(self, path: str, body: bytes, media: str, key: str) -> Answer:
        deadline = time.monotonic() + self.timeout
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": media, "Idempotency-Key": key}
        connection = self._connection()
        try:
            self._send(connection, path, body, {**headers, "Connection": "close"})
            # http.client's own time limit begins anew with every byte
            response = http.client.HTTPResponse(cast(socket.socket, _Timed(connection.sock, deadline)), method="POST")
            response.begin()
            with response:
                return _understood(response.status, response.headers, response.read(MAX_ANSWER + 1))
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, f"{type(error).__name__}: {error}")
        finally:
            connection.close()

    def _send(self, connection: http.client.HTTPConnection, path: str, body: bytes, headers: dict[str, str]) -> None:
        try:
            connection.request("POST", f"{self.path}/{path}", body, headers)
        except (BrokenPipeError, ConnectionResetError):
            if connection.sock is None:
                raise
            # a server that has had enough answers before it has read all

    def _connection(self) -> http.client.HTTPConnection:
        if self.context:
            return http.client.HTTPSConnection(self.host, self.port, timeout=self.timeout, context=self.context)
        return http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)


class _Timed(io.RawIOBase):
    """What is read of a socket until a deadline of the monotonic clock."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self.sock, self.deadline = sock, deadline

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        self.sock.settimeout(left)
        return self.sock.recv_into(buffer)


def _understood(status: int, headers: http.client.HTTPMessage, content: bytes) -> Answer:
    try:
        document = json.loads(content) if len(content) <= MAX_ANSWER else None
    except (ValueError, RecursionError):
        document = None
    document = document if isinstance(document, dict) else {}
    if status == 200 and document.get("success") is True and isinstance(document.get("data"), dict):
        return Answer(status, data=document["data"])
    reason = f"{status} {document.get('detail') or headers.get('Location') or 'not an answer of the portal'}"
    return Answer(status, reason[:500], problem=document, pause=_pause(headers.get("Retry-After", "")))


def _pause(text: str) -> float:
    """Seconds, of seconds or of a date."""
    try:
        at = float(text) if text.isdigit() else (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(at, 0.0), LONGEST_PAUSE)
