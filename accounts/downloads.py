"""Files made of lists. Those of the API are streamed, so that their length costs no memory, noted, and few at once."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from accounts import audit
from accounts.cells import defused
from accounts.endpoint import Endpoint
from accounts.manners import EXPORT, caller
from accounts.models import Organization
from accounts.problems import Problem
from accounts.rates import Places

CSV = "text/csv"
TABLE = f"{CSV}; charset=utf-8; header=present"
YAML = "application/yaml"
PIECE = 50_000  # characters
NOT_OF_A_FILE = ("limit", "cursor")  # a file is the whole list
Cells = Iterable[str]
WAIT = 10  # seconds until it is worth asking again
under_way = Places()


class AsFile(JSONRenderer):
    """For whoever says `Accept: text/csv`; refusals are written as JSON all the same."""

    media_type = CSV
    format = "csv"


def wants_file(request: Request, params: Any) -> bool:
    """By `format=csv` or by `Accept`. `params` are the query's. Raises Problem."""
    accepted = request.accepted_renderer.format
    chosen = params.choice("format", ("json", "csv"), accepted)
    if chosen == "json" != accepted:
        raise Problem(406, "`format=json` does not go with `Accept: text/csv`.")
    for name in NOT_OF_A_FILE:
        if chosen == "csv" and name in params:
            detail = "A file holds the whole list; leave it out."
            raise Problem(400, f"{name}: {detail}", [{"field": name, "code": "contradiction", "message": detail}])
    return bool(chosen == "csv")


class Download(Endpoint):
    """An address that answers with a file where one is wanted."""

    renderer_classes: Sequence[type[JSONRenderer]] = (JSONRenderer, AsFile)

    def file(self, name: str, header: Sequence[str], rows: Iterable[Cells], *, now: datetime) -> HttpResponseBase:
        """The rows as a CSV file of this name. What can fail at once fails before the answer has begun."""
        self.charge(EXPORT, caller(self.request))
        most = settings.API_EXPORTS_AT_ONCE
        done = under_way.take(str(self.organization.pk), most)
        if done is None:
            raise Problem(429, f"Up to {most} files are made at once for an organisation.", wait=WAIT)
        try:
            response = self._stream(name, header, iter(rows), now)
        except BaseException:
            done()
            raise
        response._resource_closers.append(done)  # type: ignore[attr-defined] # however it ends: sent, or broken off
        return response

    def _stream(self, name: str, header: Sequence[str], rows: Iterator[Cells], now: datetime) -> StreamingHttpResponse:
        first = list(islice(rows, 1))
        headers = _headers(self.request._request, name, now)
        return StreamingHttpResponse(pieces(header, chain(first, rows)), content_type=TABLE, headers=headers)


def table_file(
    request: HttpRequest, name: str, header: Sequence[str], rows: Iterable[Cells], *, now: datetime
) -> HttpResponse:
    """The short table of a page as a CSV file of this name."""
    return HttpResponse("".join(pieces(header, rows)), content_type=TABLE, headers=_headers(request, name, now))


def yaml(
    request: HttpRequest, name: str, content: str, *, organization: Organization | None = None, now: datetime
) -> HttpResponse:
    """A text as a YAML file of this name."""
    return HttpResponse(content, content_type=YAML, headers=_headers(request, name, now, organization))


def _headers(
    request: HttpRequest, name: str, now: datetime, organization: Organization | None = None
) -> dict[str, str]:
    """Of a file, which is noted in the audit trail."""
    note = f"{name} of {request.get_full_path()}"
    audit.record(audit.Action.EXPORTED, now=now, request=request, organization=organization, note=note)
    return {"Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or ""}


def pieces(header: Sequence[str], rows: Iterable[Cells]) -> Iterator[str]:
    """CSV by RFC 4180; no cell is a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    for cells in rows:
        writer.writerow([defused(cell) for cell in cells])
        if text.tell() > PIECE:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def cell(value: Any) -> str:
    """A value as a cell; decimal numbers exactly, times in UTC."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True) if value else ""
    return str(value).lower() if isinstance(value, bool) else str(value)
