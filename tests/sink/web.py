"""The HTTP half of the sink: see `tests.sink` for its steps."""

import json
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.sink.ledger import Ledger, Server

NEVER = 60.0  # seconds for which "hang" hangs


class WebServer(Server):
    def __init__(self, ledger: Ledger, port: int = 0) -> None:
        super().__init__(ledger, "200", Handler, port)
        self.sms: list[dict[str, str]] = []
        self.scripts = {"http": self.script}

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


class Handler(BaseHTTPRequestHandler):
    server: WebServer
    timeout = NEVER

    def handle(self) -> None:
        if self.server.script.take("connect") != "drop":
            super().handle()

    def do_GET(self) -> None:
        self._serve(f"GET {urlsplit(self.path).path}")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8", "replace")
        if self.path == "/_script":
            self._control(json.loads(body))
        else:
            self._serve(self.path, body)

    def _control(self, order: dict[str, Any]) -> None:
        """Scripts from another process: {"target": ..., "steps": [...], "always": ..., "protocol": "smtp"}."""
        script = self.server.scripts[order.get("protocol", "http")]
        script.play(order["target"], *order.get("steps", []))
        if "always" in order:
            script.always(order["target"], order["always"])
        self._answer(204)

    def _serve(self, target: str, body: str = "") -> None:
        step = self.server.script.take_any(target)
        word, _, rest = step.partition(" ")
        accepted = word in ("accepted", "slow", "endless", "hang") or word.startswith("2")
        headers = dict(self.headers.items())
        key = headers.get("Idempotency-Key", "")
        self.server.note("http", target, key, step, accepted, self.command, headers, body)
        twilio = urlsplit(self.path).path.endswith("/Messages.json")
        if twilio and accepted and self.command == "POST":
            self._take_in(body)
        self.close_connection = True
        if word == "slow":
            self.server.ended.wait(float(rest))
            self._answer(200)
        elif word == "hang":
            self.server.ended.wait(NEVER)
        elif word in ("endless", "drip", "garbage"):
            self._pour(word)
        elif word.isdigit():
            self._answer(int(word), rest, json.dumps(self._twilio()) if twilio and accepted else "")

    def _answer(self, status: int, rest: str = "", body: str = "") -> None:
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", rest)
        elif rest.isdigit() or rest.endswith("GMT"):
            self.send_header("Retry-After", rest)
        else:
            body = rest or body or "ok"
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def _pour(self, word: str) -> None:
        head = {
            "endless": b"HTTP/1.1 200 OK\r\n\r\n",
            "drip": b"HTTP/1.1 200 OK\r\nX-Drip: ",
            "garbage": b"220 hello\r\n",
        }
        self.wfile.write(head[word])
        for _ in range({"endless": 10_000, "drip": 600, "garbage": 0}[word]):
            self.wfile.write(b"x" if word == "drip" else b"x" * 65536)
            if self.server.ended.wait(0.1 if word == "drip" else 0):
                break

    def _take_in(self, body: str) -> None:
        form = {name: values[0] for name, values in parse_qs(body).items()}
        sid = f"SM{len(self.server.sms):032}"
        self.server.sms.append({"sid": sid, "status": "queued", "to": form.get("To", ""), "body": form.get("Body", "")})

    def _twilio(self) -> object:
        if self.command == "POST":
            return self.server.sms[-1]
        wanted = parse_qs(urlsplit(self.path).query).get("To")
        return {"messages": [sms for sms in reversed(self.server.sms) if not wanted or sms["to"] in wanted]}

    def log_message(self, format: str, *args: object) -> None:
        """The ledger says it all."""
