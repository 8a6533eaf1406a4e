"""What a workflow holds: records what happens to invoices, and never stands in their way."""

import atexit
import contextlib
import logging
import os
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack, cast
from uuid import uuid4

from slo_portal_client.memory import Memory
from slo_portal_client.messages import (
    CannotSend,
    EventType,
    ExceptionFields,
    InvoiceFields,
    PortalError,
    Step,
    event,
    row,
)
from slo_portal_client.outbox import Counts, Outbox
from slo_portal_client.sender import Rejected, Sender
from slo_portal_client.spool import Spool
from slo_portal_client.transport import Address

SMALLEST = 2_000_000  # bytes of a spool: room for some of the largest messages
log = logging.getLogger("slo_portal_client")
_all: "weakref.WeakSet[Portal]" = weakref.WeakSet()


class Portal:
    """One organisation of a portal.

    Messages are sent in the background, in batches of up to `batch_size` or `max_age` seconds after the first. Until
    the portal has them they wait in the folder `spool`, up to `spool_bytes`, or without one in memory, up to
    `memory_bytes`; when there is no more room the oldest are dropped. `source` names the workflow. `timeout` is that of
    one attempt, `close_timeout` how long the end of the process may be held up, both in seconds.

    To record a message returns True once it is safe there, False where it cannot be sent. Nothing is ever raised unless
    `strict`: then CannotSend at once, and PortalError by flush() and close() for what was rejected, was dropped or
    still waits. `on_rejected` is called in a thread of the client; without it, the log names what was rejected.

    Raises ValueError for a URL, token or number that cannot be one.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        source: str,
        spool: str | os.PathLike[str] | None = None,
        spool_bytes: int = 64_000_000,
        memory_bytes: int = 16_000_000,
        batch_size: int = 500,
        max_age: float = 1.0,
        timeout: float = 10.0,
        close_timeout: float = 5.0,
        on_rejected: Callable[[Rejected], None] | None = None,
        strict: bool = False,
        context: ssl.SSLContext | None = None,
    ) -> None:
        if not source or not 1 <= batch_size <= 5000 or timeout <= 0 or spool_bytes < SMALLEST:
            raise ValueError(f"source must not be empty, batch_size 1 to 5000, spool_bytes at least {SMALLEST:,}")
        self.address = Address(url, token, timeout, context)
        self.source, self.batch_size, self.max_age = source, batch_size, max_age
        self.spool, self.spool_bytes, self.memory_bytes = Path(spool) if spool else None, spool_bytes, memory_bytes
        self.close_timeout, self.on_rejected, self.strict = close_timeout, on_rejected, strict
        self._told = 0  # rejected and dropped ones of which flush() has raised
        self._prepare()
        _all.add(self)
        atexit.register(self.close)
        self._ensure_sender()

    def __repr__(self) -> str:
        return f"<Portal {self.address!r}, source {self.source}, {self.waiting} waiting>"

    def _prepare(self) -> None:
        self._starting = threading.Lock()
        self._outbox = Outbox(self._open_spool(), Memory(self.memory_bytes), self.batch_size)
        self._sender = Sender(self.address, self._outbox, self._report, self.max_age)

    def _open_spool(self) -> Spool | None:
        try:
            return Spool(self.spool, self.spool_bytes) if self.spool else None
        except OSError as error:
            if self.strict:
                raise
            log.warning("The spool cannot be used, messages wait in memory only: %s", error)
            return None

    def _ensure_sender(self) -> None:
        """In a process that was forked there is none yet."""
        if self._sender.ident is None:
            with self._starting:
                if self._sender.ident is None:
                    self._sender.start()

    def _forked(self) -> None:
        """What waits is the parent's to send; its locks may be held by threads that are not here."""
        if not self._outbox.stopped:
            for store in self._outbox.stores:
                store.close()
            self._prepare()

    def invoice(self, invoice_id: str, /, **fields: Unpack[InvoiceFields]) -> bool:
        return self._record("invoices", {"invoice_id": invoice_id, **fields})

    def exception(self, exception_id: str, /, **fields: Unpack[ExceptionFields]) -> bool:
        return self._record("exceptions", {"exception_id": exception_id, **fields})

    def count(self, slo: str, at: datetime, *, good: int, total: int) -> bool:
        """What was counted so far of the 5 minutes that hold `at`, for an objective (its id or name) that is fed.

        Not how many more: what is said last of these 5 minutes holds.
        """
        return self._record("counts", {"slo": slo, "at": at, "good": good, "total": total})

    def event(
        self, type: EventType, subject: str, time: datetime | None = None, *, event_id: str | None = None, **data: Any
    ) -> bool:
        """A CloudEvent, of now unless a time is given; an `event_id` that the portal has seen changes nothing."""
        at = time or datetime.now(UTC)
        named = {"id": event_id or uuid4().hex, "source": self.source, "type": type, "subject": subject, "time": at}
        return self._record("events", named, data)

    def step(
        self,
        invoice_id: str,
        end: Step,
        *,
        start: Step | None = None,
        opens: str | None = None,
        severity: str | None = None,
        exception_id: str | None = None,
    ) -> "TimedStep":
        """A block of work on an invoice: at its beginning the time of `start`, at its end that of `end` is recorded.

        When it raises, there is no end; with `opens` an exception of that kind is opened, once however often the step
        is tried again. Its id is `exception_id`, or "INVOICE:END".
        """
        return TimedStep(self, invoice_id, end, start, opens, severity, exception_id or f"{invoice_id}:{end}")

    def flush(self, timeout: float = 10.0) -> bool:
        """True when all that was recorded so far has left, in at most so many seconds."""
        return self._tell(self._outbox.flush(timeout))

    def close(self, timeout: float | None = None) -> bool:
        """flush() and end. What still waits is sent by the next portal with the same spool; without one it is lost."""
        if self._outbox.stopped:
            return True
        atexit.unregister(self.close)
        deadline = time.monotonic() + (self.close_timeout if timeout is None else timeout)
        left = not self._outbox.flush(deadline - time.monotonic())
        self._outbox.stop()
        if self._sender.ident is not None:
            self._sender.join(max(deadline - time.monotonic(), 0.2))
        else:
            self._outbox.close()
        if left:
            where = f"wait in {self.spool} for the next start" if self.spool else "are lost; a spool would keep them"
            log.warning("%r was closed: %d messages %s", self.address, self._outbox.unsettled, where)
        return self._tell(not left)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(*([PortalError] if error else [])):  # what the workflow raises says more
            self.close()

    @property
    def waiting(self) -> int:
        """Messages that the portal does not have yet."""
        return self._outbox.unsettled

    @property
    def counts(self) -> Counts:
        """What became of the messages of this process."""
        return replace(self._outbox.counts)

    def _record(self, path: str, fields: Mapping[str, object], data: Mapping[str, object] | None = None) -> bool:
        try:
            message = row(path, fields) if data is None else event(fields, data)
            taken = self._outbox.put(message.record())
            self._ensure_sender()
        except CannotSend as error:
            if self.strict:
                raise
            self._outbox.refused()
            self._report(Rejected(path, error.errors, fields))
            return False
        except Exception:
            if self.strict:
                raise
            log.exception("A message could not be recorded")
            return False
        if not taken and self.strict:
            raise PortalError("This portal is closed.")
        if not taken:
            log.warning("A message came after the portal was closed, and is lost")
        return taken

    def _report(self, rejected: Rejected) -> None:
        reasons = "; ".join(map(str, rejected.errors))
        if self.on_rejected is None:
            log.warning("%s: %s was rejected: %s", rejected.path, rejected.id or "a message", reasons)
            return
        try:
            self.on_rejected(rejected)
        except Exception:
            log.exception("on_rejected failed for %s, which was rejected: %s", rejected.id, reasons)

    def _tell(self, settled: bool) -> bool:
        counts = self._outbox.counts
        lost, self._told = counts.rejected + counts.dropped - self._told, counts.rejected + counts.dropped
        if self.strict and (lost or not settled):
            raise PortalError(f"{lost} messages were rejected or dropped, {self.waiting} still wait")
        return settled


