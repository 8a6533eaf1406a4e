"""Each kind of channel against a real server that plays every trick: sent, later, never, or nobody knows."""

import hashlib
import hmac
import json
import subprocess
import sys
import urllib.request
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from alerts import transports
from alerts.transports import DeliveryError, Receipt, http
from tests.alerts.messages import KINDS, NOW, SECRET, outcome, outgoing, place, send

HTTP = ("slack", "sms", "webhook")
SENT, LATER, NEVER, UNKNOWN = "sent", "later", "never", "unknown"
STEPS = [
    ("200", SENT), ("204", SENT), ("endless", SENT),
    ("500", LATER), ("502", LATER), ("503 30", LATER), ("429 30", LATER), ("408", LATER), ("400", LATER),
    ("302 http://127.0.0.1:1/", LATER), ("307 http://127.0.0.1:1/", LATER),
    ("301 http://127.0.0.1:1/", NEVER), ("401", NEVER), ("403", NEVER), ("404 no_service", NEVER), ("410", NEVER),
    ("closed", UNKNOWN), ("accepted", UNKNOWN), ("garbage", UNKNOWN),
]  # fmt: skip
MAIL_STEPS = [
    ("ok", SENT),
    ("connect 421 4.3.2 busy", LATER), ("connect 554 no", LATER), ("connect close", LATER),
    ("ehlo 500 what", LATER), ("mail 451 later", LATER), ("mail 550 not you", LATER), ("mail close", LATER),
    ("rcpt 450 greylisted", LATER), ("rcpt close", LATER), ("rcpt 550 5.7.1 relaying denied", LATER),
    ("rcpt 552 5.2.2 mailbox full", LATER),
    ("rcpt 550 5.1.1 no such user", NEVER), ("rcpt 553 what a name", NEVER),
    ("data 451 later", LATER), ("data close", LATER),
    ("end 451 later", LATER), ("end 554 5.7.1 spam", LATER), ("end close", UNKNOWN),
]  # fmt: skip


def kind_of(result: Receipt | DeliveryError) -> str:
    if isinstance(result, Receipt):
        return SENT
    assert not (result.permanent and result.unknown)
    return NEVER if result.permanent else UNKNOWN if result.unknown else LATER


@pytest.mark.parametrize(("step", "expected"), STEPS)
@pytest.mark.parametrize("kind", HTTP)
def test_each_answer_over_http_has_its_meaning(sink, kind, step, expected):
    sink.http.script.play(place(kind, sink)[2], step)
    result = outcome(kind, sink)
    # An SMS goes through the operator's account: only a number can be at fault for good.
    assert kind_of(result) == (LATER if kind == "sms" and expected == NEVER else expected)
    assert len(sink.ledger.entries()) == 1
    assert kind_of(outcome(kind, sink)) == SENT


@pytest.mark.parametrize(("step", "expected"), MAIL_STEPS)
def test_each_answer_of_a_mail_server_has_its_meaning(sink, step, expected):
    sink.smtp.script.play("*", step)
    assert kind_of(outcome("email", sink)) == expected
    assert len(sink.ledger.entries(accepted=True)) == (expected in (SENT, UNKNOWN))
    assert kind_of(outcome("email", sink)) == SENT


@pytest.mark.parametrize("kind", HTTP)
def test_a_wish_to_be_left_alone_is_passed_on(sink, kind):
    path = place(kind, sink)[2]
    sink.http.script.play(path, "429 30", f"503 {format_datetime(NOW + timedelta(minutes=2), usegmt=True)}", "500")
    assert [outcome(kind, sink).retry_after for _ in range(3)] == [30, 120, None]


@pytest.mark.parametrize("value", ["soon", "-5", "", "Thu, 99 Foo", "²", "1e3"])
def test_a_wish_that_cannot_be_read_is_none(value):
    assert http.seconds_to_wait(value, now=NOW) is None


@pytest.mark.parametrize(("value", "seconds"), [("9" * 5000, 86400), ("Tue, 10 Nov 2026 11:00:00 GMT", 0), ("0", 0)])
def test_a_wish_is_never_negative_nor_longer_than_a_day(value, seconds):
    assert http.seconds_to_wait(value, now=NOW) == seconds


