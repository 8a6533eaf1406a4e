"""Real SMTP and HTTP servers on loopback that play scripts and keep a ledger of what they received.

    with Sink() as sink:
        sink.http.script.play("/slack", "500", "429 30")      # the next two requests; then 200 again
        sink.smtp.script.always("nobody@example.com", "rcpt 550 5.1.1 no such user")
        ... send to sink.http.url("/slack") and sink.smtp.address ...
        [entry] = sink.ledger.wait_for(1, accepted=True)

As a process of its own: `python -m tests.sink --ledger FILE`, see there.

HTTP steps, by path ("GET /path" for a GET, "connect" for a connection before it is read, "*" for all others):
    "200" "204" "500" ...   that status; "429 30" with Retry-After, "302 ADDRESS" with Location, "404 text" with a body
    "slow 2"                200 after so many seconds
    "hang"                  no answer until the other side or the sink gives up
    "closed"                read, not taken in, closed without an answer
    "accepted"              taken in, closed without an answer
    "endless" "drip"        200 with a body without end; headers that come byte by byte and never end
    "garbage"               an answer that is not HTTP
    "drop"                  (of "connect") closed unread
A path that ends in /Messages.json is Twilio: what was taken in is listed by GET.

SMTP steps, by recipient or "*": "ok", or STAGE and what happens there. Stages: connect, ehlo, auth, mail, rcpt, data,
end (after the content). What happens: an answer ("451 4.3.0 later"), "close" or "hang". A mail is taken in at "end",
unless the answer there is a refusal.
"""

from pathlib import Path
from types import TracebackType

from tests.sink.ledger import Entry, Ledger
from tests.sink.mail import MailServer
from tests.sink.web import WebServer

__all__ = ["Entry", "Ledger", "Sink"]


class Sink:
    """Both servers with one ledger, which is written to a file of JSON lines, too, if one is named."""

    def __init__(self, ledger: Path | None = None, http_port: int = 0, smtp_port: int = 0) -> None:
        self.ledger = Ledger(ledger)
        self.http = WebServer(self.ledger, http_port)
        self.smtp = MailServer(self.ledger, smtp_port)
        self.http.scripts = {"http": self.http.script, "smtp": self.smtp.script}

    def __enter__(self) -> "Sink":
        self.http.begin()
        self.smtp.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.end()
        self.smtp.end()
