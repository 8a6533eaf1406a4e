"""Sends one message by Apprise: job as JSON on standard input, outcome on standard output.

An audit hook sees each address that this process is about to connect to, whatever library asks, so that neither a
redirect nor a name that changes its address leads where the guard forbids.
"""

import json
import logging
import re
import sys
from ipaddress import ip_address
from typing import Any

import apprise

from alerts.transports import guard
from alerts.transports.message import DeliveryError

CONNECTS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
STARTS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty"}
PERMANENT = {"401", "403", "404", "410"}


class Doors:
    """Refuses connections. `refused` is the complaint about the first one."""

    def __init__(self, allow: guard.AllowList) -> None:
        self.allow, self.refused = allow, ""

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in CONNECTS and arguments[1] is not None:  # None: on a connection that was let through
            self._connecting(arguments[1])
        elif event in STARTS:
            raise PermissionError("no other programs")

    def _connecting(self, address: Any) -> None:
        try:
            host, port = address[:2]
            guard.refuse(host, port, [str(ip_address(host))], self.allow)
        except (ValueError, TypeError):  # a Unix socket, or a name that nobody has looked up
            raise PermissionError("not an address") from None
        except DeliveryError as error:
            self.refused = self.refused or str(error)
            raise PermissionError("not let through") from None


class Errors(logging.Handler):
    """The HTTP statuses that Apprise mentions in its log, which is the only place where it tells them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found += re.findall(r"error=(\d{3})", record.getMessage())


def outcome(job: dict[str, Any]) -> dict[str, object]:
    """Sends; {} when it was sent, else what went wrong."""
    doors = Doors(guard.AllowList.read(job["allow"]).resolved(job["url"]))
    sys.addaudithook(doors)
    errors = Errors()
    logging.getLogger("apprise").addHandler(errors)
    service = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False))
    if not service.add(job["url"]):
        return {"error": "Apprise does not understand this address. Compare it with Apprise's list.", "permanent": True}
    if service.notify(body=job["body"], title=job["title"], notify_type=job["style"]):
        return {}
    if doors.refused:
        return {"error": doors.refused, "permanent": True}
    status = errors.found[0] if errors.found else ""
    said = f"It answered {status}." if status else "No connection, or no answer."
    return {"error": f"The service did not take the message. {said}", "permanent": status in PERMANENT}


if __name__ == "__main__":
    json.dump(outcome(json.load(sys.stdin)), sys.stdout)
