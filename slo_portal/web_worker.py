"""gunicorn's worker: what is no request at all is refused in the same words and form as everything else."""

import json
from http import HTTPStatus
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

DETAILS = {
    400: "This is no HTTP request.",
    414: "The address is too long.",
    417: "The portal does not do what `Expect` asks for.",
    431: "The headers are too many or too long.",
    500: "The portal failed at this request; its log says why.",
}


class Refusing:
    """A connection on which gunicorn's own page about an error leaves as a problem document (RFC 9457)."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def sendall(self, page: bytes) -> None:
        self.client.sendall(problem(page))


def problem(page: bytes) -> bytes:
    """The same answer with another body. An unknown Transfer-Encoding, gunicorn's 501, is a mistake of the caller."""
    status = HTTPStatus(int(page.split(b" ", 2)[1]))
    status = HTTPStatus.BAD_REQUEST if status == HTTPStatus.NOT_IMPLEMENTED else status
    told = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": DETAILS.get(status, DETAILS[400]),
        "instance": "",  # its address was not read
        "success": False,
    }
    body = json.dumps(told).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
        f"Cache-Control: no-store\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Worker(ThreadWorker):
    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        super().handle_error(req, Refusing(client), addr, exc)
