"""A client as the portal asks for: it sends the same again until it is answered, and keeps books of it."""

import http.client
import json
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

API = "/api/v1/metrics/"
PAUSE, TRIES, TIMEOUT = 0.25, 1200, 20
BUCKET = timedelta(minutes=5)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
FIELDS = {  # of an invoice: when the outcome is known, and the outcome, good or bad
    "validation_pass_rate": ("validated_at", {True: {"structural_valid": True, "math_valid": True},
                                              False: {"structural_valid": False, "math_valid": True}}),
    "processing_success_rate": ("completed_at", {True: {"processing_outcome": "succeeded"},
                                                 False: {"processing_outcome": "failed"}}),
    "extraction_accuracy": ("extracted_at", {True: {"extraction_confidence": 1}, False: {"extraction_confidence": 0}}),
    "duplicate_recall": ("duplicate_confirmed_at", {True: {"duplicate_confirmed": True, "duplicate_flagged": True},
                                                    False: {"duplicate_confirmed": True, "duplicate_flagged": False}}),
}  # fmt: skip
Bucket = tuple[str, str, datetime]  # organisation, SLI, start


@dataclass
class Books:
    """What was sent and answered. `intended` is written before the first attempt, `answered` after the answer."""

    intended: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    good: Counter[Bucket] = field(default_factory=Counter)
    total: Counter[Bucket] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    given_up: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Client:
    """Speaks for one organisation."""

    def __init__(self, port: int, slug: str, token: str, books: Books) -> None:
        self.port, self.slug, self.token, self.books = port, slug, token, books

    def send(self, name: str, number: int, types: Sequence[str], *, good: bool, over: timedelta = timedelta()) -> None:
        """So many invoices whose outcomes are known now, or were, evenly, until so long ago."""
        now = datetime.now(UTC)
        moments = [now - over * n / max(number, 1) for n in range(number)]
        rows = [_invoice(f"{self.slug}-{name}-{n}", at, types, good) for n, at in enumerate(moments)]
        with self.books.lock:
            self.books.intended.update(row["invoice_id"] for row in rows)
        answer = self.insist("POST", "invoices", {"invoices": rows})
        assert answer["rejected"] == 0, answer
        with self.books.lock:
            self.books.answered.update(row["invoice_id"] for row in rows)
            for sli_type in types:
                for at in moments:
                    bucket = (self.slug, sli_type, at - (at - EPOCH) % BUCKET)
                    self.books.total[bucket] += 1
                    self.books.good[bucket] += good

    def insist(self, method: str, path: str, body: object = None, accepted: Sequence[int] = (200,)) -> Any:
        """The data of the answer, however often it takes."""
        for _ in range(TRIES):
            status, content = self.ask(method, path, body)
            if status in accepted:
                return json.loads(content).get("data")
            assert status in (0, 502, 503), f"{method} {path}: {status} {content[:500]!r}"
            if self.books.given_up.wait(PAUSE):
                break
        raise AssertionError(f"{method} {path} is not answered")

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """One attempt: status and content; 0 when the connection broke."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            connection.request(method, API + path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            status, content = answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            status, content = 0, b""
        finally:
            connection.close()
        with self.books.lock:
            self.books.statuses[status] += 1
        return status, content


def _invoice(invoice_id: str, at: datetime, types: Sequence[str], good: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"invoice_id": invoice_id, "vendor": f"Vendor {at.second % 5}"}
    for sli_type in types:
        moment, outcomes = FIELDS[sli_type]
        row |= {moment: at.isoformat(), **outcomes[good]}
    return row