class TimedStep:
    """What Portal.step() gives: for one `with`."""

    def __init__(
        self,
        portal: Portal,
        invoice_id: str,
        end: Step,
        start: Step | None,
        opens: str | None,
        severity: str | None,
        exception_id: str,
    ) -> None:
        self.portal, self.invoice_id, self.start, self.end = portal, invoice_id, start, end
        self.opens, self.severity, self.exception_id = opens, severity, exception_id
        self.fields: InvoiceFields = {}
        self.started_at = datetime.now(UTC)
        self._clock = time.monotonic()

    def add(self, **fields: Unpack[InvoiceFields]) -> None:
        """Sent with the end of the step."""
        self.fields.update(fields)

    @property
    def seconds(self) -> float:
        """Since the step began. Moves on evenly even when the clock is set."""
        return time.monotonic() - self._clock

    def __enter__(self) -> Self:
        self.started_at, self._clock = datetime.now(UTC), time.monotonic()
        if self.start:
            self._event(self.start, self.started_at)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        at = self.started_at + timedelta(seconds=self.seconds)
        if error is None:
            self._event(self.end, at, **self.fields)
        elif self.opens and isinstance(error, Exception):
            with contextlib.suppress(PortalError):  # what the workflow raises says more
                self._open(at)

    def _event(self, step: Step, at: datetime, **fields: Unpack[InvoiceFields]) -> None:
        self.portal.event(cast(EventType, f"invoice.{step}"), self.invoice_id, at, **fields)

    def _open(self, at: datetime) -> None:
        fields = {"invoice_id": self.invoice_id, "kind": self.opens, "severity": self.severity}
        known = {name: value for name, value in fields.items() if value is not None}
        self.portal.event("exception.opened", self.exception_id, at, event_id=f"{self.exception_id}:opened", **known)


def _after_fork() -> None:
    for portal in list(_all):
        portal._forked()


os.register_at_fork(after_in_child=_after_fork)
