"""The SMTP half of the sink: see `tests.sink` for its steps."""

import email
import socketserver

from tests.sink.ledger import Ledger, Server

NEVER = 60.0
USUAL = {"connect": "220 sink", "ehlo": "250-sink\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN", "auth": "235 welcome"}
USUAL |= {"mail": "250 ok", "rcpt": "250 ok", "data": "354 go on", "end": "250 2.0.0 taken", "quit": "221 bye"}
STAGES = {
    "HELO": "ehlo",
    "EHLO": "ehlo",
    "AUTH": "auth",
    "MAIL": "mail",
    "RCPT": "rcpt",
    "DATA": "data",
    "QUIT": "quit",
}


class MailServer(Server):
    def __init__(self, ledger: Ledger, port: int = 0) -> None:
        super().__init__(ledger, "ok", Handler, port)

    @property
    def address(self) -> str:
        """As SMTP_URL has it."""
        return f"smtp://127.0.0.1:{self.port}"


class Handler(socketserver.StreamRequestHandler):
    server: MailServer
    timeout = NEVER

    def handle(self) -> None:
        self.step, self.recipient = self.server.script.take("*") or "ok", ""
        going = self._say("connect")
        while going:
            line = self.rfile.readline(1000).decode("utf-8", "replace").strip()
            going = bool(line) and self._command(line)

    def _command(self, line: str) -> bool:
        stage = STAGES.get(line.split(" ")[0].upper(), "")
        if stage == "rcpt":
            self.recipient = line.partition("<")[2].partition(">")[0]
            self.step = self.server.script.take(self.recipient) or self.step
        going = self._say(stage) and stage != "quit"
        return self._content() if going and stage == "data" and self._will("data").startswith("354") else going

    def _content(self) -> bool:
        lines: list[bytes] = []
        for line in self.rfile:
            if line == b".\r\n":
                self._note(b"".join(lines))
                return self._say("end")
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return False

    def _note(self, content: bytes) -> None:
        message = email.message_from_bytes(content)
        headers = {name: str(value) for name, value in message.items()}
        accepted = self._will("end")[0] not in "45"
        key = headers.get("X-SLO-Portal-Key", "")
        self.server.note(
            "smtp", self.recipient, key, self.step, accepted, "MAIL", headers, content.decode("utf-8", "replace")
        )

    def _will(self, stage: str) -> str:
        at, _, what = self.step.partition(" ")
        return what if at == stage else USUAL.get(stage, "250 ok")

    def _say(self, stage: str) -> bool:
        """False: it is over."""
        what = self._will(stage)
        if what == "hang":
            self.server.ended.wait(NEVER)
        if what in ("hang", "close"):
            return False
        self.wfile.write(f"{what}\r\n".encode())
        return not what.startswith("421")
