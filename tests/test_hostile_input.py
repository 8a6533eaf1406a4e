"""What nobody should send: always a problem document or a plain answer, never a failure, and the good rows are kept."""

import io
import json
import tracemalloc
from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client

from kpis.models import InvoiceMetric
from slo_portal.wsgi import application
from tests.calling import API, JSON, NDJSON, Caller, a_caller, checked, data

NOW = datetime(2026, 11, 10, 12, 2, 30, tzinfo=UTC)
MB = 2**20
FACTS = ("invoices", "exceptions", "system", "events")
NO_ALERT = "alerts/00000000-0000-0000-0000-000000000000"
POSTS = (*FACTS, "slos/initialize", "measurements/calculate?period=daily", f"{NO_ALERT}/resolve", f"{NO_ALERT}/snooze")
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def api() -> Caller:
    return a_caller(scope="admin")


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return opening * depth + b"1" + closing * depth


BODIES = {
    "nothing": b" \n",
    "a word": b"hello",
    "a number": b"1",
    "null": b"null",
    "a text": b'"text"',
    "an unfinished object": b'{"invoice_id": "a"',
    "two objects": b'{"invoice_id": "a"}{"invoice_id": "b"}',
    "a comment": b'{"invoice_id": "a" /* no */}',
    "NaN": b'{"invoice_id": "a", "amount": NaN}',
    "infinity": b'{"invoice_id": "a", "amount": -Infinity}',
    "a raw NUL": b'{"invoice_id": "a\x00"}',
    "UTF-16": '{"invoice_id": "a"}'.encode("utf-16"),
    "UTF-16 without a mark": '{"invoice_id": "a"}'.encode("utf-16-le"),
    "UTF-32": '{"invoice_id": "a"}'.encode("utf-32"),
    "a surrogate as bytes": b'{"invoice_id": "\xed\xa0\x80"}',
    "half a character": b'{"invoice_id": "\xc3"}',
    "an escaped surrogate": b'{"invoice_id": "\\ud800"}',
    "an unknown escape": b'{"invoice_id": "\\q"}',
    "5,000 deep": nested(5_000),
    "5,000 objects deep": nested(5_000, b'{"invoices":', b"}"),
    "100,000 deep": b'{"invoices": %s}' % nested(100_000),
    "100,000 deep and unfinished": b"[" * 100_000,
    "deep in a row": b'{"invoices": [{"invoice_id": "a", "labels": %s}]}' % nested(50_000),
    "a wrapper of no array": b'{"invoices": {"invoice_id": "a"}}',
    "a wrapper twice": b'{"invoices": [], "invoices": 5}',
    "more than the wrapper": b'{"invoices": [], "exceptions": []}',
    "rows that are none": b'[1, "a", null, [], {}]',
    "150,000 fields": b"{%s}" % b",".join(b'"k%d":1' % n for n in range(150_000)),
    "a million numbers": b"[%s1]" % (b"1," * 1_000_000),
    "3 MB of empty objects": b"[%s{}]" % (b"{}," * MB),
    "a text of 10 MB": b'{"invoice_id": "%s"}' % (b"x" * (10 * MB - 20)),
    "10 MB of backslashes": b'{"invoice_id": "%s"}' % (b"\\" * (10 * MB - 20)),
    "10 MB of line ends": b"\n" * (10 * MB),
    "10 MB of halves of pairs": b'{"invoice_id": "%s"}' % (b"\\ud800" * (10 * MB // 6 - 10)),
    "more than 10 MB": b" " * (10 * MB + 1),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (len(body) > MB)) for name, body in BODIES.items()]
)
@pytest.mark.parametrize("media", [JSON, NDJSON, "application/cloudevents+json"])
def test_no_body_makes_the_portal_fail_or_grow(api: Caller, name: str, media: str) -> None:
    for path in POSTS:
        watched = len(BODIES[name]) > MB  # watching memory takes its time
        if watched:
            tracemalloc.start()
        answer = api.post(path, BODIES[name], media)
        if watched:
            assert tracemalloc.get_traced_memory()[1] < 150 * MB
            tracemalloc.stop()
        assert len(answer.content) < 5 * MB
        if path in FACTS and answer.status_code == 200:
            assert data(answer)["created"] == 0


@pytest.mark.parametrize(
    ("name", "status"),
    [("more than 10 MB", 413), ("a million numbers", 413), ("3 MB of empty objects", 413), ("UTF-16", 400),
     ("5,000 deep", 400), ("nothing", 400), ("an escaped surrogate", 422), ("NaN", 400), ("null", 400)],
)  # fmt: skip
def test_the_status_says_what_kind_of_mistake_it_is(api: Caller, name: str, status: int) -> None:
    assert api.post("invoices", BODIES[name]).status_code == status


