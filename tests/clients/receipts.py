"""What a sink has taken in, as rows."""

import json
from typing import Any

from tests.sink import Entry, Sink

API = "/api/v1/metrics/"


def bodies(sink: Sink, accepted: bool | None = True) -> list[Any]:
    return [json.loads(entry.body) for entry in sink.ledger.entries(accepted=accepted) if whole(entry)]


def whole(entry: Entry) -> bool:
    """Not cut off by the end of who sent it; the sink takes such a request in, a portal refuses it."""
    return len(entry.body.encode()) == int(entry.headers["Content-Length"])


def rows(sink: Sink, accepted: bool | None = True) -> list[dict[str, Any]]:
    """All of them, in the order in which they came; that each is well-formed shows in reading it."""
    return [
        row
        for body in bodies(sink, accepted)
        for row in (body if isinstance(body, list) else next(iter(body.values())))
    ]


def ids(sink: Sink, accepted: bool | None = True) -> list[str]:
    names = ("invoice_id", "exception_id", "subject")
    return [next(row[name] for name in names if name in row) for row in rows(sink, accepted)]
