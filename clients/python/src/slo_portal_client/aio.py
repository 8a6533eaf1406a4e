"""The same for asyncio. Portal does the work, in threads: the event loop waits neither for a disk nor for a server."""

import asyncio
import os
import ssl
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Any, Required, Self, TypedDict, Unpack

from slo_portal_client.messages import EventType, ExceptionFields, InvoiceFields, Step
from slo_portal_client.outbox import Counts
from slo_portal_client.portal import Portal, TimedStep
from slo_portal_client.sender import Rejected


class Options(TypedDict, total=False):
    """Those of Portal."""

    source: Required[str]
    spool: str | os.PathLike[str] | None
    spool_bytes: int
    memory_bytes: int
    batch_size: int
    max_age: float
    timeout: float
    close_timeout: float
    on_rejected: Callable[[Rejected], None] | None
    strict: bool
    context: ssl.SSLContext | None


class AsyncPortal:
    """Takes what Portal takes; `on_rejected` is called in a thread, not in the event loop."""

    def __init__(self, url: str, token: str, **options: Unpack[Options]) -> None:
        self.portal = Portal(url, token, **options)

    async def invoice(self, invoice_id: str, /, **fields: Unpack[InvoiceFields]) -> bool:
        return await asyncio.to_thread(self.portal.invoice, invoice_id, **fields)

    async def exception(self, exception_id: str, /, **fields: Unpack[ExceptionFields]) -> bool:
        return await asyncio.to_thread(self.portal.exception, exception_id, **fields)

    async def count(self, slo: str, at: datetime, *, good: int, total: int) -> bool:
        return await asyncio.to_thread(self.portal.count, slo, at, good=good, total=total)

    async def event(
        self, type: EventType, subject: str, time: datetime | None = None, *, event_id: str | None = None, **data: Any
    ) -> bool:
        return await asyncio.to_thread(self.portal.event, type, subject, time, event_id=event_id, **data)

    def step(
        self,
        invoice_id: str,
        end: Step,
        *,
        start: Step | None = None,
        opens: str | None = None,
        severity: str | None = None,
        exception_id: str | None = None,
    ) -> "AsyncStep":
        """For `async with`; see Portal.step."""
        step = self.portal.step(invoice_id, end, start=start, opens=opens, severity=severity, exception_id=exception_id)
        return AsyncStep(step)

    async def flush(self, timeout: float = 10.0) -> bool:
        return await asyncio.to_thread(self.portal.flush, timeout)

    async def close(self, timeout: float | None = None) -> bool:
        return await asyncio.to_thread(self.portal.close, timeout)

    @property
    def waiting(self) -> int:
        return self.portal.waiting

    @property
    def counts(self) -> Counts:
        return self.portal.counts

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.portal.__exit__, kind, error, trace)


class AsyncStep:
    """What AsyncPortal.step() gives."""

    def __init__(self, step: TimedStep) -> None:
        self.step = step

    def add(self, **fields: Unpack[InvoiceFields]) -> None:
        self.step.add(**fields)

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.step.__enter__)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.step.__exit__, kind, error, trace)
