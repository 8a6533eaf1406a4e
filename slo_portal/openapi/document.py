"""The description of the API as an OpenAPI 3.1 document, made of its addresses, operations and types."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
from django.urls import URLPattern

from slo_portal.openapi.operations import CSV, ID, JSON, NDJSON, OPERATIONS, Operation
from slo_portal.openapi.problem import Problem

METHODS = ("get", "post", "put", "patch", "delete")
SERVER = "/api/v1/metrics"
REF = "#/components/schemas/{name}"
TAGS = {
    "facts": "Facts come in, and can be looked at",
    "kpis": "KPIs",
    "slos": "Objectives",
    "reports": "Reports",
    "alerts": "Alerts",
}
EXAMPLES = Path(__file__).with_name("examples.json")
NUMBERS = {"extraction_confidence": {"minimum": 0, "maximum": 1}}
HEADERS = {
    "X-Request-ID": "The id of this request in the log.",
    "RateLimit-Limit": "Requests a minute.",
    "RateLimit-Remaining": "How many are left.",
    "RateLimit-Reset": "Seconds until all of them are there again.",
}
ERRORS = {
    400: "The query or the syntax of the body.",
    401: "No usable token.",
    403: "A token or role that does not reach so far.",
    404: "No such object in the organisation.",
    405: "A method that the address does not have.",
    406: "Only application/json is answered, and text/csv where there is a file.",
    409: "Things have changed meanwhile, or the first request with this Idempotency-Key is being answered.",
    413: "More than 10 MB, 5,000 rows or 400,000 values.",
    414: "The address is too long.",
    415: "A body of another type.",
    422: "Bad fields; nothing was stored.",
    429: "More requests than the limit.",
    431: "Headers that are too many or too long.",
    500: "A failure of the portal.",
    503: "The database is busy or away; nothing was changed.",
}
ALWAYS = (400, 401, 403, 405, 406, 414, 429, 431, 500, 503)
WITH_BODY = (409, 413, 415, 422)


def address(route: URLPattern) -> str:
    return "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", str(route.pattern))


def tag(route: URLPattern) -> str:
    """By what the address begins with."""
    first = address(route).split("/")[1]
    return {"alerts": "alerts", "reports": "reports", "kpis": "kpis", "metrics": "kpis"}.get(
        first, "facts" if first in ("invoices", "exceptions", "system", "counts", "events") else "slos"
    )


def operations(routes: list[URLPattern]) -> Iterator[tuple[URLPattern, str, Operation]]:
    """Each address with each of its methods. An operation that nobody has described raises KeyError."""
    for route in routes:
        view = route.callback.view_class  # type: ignore[attr-defined]
        for method in METHODS:
            if hasattr(view, method):
                yield route, method, OPERATIONS[route.name or "", method]


@cache
def examples() -> Mapping[str, Mapping[str, Any]]:
    """Calls and their real answers, by "GET /invoices"."""
    found: Mapping[str, Mapping[str, Any]] = json.loads(EXAMPLES.read_text()) if EXAMPLES.exists() else {}
    return found


def document(routes: list[URLPattern]) -> dict[str, Any]:
    """A new one, as plain data."""
    found = list(operations(routes))
    types = dict.fromkeys([Problem, *(one.answer for *_, one in found), *(one.body for *_, one in found if one.body)])
    _, schemas = msgspec.json.schema_components(types, ref_template=REF)
    paths: dict[str, dict[str, Any]] = {}
    for route, method, one in found:
        paths.setdefault(address(route), {})[method] = _operation(route, method, one)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "SLO portal",
            "version": "1.0.0",
            "description": "Service level objectives, error budgets and KPIs for invoice operations.",
        },
        "servers": [{"url": SERVER}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "security": [{"bearer": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": {name: _open(_plain(schema)) for name, schema in schemas.items()},
            "responses": {_name(status): _error(text) for status, text in ERRORS.items()},
            "headers": {name: {"description": text, "schema": {"type": "string"}} for name, text in HEADERS.items()},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Made under your account, or by create_token.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "sessionid",
                    "description": "A signed-in browser; POST with X-CSRFToken.",
                },
            },
        },
    }


def _operation(route: URLPattern, method: str, one: Operation) -> dict[str, Any]:
    key = f"{method.upper()} {address(route)}"
    view = route.callback.view_class  # type: ignore[attr-defined]
    scope = "read" if method == "get" else view.scope
    text = f"{one.text} Needs the scope `{scope}`.".strip()
    told: dict[str, Any] = {
        "operationId": f"{method}_{(route.name or '').removeprefix('api-').replace('-', '_')}",
        "summary": one.summary,
        "description": text,
        "tags": [tag(route)],
        "parameters": [*_path_parameters(route), *_query_parameters(one), *_headers(method)],
        "responses": {str(one.status): _answer(one, examples().get(key, {})), **_errors(route, method, one)},
    }
    if body := _body(one, examples().get(key, {})):
        told["requestBody"] = body
    return told


def _path_parameters(route: URLPattern) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": ID if kind == "uuid" else {"type": "string", "minLength": 1, "maxLength": 200},
        }
        for kind, name in re.findall(r"<(\w+):(\w+)>", str(route.pattern))
    ]


def _query_parameters(one: Operation) -> list[dict[str, Any]]:
    return [
        {"name": each.name, "in": "query", "required": each.required, "description": each.text, "schema": each.schema}
        for each in one.params
    ]


def _headers(method: str) -> list[dict[str, Any]]:
    if method == "get":
        return []
    text = "The same request with the same key is done once, and gets the same answer."
    schema = {"type": "string", "pattern": "^[\\x21-\\x7e]{1,200}$"}
    return [{"name": "Idempotency-Key", "in": "header", "required": False, "description": text, "schema": schema}]


def _body(one: Operation, example: Mapping[str, Any]) -> dict[str, Any] | None:
    if "body" in one.more:
        return {"required": False, "content": {JSON: {"schema": one.more["body"]}}}
    if one.body is None:
        return None
    single = {"$ref": REF.format(name=_named(one.body))}
    batch = {"type": "array", "items": single, "maxItems": 5000}
    wrapped = {
        "type": "object",
        "required": [one.batch],
        "properties": {one.batch: batch},
        "additionalProperties": False,
    }
    several = [batch] if one.batch == "[]" else [wrapped, batch]
    schemas = {
        "application/cloudevents+json": single,
        "application/cloudevents-batch+json": batch,
        JSON: {"anyOf": [single, *several]} if one.batch else single,
        NDJSON: {"type": "string", "description": "One object per line."},
    }
    content = {media: {"schema": schemas[media]} for media in one.media}
    media = example.get("media", JSON)
    if example.get("body") is not None and media in content:
        content[media]["example"] = example["body"]
    return {"required": bool(one.batch), "content": content}


def _answer(one: Operation, example: Mapping[str, Any]) -> dict[str, Any]:
    envelope = {
        "type": "object",
        "required": ["success", "data", "message"],
        "properties": {
            "success": {"type": "boolean", "const": True},
            "data": {"$ref": REF.format(name=_named(one.answer))},
            "message": {"type": "string"},
        },
    }
    content: dict[str, Any] = {JSON: {"schema": envelope}}
    if "answer" in example:
        content[JSON]["example"] = example["answer"]
    if one.file:
        content[CSV] = {"schema": {"type": "string"}}
    if one.page:
        content["text/html"] = {"schema": {"type": "string"}}
        content["application/pdf"] = {"schema": {"type": "string", "format": "binary"}}
    names = [*HEADERS]
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {"description": HTTPStatus(one.status).phrase, "headers": headers, "content": content}


def _errors(route: URLPattern, method: str, one: Operation) -> dict[str, Any]:
    statuses = {*ALWAYS}
    if "<" in str(route.pattern):
        statuses.add(404)
    if method != "get":
        statuses.update(WITH_BODY)
    return {str(status): {"$ref": f"#/components/responses/{_name(status)}"} for status in sorted(statuses)}


def _error(text: str) -> dict[str, Any]:
    schema = {"$ref": REF.format(name="Problem")}
    return {"description": text, "content": {"application/problem+json": {"schema": schema}}}


def _name(status: int) -> str:
    return f"Problem{status}"  # the phrases differ between versions of Python


def _named(type_: type) -> str:
    return type_.__name__


def _plain(schema: Any) -> Any:
    """Numbers as numbers: msgspec calls a decimal number a text, as which it would write it."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "decimal":
        return {"type": "number"}
    return {
        name: {**_plain(value), **NUMBERS.get(name, {})}
        if name in NUMBERS and isinstance(value, dict)
        else _plain(value)
        for name, value in schema.items()
    }


TAKEN = {type_.__name__ for (_, _), one in OPERATIONS.items() if (type_ := one.body)}


def _open(schema: dict[str, Any]) -> dict[str, Any]:
    """Answers may get more fields one day; requests may not have unknown ones."""
    if schema.get("title") not in TAKEN:
        schema.pop("additionalProperties", None)
    return schema
