"""POST /invoices, /exceptions, /system, /events and /counts: facts come in, in batches."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.bodies import JSON, read_body
from accounts.endpoint import Endpoint, success
from accounts.manners import INGEST
from accounts.models import Organization
from accounts.problems import Problem
from kpis import bodies, events
from kpis.bodies import BadBody, TooMuch
from kpis.ingest import Rejected, Result, Write, store, store_events
from kpis.messages import EXCEPTION, INVOICE, SYSTEM, Kind, Refused
from kpis.params import Params
from kpis.poke import look_now

NDJSON = "application/x-ndjson"
Known = Callable[[Organization, Sequence[Any]], Sequence[Any]]
CLOUD_EVENTS = ("application/cloudevents+json", "application/cloudevents-batch+json")


class Facts(Endpoint):
    """A single object or a batch; good rows are stored even if others are refused, unless `atomic`."""

    kind: Kind = INVOICE
    known: Known | None = None  # what a floor above says of rows that it is to keep
    write: Write | None = None
    counts_as = INGEST
    accepted: Sequence[str] = (JSON, NDJSON)

    def post(self, request: Request) -> Response:
        now = timezone.now()
        atomic = Params(request._request, "atomic").flag("atomic", False)
        body, media = read_body(request._request, self.accepted)
        rows, single = self._rows(body, media, now)
        if single and isinstance(rows[0], Refused):
            errors = [asdict(error) for error in rows[0].errors]
            raise Problem(422, "The object was refused; nothing was stored.", errors)
        try:
            result = self.store(rows, now, atomic)
        except Rejected as error:
            raise self._none_stored(error.result) from None
        if result.created or result.updated:
            look_now(self.organization.pk)
        return success(result.as_data(self.id_name), _summary(result))

    def _rows(self, body: bytes, media: str, now: datetime) -> tuple[Sequence[Any], bool]:
        try:
            rows, single = (self.read_lines(body, now), False) if media == NDJSON else self.read(body, now)
        except TooMuch as error:
            raise Problem(413, str(error)) from None
        except BadBody as error:
            raise Problem(400, f"{error} Send {self.wanted}.") from None
        return (self.known(self.organization, rows) if self.known else rows), single

    def _none_stored(self, result: Result) -> Problem:
        errors = [
            {"index": row.index, self.id_name: row.id, **asdict(error)} for row in result.errors for error in row.errors
        ]
        detail = f"{result.rejected} of {result.received} rows were refused; nothing was stored."
        return Problem(422, detail, errors, received=result.received, rejected=result.rejected)

    @property
    def id_name(self) -> str:
        return self.kind.key

    @property
    def wanted(self) -> str:
        return f'one {self.kind.name} object, {{"{self.kind.wrapper}": [...]}}, or one object per line as {NDJSON}'

    def read(self, body: bytes, now: datetime) -> tuple[Sequence[Any], bool]:
        return bodies.decode(self.kind, body, now)

    def read_lines(self, body: bytes, now: datetime) -> Sequence[Any]:
        return bodies.decode_lines(self.kind, body, now)

    def store(self, rows: Sequence[Any], now: datetime, atomic: bool) -> Result:
        return store(self.kind, self.organization, rows, now=now, atomic=atomic, write=self.write)


class Invoices(Facts):
    kind = INVOICE


class Exceptions(Facts):
    kind = EXCEPTION


class SystemFigures(Facts):
    kind = SYSTEM


class Events(Facts):
    accepted = (JSON, NDJSON, *CLOUD_EVENTS)
    id_name = "event_id"
    wanted = "one CloudEvents 1.0 object or an array of them, in the JSON format"

    def read(self, body: bytes, now: datetime) -> tuple[Sequence[Any], bool]:
        return events.decode(body, now)

    def read_lines(self, body: bytes, now: datetime) -> Sequence[Any]:
        return events.decode_lines(body, now)

    def store(self, rows: Sequence[Any], now: datetime, atomic: bool) -> Result:
        return store_events(self.organization, rows, now=now, atomic=atomic)


def _summary(result: Result) -> str:
    parts = [f"{getattr(result, name)} {name}" for name in ("created", "updated", "unchanged", "rejected")]
    return f"{', '.join(parts)} of {result.received} received."
