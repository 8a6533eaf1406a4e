"""Callers of the API, who check of every answer what holds of all of them."""

import csv
import io
import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import unquote

import msgspec
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import Membership, Organization, User
from accounts.tokens import issue
from slo_portal.openapi.common import Envelope
from slo_portal.openapi.operations import OPERATIONS
from slos.catalogue import ensure_defaults

API = "/api/v1/metrics/"
JSON, NDJSON = "application/json", "application/x-ndjson"
PROBLEM = "application/problem+json"


@dataclass
class Caller:
    """Somebody with a bearer token of an organisation."""

    organization: Organization
    user: User
    token: str
    client: Client = field(default_factory=Client)

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.request("GET", path, **headers)

    def post(self, path: str, body: object = b"", media: str = JSON, **headers: str) -> HttpResponse:
        return self.request("POST", path, body, media, **headers)

    def request(self, method: str, path: str, body: object = b"", media: str = JSON, **headers: str) -> HttpResponse:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"authorization": f"Bearer {self.token}", **headers}
        address = path if path.startswith("/") else API + path
        return checked(self.client.generic(method, address, content, media, headers=given), address)


def checked(answer: HttpResponse, address: str) -> HttpResponse:
    """No answer is a failure of the server, every refusal is a problem document, every success an envelope."""
    assert answer["Cache-Control"] == "no-store"
    if answer.streaming:  # a file
        assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (200, "text/csv")
        return answer
    assert answer.status_code < 500, answer.content
    if answer.status_code >= 400:
        assert answer["Content-Type"] == PROBLEM
    if answer.status_code >= 400 and answer.content:  # the answer to HEAD has none
        problem = answer.json()
        assert problem["status"] == answer.status_code
        assert problem["success"] is False
        assert unquote(problem["instance"]) == unquote(address.partition("?")[0])
        assert problem["instance"].isascii()
        assert {"type", "title", "detail"} <= problem.keys()
        assert problem["detail"]
    elif answer.content:
        assert answer["Content-Type"] == JSON
        as_described(answer)
    return answer


@cache
def decoder(name: str, method: str) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(Envelope[OPERATIONS[name, method].answer])


def as_described(answer: HttpResponse) -> None:
    """Each field of an answer stands in the API's description, with its type, and none is missing."""
    method = answer.request["REQUEST_METHOD"].lower()
    decoder(answer.resolver_match.url_name, method).decode(answer.content)


def data(answer: HttpResponse) -> dict[str, Any]:
    """What a request that was granted brought."""
    assert answer.status_code in (200, 201, 202), answer.content
    return answer.json()["data"]


def lines(answer: HttpResponse) -> list[dict[str, str]]:
    """The rows of a CSV file, by the names of its columns."""
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode(), newline="")))


def an_organization(slug: str = "default", zone: str = "UTC") -> Organization:
    """One with the default objectives."""
    organization = Organization.objects.create(name=slug.title(), slug=slug, time_zone=zone)
    organization.refresh_from_db()
    ensure_defaults(organization, today=timezone.now().date())
    return organization


def a_caller(
    organization: Organization | None = None, scope: str = "write", role: str = "admin", name: str = ""
) -> Caller:
    organization = organization or an_organization()
    user = User.objects.create_user(name or f"{organization.slug}-{scope}-{role}")
    Membership.objects.create(user=user, organization=organization, role=role)
    _, token = issue(user, organization, name="test", scope=scope)
    return Caller(organization, user, token)
