"""Tells a portal of invoices by its public API, as a workflow would: what cannot be delivered is tried again."""

import http.client
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

PAUSES = (0.5, 1, 2, 4, 8, 15, 30)  # seconds between tries: a restart of the portal is sat out
TIMEOUT = 60.0
AGAIN = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE}
COUNTED = ("received", "created", "updated", "unchanged", "rejected")


class CannotFeed(Exception):
    """The portal does not take what it is told; the text says why and what to do."""


@dataclass
class Feeder:
    """`url` is the portal's address, `token` one that may write."""

    url: str
    token: str = field(repr=False)
    pause: Callable[[float], None] = time.sleep
    totals: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))

    def tell(self, kind: str, rows: Sequence[dict[str, object]]) -> None:
        """`kind` is invoices or exceptions, up to 5,000 rows. Raises CannotFeed."""
        if not rows:
            return
        data = self._post(f"/api/v1/metrics/{kind}", json.dumps({kind: rows}).encode())
        for name in COUNTED:
            self.totals[name] += data[name]
        if data["rejected"]:
            raise CannotFeed(f"The portal rejected {data['rejected']} of {len(rows)} {kind}: {data['errors'][0]}")

    def calculate(self, period: str) -> None:
        """Have the measurements of the last week written now; the schedule does the others. Raises CannotFeed."""
        body = json.dumps({"period": period, "hours_back": 168}).encode()
        self._post("/api/v1/metrics/measurements/calculate", body)

    def _post(self, path: str, body: bytes) -> dict[str, Any]:
        problem = ""
        for seconds in (*PAUSES, None):
            try:
                status, answer = self._ask(path, body)
            except (OSError, http.client.HTTPException) as error:
                problem = f"The portal does not answer at {self.url} ({error}). Is it running? Start it with make run."
            else:
                if status in (HTTPStatus.OK, HTTPStatus.ACCEPTED):
                    data: dict[str, Any] = json.loads(answer)["data"]
                    return data
                problem = f"The portal at {self.url} refuses ({status}): {_detail(answer)}"
                if status not in AGAIN:
                    break
            if seconds is not None:
                self.pause(seconds)
        raise CannotFeed(problem)

    def _ask(self, path: str, body: bytes) -> tuple[int, bytes]:
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            connection.request("POST", parts.path.rstrip("/") + path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


def _detail(answer: bytes) -> str:
    try:
        return str(json.loads(answer)["detail"])
    except (ValueError, KeyError, TypeError):
        return answer[:200].decode(errors="replace")