@pytest.mark.parametrize(("kind", "step"), [("webhook", "hang"), ("slack", "drip"), ("sms", "hang"), ("email", "")])
def test_whoever_takes_too_long_is_left_and_nobody_knows(sink, monkeypatch, kind, step):
    monkeypatch.setattr(http, "SECONDS", 0.5)
    sink.http.script.always("*", step or "200")
    sink.smtp.script.always("*", "end hang")
    result = outcome(kind, sink)
    assert kind_of(result) == UNKNOWN


def test_a_mail_server_that_is_slow_before_the_content_has_not_taken_it(sink, monkeypatch):
    monkeypatch.setattr(http, "SECONDS", 0.5)
    sink.smtp.script.play("*", "rcpt hang")
    assert kind_of(outcome("email", sink)) == LATER


@pytest.mark.parametrize("kind", KINDS)
def test_where_nobody_listens_it_is_tried_later(sink, settings, kind):
    sink.http.end()
    sink.smtp.end()
    assert kind_of(outcome(kind, sink)) == LATER


@pytest.mark.parametrize("kind", KINDS)
def test_the_key_travels_with_the_message_and_stays_the_same(sink, kind):
    send(kind, sink)
    send(kind, sink)
    assert {entry.key for entry in sink.ledger.entries()} == {"message-1"}
    if kind == "email":
        [identity] = {entry.headers["Message-ID"] for entry in sink.ledger.entries()}
        send(kind, sink, outgoing(key="message-2"))
        assert sink.ledger.entries()[-1].headers["Message-ID"] != identity


def test_a_webhook_is_signed_and_says_all(sink):
    send("webhook", sink)
    [entry] = sink.ledger.entries()
    document = json.loads(entry.body)
    assert (document["schema"], document["key"], document["organization"]) == (
        "slo-portal.alerts/1",
        "message-1",
        "muster",
    )
    assert document["alerts"][0]["title"] == "37 invoices were late since 09:40"
    assert document["alerts"][0]["opened_at"] == "2026-11-10T11:55:00+00:00"
    stamp, _, signature = entry.headers["X-Signature"].partition(",v1=")
    signed = f"{stamp.removeprefix('t=')}.{entry.body}".encode()
    assert stamp == f"t={int(NOW.timestamp())}"
    assert signature == hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()


def test_without_a_secret_a_webhook_is_not_signed(sink):
    transports.send("webhook", {"url": sink.http.url("/w")}, "", outgoing(), now=NOW)
    assert "X-Signature" not in sink.ledger.entries()[0].headers


def test_an_sms_of_unknown_outcome_can_be_looked_up(sink):
    _, number, path = place("sms", sink)
    sink.http.script.play(path, "closed", "accepted")
    assert kind_of(outcome("sms", sink)) == UNKNOWN
    assert transports.look_up("sms", {}, number, "message-1") is None
    assert kind_of(outcome("sms", sink)) == UNKNOWN
    found = transports.look_up("sms", {}, number, "message-1")
    assert found is not None
    assert found.provider_id == sink.http.sms[0]["sid"]
    assert transports.look_up("sms", {}, number, "message-2") is None
    assert transports.look_up("sms", {}, "+4915100000000", "message-1") is None


def test_an_sms_that_the_provider_gave_up_was_not_taken(sink):
    send("sms", sink)
    sink.http.sms[0]["status"] = "undelivered"
    assert transports.look_up("sms", {}, place("sms", sink)[1], "message-1") is None


@pytest.mark.parametrize(
    "step", ["500", "closed", "200 [1]", '200 {"messages": 3}', "200 " + "[" * 60_000, '200 {"messages": [null]}']
)
def test_a_look_up_without_a_proper_answer_ends_well(sink, step):
    _, number, path = place("sms", sink)
    sink.http.script.play(f"GET {path}", step)
    if step.startswith("200"):
        assert transports.look_up("sms", {}, number, "message-1") is None
    else:
        with pytest.raises(DeliveryError):
            transports.look_up("sms", {}, number, "message-1")


def test_a_number_that_the_provider_refuses_is_refused_for_good(sink):
    path = place("sms", sink)[2]
    sink.http.script.play(path, '400 {"code":21211}', '400 {"code":20003}', '400 {"code":"x"}')
    assert [kind_of(outcome("sms", sink)) for _ in range(3)] == [NEVER, LATER, LATER]


@pytest.mark.parametrize("kind", ["email", "slack", "webhook", "apprise"])
def test_only_of_an_sms_it_can_be_known(kind):
    assert transports.look_up(kind, {}, "", "message-1") is None


