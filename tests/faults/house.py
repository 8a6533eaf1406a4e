"""The whole portal with readers who note what they receive, and organisations that it works for."""

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from slo_portal.env import socket_dir
from tests.sink import Sink
from tests.slo_portal.portal_process import Portal, manage

FURNISH = "from tests.faults import furnish; furnish.main()"


class House:
    """A running portal, its sink, and its database as its owner sees it."""

    def __init__(self, portal: Portal, sink: Sink, data: Path, given: Mapping[str, str]) -> None:
        self.portal, self.sink, self.data, self.given = portal, sink, data, given

    def furnish(self, *organizations: dict[str, Any]) -> dict[str, str]:
        """Organisations as tests.faults.furnish has them; their tokens by slug."""
        more = {**self.given, "FURNISH": json.dumps(organizations)}
        done = manage(self.data, "shell", "--no-imports", "-c", FURNISH, **more)
        assert done.returncode == 0, done.stderr
        tokens: dict[str, str] = json.loads(done.stdout)
        return tokens

    def rows(self, query: Any, *params: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(host=str(socket_dir(self.data)), user="slo", dbname="slo") as connection:
            return connection.execute(query, params).fetchall()

    def one(self, query: Any, *params: object) -> Any:
        return self.rows(query, *params)[0][0]

    def until(self, query: Any, wanted: Callable[[Any], bool] = bool, seconds: float = 60) -> None:
        """Look again and again until the first figure is as wanted."""
        last: Any = None
        for _ in range(int(seconds * 4)):
            try:
                last = self.one(query)
                if wanted(last):
                    return
            except psycopg.OperationalError as error:  # it is being started again
                last = error
            threading.Event().wait(0.25)
        raise AssertionError(f"{last!r} after {seconds} s: {query}\n" + "\n".join(self.portal.lines[-20:]))


@contextmanager
def house(data: Path, *, allowed: Sequence[str] = (), **more: str) -> Iterator[House]:
    """One that is ready and may send to `allowed`, too; stopped at the end, loudly when it does not end well."""
    with Sink() as sink:
        addresses = ",".join([f"127.0.0.1:{sink.http.port}", *allowed])
        with Portal(data, SMTP_URL=sink.smtp.address, OUTGOING_ALLOWED=addresses, **more) as portal:
            portal.wait_for("ready in", seconds=180)
            yield House(portal, sink, data, more)
            assert portal.stop() == 0, portal.lines[-20:]


def organization(sink: Sink, slug: str, types: Sequence[str], **more: Any) -> dict[str, Any]:
    """One for `House.furnish` that tells by webhook and mail."""
    return {"slug": slug, "hook": sink.http.url(f"/{slug}"), "mail": f"{slug}@example.com", "types": types, **more}


def say(text: str) -> None:
    """For whoever looks at a failure, or runs the tests with -s."""
    sys.stderr.write(f"{text}\n")
