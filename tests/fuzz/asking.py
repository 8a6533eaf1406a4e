"""Every place of every operation, as the API's description names them, with something in it that does not belong."""

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any
from urllib.parse import unquote_to_bytes

from slo_portal.openapi.document import SERVER
from slo_portal.openapi.operations import JSON, NDJSON
from tests.fuzz.corpus import TEXTS, in_address, in_header_of, literals

HEADERS = (
    *("Authorization", "Idempotency-Key", "If-None-Match", "If-Match", "Accept", "Content-Type", "Content-Encoding"),
    *("X-Request-ID", "Cookie", "Host", "Origin", "Referer", "User-Agent", "Range", "X-Forwarded-For", "HX-Request"),
    *("X-Forwarded-Host", "X-Forwarded-Proto", "X-HTTP-Method-Override", "X-CSRFToken", "Accept-Language"),
)
Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Ask:
    """One request. `place` says where in it the literal is."""

    place: str
    method: str
    path: str
    query: str = ""
    body: bytes = b""
    media: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def environ(self, token: str) -> dict[str, Any]:
        """As a server hands it to the application."""
        given = {"Authorization": f"Bearer {token}", "Host": "localhost", "Content-Type": self.media, **self.headers}
        names = {name: name.upper().replace("-", "_") for name in given}
        return {
            "REQUEST_METHOD": self.method,
            "PATH_INFO": unquote_to_bytes(f"{SERVER}{self.path}").decode("latin-1"),
            "QUERY_STRING": self.query,
            "CONTENT_LENGTH": str(len(self.body)),
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(self.body),
            "wsgi.input_terminated": True,
            **{key if key == "CONTENT_TYPE" else f"HTTP_{key}": given[name] for name, key in names.items()},
        }


@dataclass(frozen=True)
class Target:
    """An operation of the description, and what makes it grant a request."""

    method: str
    path: str  # with the names of what stands in it
    told: Schema
    known: Mapping[str, str]  # by these names
    query: str
    body: Mapping[str, Any] | None

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def ask(self, place: str, **changed: Any) -> Ask:
        """The good request, but for what is changed."""
        body = b"" if self.body is None else json.dumps(self.body).encode()
        good = {
            "path": self.path.format(**self.known),
            "query": self.query,
            "body": body,
            "media": JSON if body else "",
        }
        return Ask(f"{self.name} {place}", self.method, **{**good, **changed})

    def in_path(self) -> Iterator[Ask]:
        for name in self.known:
            for text in TEXTS:
                path = self.path.format(**{**self.known, name: in_address(text)})
                yield self.ask(f"path {name}", path=path)

    def in_query(self) -> Iterator[Ask]:
        pairs = [pair.split("=") for pair in self.query.split("&") if pair]
        for name in [one["name"] for one in self.told["parameters"] if one["in"] == "query"]:
            rest = "".join(f"&{key}={value}" for key, value in pairs if key != name)
            for text in TEXTS:
                yield self.ask(f"query {name}", query=f"{name}={in_address(text)}{rest}")

    def in_body(self, components: Schema) -> Iterator[Ask]:
        for media, content in self.told.get("requestBody", {"content": {}})["content"].items():
            for literal in literals():
                yield self.ask(f"body as {media}", body=literal, media=media)
            for name in sorted(_fields(content["schema"], components)):
                bodies = [self._with_field(name, literal) for literal in literals()]
                for body in [b"\n".join(bodies)] if media == NDJSON else bodies:
                    yield self.ask(f"field {name} as {media}", body=body, media=media)

    def _with_field(self, name: str, literal: bytes) -> bytes:
        rest = json.dumps({key: value for key, value in (self.body or {}).items() if key != name})[1:-1]
        return b"{%s%s%s: %s}" % (rest.encode(), b", " if rest else b"", json.dumps(name).encode(), literal)


def _fields(schema: Schema, components: Schema) -> set[str]:
    """The names of all that a body may hold."""
    if "$ref" in schema:
        return _fields(components[schema["$ref"].rpartition("/")[2]], components)
    each = [_fields(one, components) for one in schema.get("anyOf", ())]
    return set(schema.get("properties", ())).union(*each)


def asks(targets: list[Target], components: Schema) -> Iterator[Iterator[Ask]]:
    """By place: each parameter, field and header."""
    for target in targets:
        yield target.in_path()
        yield target.in_query()
        yield target.in_body(components)
    yield in_names(targets)
    yield from (in_header(name, targets) for name in HEADERS)


def in_names(targets: list[Target]) -> Iterator[Ask]:
    """The names of parameters, of one operation after the other."""
    for text, target in zip(TEXTS, cycle(targets), strict=False):
        yield target.ask("query's names", query=f"{in_address(text)}=1&{target.query}")


def in_header(name: str, targets: list[Target]) -> Iterator[Ask]:
    """Most are read before the operation is known: one after the other, beginning with another for each name."""
    start = HEADERS.index(name)
    for text, target in zip(TEXTS, cycle(targets[start:] + targets[:start]), strict=False):
        yield target.ask(f"header {name}", headers={name: in_header_of(text)})
