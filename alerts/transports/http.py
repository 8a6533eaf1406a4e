"""HTTP to addresses that people entered: guarded, bounded in time and size, and exact about what became of a request.

The name is resolved once, every address of it is checked, and the connection goes to a checked address, while TLS and
the Host header keep the name. Redirects are not followed; proxies from the environment, cookies and credentials in
addresses are not known here.
"""

import http.client
import io
import json
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from time import monotonic
from typing import Any, cast
from urllib.parse import quote, urlsplit

from django.conf import settings

from alerts.transports import guard
from alerts.transports.message import DeliveryError

SECONDS, SECONDS_TO_CONNECT, SECONDS_TO_READ = 10.0, 3.0, 7.0
LONGEST_ANSWER = 64 * 1024
LONGEST_RETRY_AFTER = 24 * 3600.0
PERMANENT = {301, 308, 401, 403, 404, 405, 410}
WAY_OUT = {
    **dict.fromkeys(range(300, 400), "Redirects are not followed; enter the final address."),
    **dict.fromkeys((401, 403), "It refuses us: make a new address or key there, and enter it."),
    **dict.fromkeys((404, 405, 410), "There is nobody (any more): make a new address there, and enter it."),
}


@dataclass(frozen=True)
class Place:
    """An address, taken apart once. It may hold a secret: only `host` may be shown."""

    secure: bool
    host: str
    port: int
    path: str


@dataclass(frozen=True)
class Answer:
    host: str
    status: int
    retry_after: str
    body: str
    seconds: float

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def field(self, name: str) -> Any:
        """A field of a JSON object; None where it has none or is no such thing."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return found.get(name) if isinstance(found, dict) else None


def place(url: str) -> Place:
    """Raises DeliveryError (permanent) for what is no plain address of the web."""
    url = url.strip()
    try:
        parts = urlsplit(url)
        host, port = guard.plain(parts.hostname or ""), parts.port
    except ValueError:
        raise DeliveryError("This is not an address.", permanent=True) from None
    if parts.scheme not in ("http", "https") or not host or "%" in host or port == 0 or not url.isprintable():
        raise DeliveryError("Enter an address that starts with https:// (or http://).", permanent=True)
    if "@" in parts.netloc or "\\" in parts.netloc:
        raise DeliveryError("Enter the address without user and password in it.", permanent=True)
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._") or "/"
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]")
    secure = parts.scheme == "https"
    return Place(secure, host, port or (443 if secure else 80), f"{path}?{query}" if query else path)


def allow_list() -> guard.AllowList:
    return guard.AllowList.read(settings.OUTGOING_ALLOWED)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    return request("POST", url, body, headers)


def request(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    """One request, 10 seconds at most. Raises DeliveryError when no answer comes; `unknown` once it was written."""
    to, start = place(url), monotonic()
    wire = _Wire(_connect(to, start + SECONDS), start + SECONDS)
    with closing(wire.socket):
        connection = http.client.HTTPSConnection if to.secure else http.client.HTTPConnection
        client = connection(to.host, to.port)
        client.sock = cast(socket.socket, wire)
        try:
            client.request(method, to.path, body, {"User-Agent": "slo-portal", "Connection": "close", **headers})
        except OSError as error:
            raise DeliveryError(f"The connection to {to.host} was lost: {_words(error)}.") from None
        try:
            response = client.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise DeliveryError(f"{to.host} gave no answer: {_words(error)}.", unknown=True) from None
        answer = _beginning(response)
    retry_after = response.headers.get("Retry-After", "")
    return Answer(to.host, response.status, retry_after, answer, monotonic() - start)


def failure(
    answer: Answer, *, now: datetime | None = None, permanent: bool | None = None, detail: str = ""
) -> DeliveryError:
    """What an answer other than 2xx means. Its body is not quoted: it may repeat a secret of ours."""
    said = f"{answer.host} answered {answer.status}{f' ({detail})' if detail else ''}."
    return DeliveryError(
        f"{said} {WAY_OUT.get(answer.status, '')}".strip(),
        permanent=answer.status in PERMANENT if permanent is None else permanent,
        retry_after=seconds_to_wait(answer.retry_after, now=now),
    )


def seconds_to_wait(retry_after: str, *, now: datetime | None) -> float | None:
    """A Retry-After header (seconds or, with `now`, a date) in seconds, a day at most; None where it says nothing."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), LONGEST_RETRY_AFTER)
    if now is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), LONGEST_RETRY_AFTER)


def _connect(to: Place, end: float) -> socket.socket:
    problem: Exception = TimeoutError()
    for family, address in guard.resolve(to.host, to.port, allow_list()):
        try:
            return _open(to, family, address, end)
        except OSError as error:  # ssl.SSLError is one, too
            problem = error
    raise DeliveryError(f"No connection to {to.host}: {_words(problem)}.")


def _open(to: Place, family: int, address: Any, end: float) -> socket.socket:
    wire = socket.socket(family, socket.SOCK_STREAM)
    try:
        wire.settimeout(min(SECONDS_TO_CONNECT, _left(end)))
        wire.connect(address)
        return _tls().wrap_socket(wire, server_hostname=to.host) if to.secure else wire
    except BaseException:
        wire.close()
        raise


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


class _Wire:
    """What http.client needs of a socket, with an end to all its waiting: a timeout alone begins anew at each byte."""

    def __init__(self, wire: socket.socket, end: float) -> None:
        self.socket, self.end = wire, end

    def sendall(self, data: bytes) -> None:
        self.socket.settimeout(min(SECONDS_TO_READ, _left(self.end)))
        self.socket.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        """The reader still needs it; `request` closes the socket."""


class _Reader(io.RawIOBase):
    def __init__(self, wire: _Wire) -> None:
        self.wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.wire.socket.settimeout(min(SECONDS_TO_READ, _left(self.wire.end)))
        return self.wire.socket.recv_into(buffer)


def _left(end: float) -> float:
    left = end - monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _beginning(response: http.client.HTTPResponse) -> str:
    """The first 64 KB of a body. The status has decided already, so a body that breaks off is as good as none."""
    try:
        return response.read(LONGEST_ANSWER).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return ""


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid ({error.verify_message})"
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, ConnectionError | http.client.RemoteDisconnected):
        return "the connection was closed" if not isinstance(error, ConnectionRefusedError) else "nobody listens there"
    return error.strerror or "network error" if isinstance(error, OSError) else "it was no HTTP answer"
