"""The description of the API is OpenAPI 3.1, complete and true: real examples, and the parameters that are read."""

import json
import os
import re
from typing import Any

import pytest
import time_machine
from django.test import Client
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import validate

from slo_portal.api_urls import urlpatterns
from slo_portal.openapi.document import EXAMPLES, SERVER, address, document, operations
from slo_portal.openapi.page import curl, may_be, own
from tests.calling import API, Caller, a_caller
from tests.slo_portal.recorded import NOW, a_busy_firm, calls, shortened

DOCUMENT: dict[str, Any] = json.loads(json.dumps(document(urlpatterns)))
DESCRIBED = [
    (method.upper(), path, one) for path, methods in DOCUMENT["paths"].items() for method, one in methods.items()
]
each_operation = pytest.mark.parametrize(
    ("method", "path", "one"), DESCRIBED, ids=[f"{method} {path}" for method, path, _ in DESCRIBED]
)


def schema(found: dict[str, Any]) -> Draft202012Validator:
    """Of one place in the document, with what it refers to."""
    return Draft202012Validator({**found, "components": DOCUMENT["components"]}, format_checker=FormatChecker())


def test_it_is_openapi_3_1() -> None:
    validate(DOCUMENT)
    assert DOCUMENT["openapi"].startswith("3.1")
    assert len(DESCRIBED) == len(list(operations(urlpatterns))) > 20
    ids = [one["operationId"] for _, _, one in DESCRIBED]
    assert len(set(ids)) == len(ids)
    assert [name for name in DOCUMENT["components"]["schemas"] if not name.isidentifier()] == []  # two of a name


@each_operation
def test_every_operation_has_a_real_example(method: str, path: str, one: dict[str, Any]) -> None:
    answers = [answer for status, answer in one["responses"].items() if status in ("200", "201", "202")]
    [found] = [answer["content"]["application/json"] for answer in answers]
    schema(found["schema"]).validate(found["example"])
    for content in one.get("requestBody", {}).get("content", {}).values():
        if "example" in content:
            schema(content["schema"]).validate(content["example"])
    assert not schema(found["schema"]).is_valid({**found["example"], "data": {}})


@each_operation
def test_every_parameter_that_is_read_is_described_and_no_other(
    method: str, path: str, one: dict[str, Any], db: None
) -> None:
    given = [each["name"] for each in one["parameters"] if each["in"] == "query"]
    with time_machine.travel(NOW, tick=False):
        api = a_caller(scope="admin")
        answer = api.request(method, f"{API.rstrip('/')}{re.sub('{.*?}', str(api.user.pk), path)}?zz=1")
    assert answer.status_code == 400
    known = re.search(r"Known: (.*)\.", answer.json()["errors"][0]["message"])
    assert known is not None
    assert sorted(known[1].split(", ") if known[1] != "none" else []) == sorted(given)


@pytest.mark.django_db
def test_the_examples_are_recorded() -> None:
    """As the portal answers today: of the same form. RECORD=1 writes them anew."""
    stored = json.loads(EXAMPLES.read_text()) if EXAMPLES.exists() else {}
    found = {}
    with time_machine.travel(NOW, tick=False):
        api = a_busy_firm()
        for call in calls(api):
            answer = api.request(call.method, SERVER + call.path, b"" if call.body is None else call.body, call.media)
            assert answer.status_code in (200, 201, 202), answer.content
            found[f"{call.method} {call.address}"] = {
                "path": call.path,
                **({"body": call.body, "media": call.media} if call.body is not None else {}),
                "answer": shortened(answer.json()),
            }
    if os.environ.get("RECORD"):
        EXAMPLES.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
        return
    assert found.keys() == stored.keys() == {f"{method} {path}" for method, path, _ in DESCRIBED}
    for name, example in found.items():
        assert form(example["answer"]) == form(stored[name]["answer"]), name


def form(value: Any) -> Any:
    """Which members there are, whatever they hold."""
    if isinstance(value, list):
        return [form(one) for one in value]
    return {name: form(one) for name, one in value.items()} if isinstance(value, dict) else None


def test_the_description_is_for_those_who_are_known(db: None) -> None:
    api = a_caller(scope="read")
    known = {"authorization": f"Bearer {api.token}"}
    answer = api.client.get("/api/schema", headers=known)
    assert (answer.status_code, answer.json()) == (200, DOCUMENT)
    again = api.client.get("/api/schema", headers={**known, "if-none-match": answer["ETag"]})
    assert again.status_code == 304
    assert Client().get("/api/schema").status_code == 401
    for page in ("/docs", "/docs/try"):
        assert Client().get(page).status_code == 302


def test_the_page_shows_every_operation_with_a_call_of_the_readers_host(db: None) -> None:
    api: Caller = a_caller(scope="read")
    client = Client()
    client.force_login(api.user)
    text = client.get("/docs", headers={"host": "127.0.0.1:8123"}).content.decode()
    for _, path, one in DESCRIBED:
        assert f'id="{one["operationId"]}"' in text
        assert f"<code>{path}</code>" in text
    assert text.count("http://127.0.0.1:8123/api/v1/metrics") > len(DESCRIBED)
    assert f"slo_id={api.organization.slos.order_by('name')[0].pk}" in text
    page = client.get("/docs/try")
    assert b'data-schema="/api/schema"' in page.content
    assert "unsafe" not in page["Content-Security-Policy"]


def test_a_call_is_about_what_the_reader_has() -> None:
    uuids = ["9f0c8c1e-0000-4000-8000-000000000001", "9f0c8c1e-0000-4000-8000-000000000002"]
    ids = {"slo_id": "mine", "alert_id": "my-alert"}
    assert own(f"/invoices?slo_id={uuids[0]}&limit=2", ids) == "/invoices?slo_id=mine&limit=2"
    assert own(f"/alerts/{uuids[1]}/resolve", ids) == "/alerts/my-alert/resolve"
    assert own(f"/jobs/{uuids[1]}", ids) == f"/jobs/{uuids[1]}"


def test_a_call_can_be_pasted_whatever_it_holds() -> None:
    call = curl("POST", "http://h/api", "/x?a=1&b=2", {"note": "it's"}, "application/json")
    assert "'http://h/api/x?a=1&b=2'" in call
    assert "it'\"'\"'s" in call


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 9, "default": 3}, "1 to 9 (3)"),
        ({"type": "string", "enum": ["a", "b"]}, "a, b"),
        ({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]},
         "time with an offset or date"),
        ({"type": "array", "items": {"type": "string"}}, "repeatable: text"),
        ({"type": "boolean", "default": True}, "true or false (true)"),
    ],
)  # fmt: skip
def test_what_a_parameter_may_be_is_told_in_words(given: dict[str, Any], words: str) -> None:
    assert may_be(given) == words


def test_addresses_are_written_as_openapi_does() -> None:
    assert {address(route) for route in urlpatterns} == set(DOCUMENT["paths"])