@pytest.mark.parametrize("kind", KINDS)
def test_errors_and_receipts_tell_no_secret(sink, caplog, kind):
    config = {"url": sink.http.url("/T0/B0/very-secret-path"), "secret": SECRET}
    for step in ("500 very-secret-path", "404 x-very-secret-path", "closed", "301 http://h/very-secret-path", "200"):
        sink.http.script.play("*", step)
        sink.smtp.script.play("*", "end 451 no" if step != "200" else "ok")
        try:
            said: Any = transports.send(kind, config, place(kind, sink)[1], outgoing(), now=NOW)
        except DeliveryError as error:
            said = error
        everything = f"{said!s} {said!r} {vars(said)} {caplog.text}"
        assert "very-secret" not in everything
        assert SECRET not in everything
        assert "twilio-token" not in everything


WRONG = [
    ("slack", {}, "url"), ("slack", {"url": "hooks.slack.com/x"}, "url"), ("slack", {"url": "ftp://h/x"}, "url"),
    ("webhook", {"url": "https://user:pw@example.com/"}, "url"), ("webhook", {"url": "https://127.1/"}, "url"),
    ("webhook", {"url": "https://localhost./"}, "url"), ("webhook", {"url": "https://h.example:99999/"}, "url"),
    ("webhook", {"url": "https://h.example/", "secret": "short"}, "secret"), ("slack", {"url": "https://[::1"}, "url"),
    ("apprise", {"url": ""}, "url"), ("apprise", {"url": "json://h.example"}, "url"), ("apprise", {"url": "x"}, "url"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "config", "field"), WRONG)
def test_a_config_that_cannot_work_is_named_and_nothing_is_sent(kind, config, field):
    found = transports.wrong(kind, config)
    assert set(found) == {field}
    assert len(found[field]) > 20
    with pytest.raises(DeliveryError) as caught:
        transports.send(kind, config, "", outgoing(), now=NOW)
    assert caught.value.permanent


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("slack", {"url": "https://hooks.slack.com/services/T0/B0/x"}),
        ("webhook", {"url": "http://example.com:8080/a?b=c", "secret": SECRET}),
        ("apprise", {"url": "ntfys://ntfy.example.com/alerts"}),
        ("email", {}),
        ("sms", {"to": "+4915112345678"}),
    ],
)
def test_a_config_that_can_work_is_left_in_peace(kind, config):
    assert transports.wrong(kind, config) == {}


@pytest.mark.parametrize(
    ("kind", "target", "good"),
    [
        ("email", "ops@example.com", True),
        ("email", "ops", False),
        ("email", "a@b.c\nBcc: x@y.z", False),
        ("email", "", False),
        ("sms", "+4915112345678", True),
        ("sms", "015112345678", False),
        ("sms", "+49 151", False),
        ("slack", "", True),
    ],
)
def test_a_target_is_checked(kind, target, good):
    assert (transports.wrong_target(kind, target) == "") is good


def test_a_heartbeat_is_a_get(sink):
    assert transports.call(sink.http.url("/beat"), now=NOW).status == "200"
    assert sink.ledger.entries()[0].method == "GET"
    sink.http.script.play("GET /beat", "500")
    with pytest.raises(DeliveryError):
        transports.call(sink.http.url("/beat"), now=NOW)


def test_proxies_of_the_environment_are_not_asked(sink, monkeypatch):
    for name in ("http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, sink.http.url("/proxy"))
    send("webhook", sink)
    assert [entry.target for entry in sink.ledger.entries()] == ["/webhook"]


def test_the_sink_is_a_process_too_with_its_ledger_in_a_file(tmp_path):
    command = [sys.executable, "-m", "tests.sink", "--ledger", str(tmp_path / "ledger")]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ports = json.loads(process.stdout.readline())
        order = json.dumps({"target": "/x", "always": "201"}).encode()
        urllib.request.urlopen(f"http://127.0.0.1:{ports['http']}/_script", order)
        with urllib.request.urlopen(f"http://127.0.0.1:{ports['http']}/x", b"hello") as answer:
            assert answer.status == 201
        process.communicate("", timeout=10)
    [entry] = [json.loads(line) for line in (tmp_path / "ledger").read_text().splitlines()]
    assert (entry["target"], entry["body"], entry["accepted"]) == ("/x", "hello", True)