BAD_ROWS = {
    "a NUL": b'{"invoice_id": "x", "vendor": "a\\u0000b"}',
    "a NUL in the id": b'{"invoice_id": "\\u0000"}',
    "a NUL in a label's name": b'{"invoice_id": "x", "labels": {"\\u0000": "a"}}',
    "a NUL in a label": b'{"invoice_id": "x", "labels": {"a": "\\u0000"}}',
    "half of a pair": b'{"invoice_id": "x", "vendor": "a\\ud83d"}',
    "the other half": b'{"invoice_id": "x", "vendor": "\\uDE00 a"}',
    "halves in the wrong order": b'{"invoice_id": "x", "vendor": "\\ude00\\ud83d"}',
    "half of a pair in a label's name": b'{"invoice_id": "x", "labels": {"\\ud83d": "a"}}',
    "bytes that are no UTF-8": b'{"invoice_id": "x", "vendor": "\xff\xfe"}',
    "Latin-1": '{"invoice_id": "x", "vendor": "Müller"}'.encode("latin-1"),
    "an amount of 5,000 digits": b'{"invoice_id": "x", "amount": %s}' % (b"9" * 5_000),
    "pages of 5,000 digits": b'{"invoice_id": "x", "page_count": %s}' % (b"9" * 5_000),
    "a huge exponent": b'{"invoice_id": "x", "amount": 1e400}',
    "an absurd exponent": b'{"invoice_id": "x", "amount": 1e99999999999999999999}',
    "a text for a number": b'{"invoice_id": "x", "amount": "NaN"}',
    "a text of another script's digits": '{"invoice_id": "x", "amount": "١٢"}'.encode(),
    "an id too long": b'{"invoice_id": "%s"}' % (b"x" * 201),
    "an array for a text": b'{"invoice_id": "x", "vendor": [[[[[[]]]]]]}',
    "a time of the year 10000": b'{"invoice_id": "x", "ready_at": "10000-01-01T00:00:00Z"}',
    "the last moment there is": b'{"invoice_id": "x", "ready_at": "9999-12-31T23:59:59.999999-23:59"}',
    "the first moment there is": b'{"invoice_id": "x", "ready_at": "0001-01-01T00:00:00+23:59"}',
    "a leap second": b'{"invoice_id": "x", "ready_at": "2016-12-31T23:59:60Z"}',
}


@pytest.mark.parametrize("bad", BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_is_refused_alone(api: Caller, bad: bytes) -> None:
    good = '{"invoice_id": "good %d", "vendor": "Ünïcode \\ud83d\\ude00 \\\\ud83d"}'
    before, after = (good % n for n in (1, 2))
    for body, media in (
        (b'{"invoices": [%s, %s, %s]}' % (before.encode(), bad, after.encode()), JSON),
        (b"\n".join([before.encode(), bad, after.encode()]), NDJSON),
    ):
        got = data(api.post("invoices", body, media))
        assert (got["received"], got["rejected"]) == (3, 1)
        assert got["errors"][0]["index"] == 1
        assert got["errors"][0]["errors"]
    assert set(InvoiceMetric.objects.values_list("invoice_id", "vendor")) == {
        (f"good {n}", "Ünïcode 😀 \\ud83d") for n in (1, 2)
    }


def test_what_is_only_unusual_is_stored(api: Caller) -> None:
    unusual = [
        b'\xef\xbb\xbf{"invoice_id": "with a byte order mark"}',
        b'  {"invoice_id": "first", "invoice_id": "the last of two"}',
        b'{"invoice_id": "precise", "extraction_confidence": 0.%s}' % (b"9" * 5_000),
        '{"invoice_id": "‮ \\u0001 \\u2028 😀"}'.encode(),
        b'{"invoice_id": "early and late", "uploaded_at": "2000-01-01T00:00:00+00:00", "labels": null}',
    ]
    for body in unusual:
        assert data(api.post("invoices", body))["created"] == 1
    assert InvoiceMetric.objects.filter(invoice_id="the last of two").exists()
    assert InvoiceMetric.objects.filter(invoice_id="‮ \x01 \u2028 😀").exists()


def test_thousands_of_messages_about_one_row_are_no_more_work_than_about_many(
    api: Caller, django_assert_max_num_queries
) -> None:
    rows = [{"invoice_id": "same", "page_count": n, "labels": {"n": str(n)} if n % 2 else None} for n in range(5_000)]
    with django_assert_max_num_queries(100):
        assert data(api.post("invoices", {"invoices": rows}))["created"] == 1
    row = InvoiceMetric.objects.get()
    assert (row.page_count, row.labels) == (4_999, {"n": "4999"})


VALUES = ["", "%00", "²", "9" * 5_000, "-9" * 2_000, "NaN", "1e9", "true", "%ff%fe", "%ED%A0%80", "'; DROP TABLE x; --",
          "%25s%25(a)s", "{{7*7}}", "../../etc/passwd", "%E2%80%AE", "%0d%0aX-Evil:%201", "null", "[]", "2026-11-09",
          "2026-11-09T00:00:00Z", "99999999999"]  # fmt: skip
NAMES = {
    "slos/dashboard": ["time_range_days", "slo_types", "start_date", "end_date", "vendor", "channel", "document_type",
                       "as_of", "organization", "%00", "²", "__proto__"],
    "slos/definitions": ["active_only", "x" * 3_000],
    "invoices": ["vendor", "invoice_id", "status", "ready_at_from", "ready_at_to", "slo_id", "outcome", "as_of",
                 "limit", "cursor", "format", "days"],
    "exceptions": ["kind", "severity", "exception_id", "status", "opened_at_from", "cursor"],
    "kpis/summary": ["days", "start_date", "end_date", "vendor", "channel", "document_type", "group_by", "as_of"],
    "metrics/invoice-trends": ["days", "start_date", "end_date", "granularity", "vendor", "channel", "document_type"],
    "slos/00000000-0000-0000-0000-000000000000/measurements": ["days", "period", "limit", "cursor"],
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("path", NAMES)
def test_no_query_makes_the_portal_fail(api: Caller, path: str) -> None:
    statuses = {api.get(f"{path}?{name}={value}").status_code for name in NAMES[path] for value in VALUES}
    assert statuses <= {200, 400, 404}
    assert 400 in statuses
    assert api.get(path + "?" + "&".join(f"vendor={n}" for n in range(5_000))).status_code == 400


@pytest.mark.parametrize(
    "path",
    ["", "nothing", "invoices/", "slos/dashboard/", "slos/%00/measurements", "slos/1/measurements", "..%2f..%2fadmin",
     "%ff%fe", "slos//dashboard", "x" * 5_000, "jobs/00000000-0000-0000-0000-00000000000g", "../../../api/x"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "TRACE", "NONSENSE"])
def test_addresses_that_do_not_exist_are_problems_too(path: str, method: str) -> None:
    answer = Client().generic(method, API + path)
    assert answer.status_code == 404
    assert (answer["Content-Type"], answer.json()["success"]) == ("application/problem+json", False)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "NONSENSE"])
