"""Apprise may speak to many services, and only to where the guard lets it through."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from alerts import transports
from alerts.transports import DeliveryError
from alerts.transports.apprise import bounded
from tests.alerts.messages import NOW, outgoing

ROOT = Path(__file__).resolve().parents[2]


def apprise(url: str) -> transports.Receipt:
    return transports.send("apprise", {"url": url}, "", outgoing(), now=NOW)


def test_apprise_reaches_what_is_allowed_and_only_that(sink, settings):
    assert apprise(f"ntfy://127.0.0.1:{sink.http.port}/alerts").status == "sent"
    [entry] = sink.ledger.entries()
    assert "37 invoices were late" in entry.body
    settings.OUTGOING_ALLOWED = [f"localhost:{sink.http.port}"]
    apprise(f"ntfy://localhost:{sink.http.port}/alerts")
    settings.OUTGOING_ALLOWED = []
    for host in ("localhost", "2130706433"):
        with pytest.raises(DeliveryError, match="OUTGOING_ALLOWED"):
            apprise(f"ntfy://{host}:{sink.http.port}/alerts")
    assert len(sink.ledger.entries()) == 2


@pytest.mark.parametrize(("step", "permanent"), [("500", False), ("404", True), ("closed", False)])
def test_apprise_tells_what_failed(sink, step, permanent):
    sink.http.script.always("*", step)
    with pytest.raises(DeliveryError) as caught:
        apprise(f"ntfy://127.0.0.1:{sink.http.port}/alerts")
    assert caught.value.permanent is permanent
    assert "alerts" not in str(caught.value)


def test_apprise_follows_no_redirect(sink):
    sink.http.script.always("*", f"302 {sink.http.url('/secret')}")
    with pytest.raises(DeliveryError):
        apprise(f"ntfy://127.0.0.1:{sink.http.port}/alerts?redirect=yes&template=file:///etc/passwd")
    assert all("secret" not in entry.target for entry in sink.ledger.entries())


HOOKED = """
import json, socket, sys
real = socket.getaddrinfo
def changed(host, port, *rest, **named):
    return real("127.0.0.1" if host == "rebinding.example" else host, port, *rest, **named)
socket.getaddrinfo = changed
from alerts.transports import apprise_child
job = {"url": sys.argv[1], "title": "t", "body": "b", "style": "info", "allow": json.loads(sys.argv[2])}
print(json.dumps(apprise_child.outcome(job)))
"""


@pytest.mark.parametrize(("allow", "reached"), [([], 0), (["rebinding.example", "rebinding"], 1)])
def test_apprise_gains_nothing_by_a_name_that_changes_its_address(sink, allow, reached):
    url = f"ntfy://rebinding.example:{sink.http.port}/alerts"
    command = [sys.executable, "-c", HOOKED, url, json.dumps(allow)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ("OUTGOING_ALLOWED" in done.stdout) is not reached
    assert len(sink.ledger.entries()) == reached


def test_our_limits_replace_those_of_an_address():
    url = bounded("discord://id/token?redirect=yes&CTO=99&template=/etc/passwd&avatar=no&verify=no")
    base, _, query = url.partition("?")
    assert base == "discord://id/token"
    assert set(query.split("&")) == {
        *("avatar=no", "redirect=no", "cto=3", "rto=6", "verify=yes", "overflow=split", "format=text")
    }


def test_without_the_package_the_way_out_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    complaint = transports.wrong("apprise", {"url": "discord://id/token"})["url"]
    assert "pip install" in complaint
    with pytest.raises(DeliveryError) as caught:
        apprise("discord://id/token")
    assert not caught.value.permanent  # it works as soon as the package is there
