"""What is no HTTP request is refused before Django sees it, and looks like every other refusal."""

import json
import socket
from urllib.parse import urlsplit

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
HOST = b"Host: localhost\r\n"
CASES = {
    "no request line": (b"hello\r\n\r\n", 400),
    "a header with NUL": (b"GET /api/x HTTP/1.1\r\n" + HOST + b"X-A: a\0b\r\n\r\n", 400),
    "a header without a colon": (b"GET /api/x HTTP/1.1\r\n" + HOST + b"evil\r\n\r\n", 400),
    "an unknown transfer coding": (b"POST /api/x HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: bogus\r\n\r\n", 400),
    "a length and chunks": (
        b"POST /api/x HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "two lengths": (b"POST /api/x HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400),
    "an address too long": (b"GET /api/" + b"x" * 9_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    "a header too long": (b"GET /api/x HTTP/1.1\r\n" + HOST + b"X-A: " + b"x" * 70_000 + b"\r\n\r\n", 431),
    "a request": (b"GET /api/x HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n", 404),
}


@pytest.mark.parametrize(("sent", "status"), CASES.values(), ids=CASES)
def test_it_is_a_problem_document(portal: str, sent: bytes, status: int) -> None:
    where = urlsplit(portal)
    with socket.create_connection((where.hostname, where.port), timeout=20) as connection:
        connection.sendall(sent)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    assert int(head.split()[1]) == status
    assert b"application/problem+json" in head
    problem = json.loads(body)
    assert (problem["status"], problem["success"]) == (status, False)
    assert problem["detail"]
    assert {"type", "title", "instance"} <= problem.keys()
