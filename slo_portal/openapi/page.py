"""What the page about the API shows of its description: each operation with a call that can be pasted into a shell."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from slo_portal.openapi.document import SERVER, TAGS, examples

JSON = "application/json"
UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class Shown(NamedTuple):
    """One operation."""

    anchor: str
    method: str
    address: str
    summary: str
    text: str
    parameters: list[tuple[str, str, str]]  # name, what it may be, what it means
    call: str
    answer: str  # "" where there is no example


class Section(NamedTuple):
    anchor: str
    title: str
    operations: list[Shown]


def sections(document: Mapping[str, Any], host: str, ids: Mapping[str, object]) -> list[Section]:
    """The operations by what they are about, with calls of the reader's own: `host` is where the portal was found, and
    `ids` are those of objects that there are, by the name of the parameter."""
    found = list(_operations(document, host.rstrip("/") + SERVER, ids))
    return [Section(tag, title, [one for of, one in found if of == tag]) for tag, title in TAGS.items()]


def _operations(document: Mapping[str, Any], api: str, ids: Mapping[str, object]) -> Iterator[tuple[str, Shown]]:
    for address, methods in document["paths"].items():
        for method, one in methods.items():
            example = examples().get(f"{method.upper()} {address}", {})
            answer = json.dumps(example["answer"], indent=2, ensure_ascii=False) if "answer" in example else ""
            call = curl(
                method.upper(),
                api,
                own(example.get("path", address), ids),
                example.get("body"),
                example.get("media", JSON),
            )
            parameters = [_parameter(each) for each in one["parameters"]]
            yield (
                one["tags"][0],
                Shown(
                    one["operationId"],
                    method.upper(),
                    address,
                    one["summary"],
                    one["description"].replace("`", ""),
                    parameters,
                    call,
                    answer,
                ),
            )


def own(path: str, ids: Mapping[str, object]) -> str:
    """The path with objects that the reader has in place of those of the example."""
    for name, one in ids.items():
        plural = f"{name.removesuffix('_id')}s"
        path = re.sub(rf"({name}=|/{plural}/){UUID}", rf"\g<1>{one}", path)
    return path


def _parameter(given: Mapping[str, Any]) -> tuple[str, str, str]:
    where = "" if given["in"] == "query" else f" ({given['in']})"
    return given["name"] + where, may_be(given["schema"]), given.get("description", "")


def may_be(schema: Mapping[str, Any]) -> str:
    """A schema in words."""
    if "enum" in schema:
        words = ", ".join(schema["enum"])
    elif "anyOf" in schema:
        words = " or ".join(may_be(each) for each in schema["anyOf"])
    elif schema["type"] == "array":
        words = f"repeatable: {may_be(schema['items'])}"
    elif "minimum" in schema:
        words = f"{schema['minimum']} to {schema['maximum']}"
    else:
        words = {"boolean": "true or false", "string": "text"}[schema["type"]]
        words = {"date-time": "time with an offset", "date": "date", "uuid": "id"}.get(schema.get("format", ""), words)
    return words + (f" ({str(schema['default']).lower()})" if "default" in schema else "")


def curl(method: str, api: str, path: str, body: object, media: str) -> str:
    """The token is read from the shell's variable TOKEN."""
    parts = [
        f"curl{'' if method == 'GET' else f' -X {method}'} {shlex.quote(api + path)}",
        '-H "Authorization: Bearer $TOKEN"',
    ]
    if body is not None:
        parts += [f'-H "Content-Type: {media}"', f"-d {shlex.quote(json.dumps(body, ensure_ascii=False))}"]
    return " \\\n  ".join(parts)