def test_a_method_that_an_address_does_not_have_is_refused_with_those_it_has(api: Caller, method: str) -> None:
    for path, allowed in {"events": "POST, OPTIONS", "slos/dashboard": "GET, HEAD, OPTIONS"}.items():
        answer = api.request(method, path)
        assert (answer.status_code, answer["Allow"]) == (405, allowed)
        assert api.request("POST", "slos/definitions", **{"x-http-method-override": "GET"}).status_code == 405
        options = api.request("OPTIONS", path)
        assert (options.status_code, options["Allow"], options.content) == (204, allowed, b"")
    assert (api.request("HEAD", "slos/dashboard").status_code, api.request("HEAD", "events").status_code) == (
        200,
        405,
    )


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ({"accept": "text/html"}, 406),
        ({"accept": "text/html, */*;q=0.1"}, 200),
        ({"accept": "application/json; indent=999999999999999999999"}, 200),
        ({"accept": ";;;,,,=;q=;q"}, 406),
        ({"host": "evil.example"}, 400),
        ({"host": "a\0b"}, 400),
        ({"x-forwarded-host": "evil.example"}, 200),
        ({"cookie": "sessionid=\xff; csrftoken=;;;"}, 200),
    ],
)
def test_odd_headers_are_answered_in_the_same_way(api: Caller, header: dict[str, str], status: int) -> None:
    assert api.get("slos/definitions", **header).status_code == status


@pytest.mark.parametrize("media", ["text/plain", "application/xml", "application/json; charset=utf-16",
                                   "application/json; charset=bogus", "application/x-www-form-urlencoded",
                                   "multipart/form-data; boundary=x", "\0", "a" * 10_000])  # fmt: skip
def test_a_body_of_another_kind_is_refused_unread(api: Caller, media: str) -> None:
    body = json.dumps({"invoice_id": "a", "vendor": "x" * 300}).encode()
    for path in POSTS:
        assert api.post(path, body, media).status_code == 415
    assert api.post("invoices", body, JSON, **{"content-encoding": "gzip"}).status_code == 415


@pytest.mark.parametrize(
    "media", ["application/json; charset=zlib", "application/json; charset=idna", "a; b*=bogus''x"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_content_type_that_breaks_django_does_not_reach_it(media: str, method: str) -> None:
    request = {"REQUEST_METHOD": method, "PATH_INFO": f"{API}slos/definitions", "QUERY_STRING": "active_only=%74rue"}
    server = {"SERVER_NAME": "localhost", "SERVER_PORT": "80", "wsgi.input": io.BytesIO(), "wsgi.url_scheme": "http"}
    statuses: list[str] = []
    answer = application({**server, **request, "CONTENT_TYPE": media}, lambda status, _: statuses.append(status))
    assert json.loads(b"".join(answer))["status"] == 401
    assert statuses == ["401 Unauthorized"]


def test_a_body_without_a_length_is_read_up_to_the_limit(api: Caller) -> None:
    def chunked(body: bytes) -> int:
        stream = {"wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
        given = {**stream, "CONTENT_LENGTH": "", "HTTP_AUTHORIZATION": f"Bearer {api.token}"}
        return checked(api.client.generic("POST", f"{API}invoices", b"", JSON, **given), f"{API}invoices").status_code

    assert chunked(b'{"invoice_id": "a"}') == 200
    assert chunked(b" " * (10 * MB + 1)) == 413
    assert InvoiceMetric.objects.count() == 1
