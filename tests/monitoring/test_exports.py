"""Figures that are told to real receivers on this machine: a socket for datagrams, and the sink as a collector."""

import json
import socket
from collections.abc import Callable
from contextlib import suppress

import pytest
import time_machine

from monitoring import exports, statsd
from slo_portal import env, tasks
from tests.facts import at, firm, invoice
from tests.monitoring.scraping import scrape
from tests.sink import Sink

pytestmark = pytest.mark.django_db
PROCESSED = "ap_intake_invoices_processed_total"


@pytest.fixture
def organization():
    """One in which an invoice has failed and three have succeeded, after 1, 2 and 20 minutes."""
    organization = firm()
    with time_machine.travel(at(30), tick=False):
        for number, minutes in enumerate((1, 2, 20)):
            took = {"uploaded_at": 0, "ready_at": minutes, "completed_at": minutes, "processing_outcome": "succeeded"}
            invoice(organization, str(number), **took, now=at(30))
        invoice(organization, "bad", uploaded_at=0, completed_at=1, processing_outcome="failed", now=at(30))
        tasks.tick_organization(str(organization.pk))
        yield organization


@pytest.fixture(params=["udp", "unix"])
def agent(request, tmp_path, settings) -> Callable[[], list[bytes]]:
    """A receiver of datagrams that the setting names; call it for what has come."""
    udp = request.param == "udp"
    with socket.socket(socket.AF_INET if udp else socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**20)
        wire.bind(("127.0.0.1", 0) if udp else str(tmp_path / "agent"))
        wire.setblocking(False)
        name = wire.getsockname()
        settings.DOGSTATSD_ADDRESS = f"127.0.0.1:{name[1]}" if udp else f"unix:{name}"
        yield lambda: list(iter(lambda: _next(wire), b""))


def _next(wire: socket.socket) -> bytes:
    try:
        return wire.recv(65_536)
    except BlockingIOError:
        return b""


def test_datadogs_agent_gets_every_figure_but_buckets(organization, agent):
    assert exports.send(now=at(30)) == ["DogStatsD"]
    packets = agent()
    assert max(map(len, packets)) <= statsd.LONGEST
    lines = [line for packet in packets for line in packet.decode().split("\n")]
    assert f"{PROCESSED}:3|g|#organization:firm,status:succeeded" in lines
    assert "ap_intake_processing_duration_seconds_sum:1380|g|#organization:firm,step:upload_ready" in lines
    assert len(lines) == len([name for name, _ in scrape() if not name.endswith("_bucket")])


def test_words_of_others_are_no_tags_of_their_own():
    assert statsd.line("a", {"b": "c,d:e|#f\ng", "h": ""}, 1.5) == "a:1.5|g|#b:c_d:e__f_g"
    assert list(statsd.packets(["a" * 4, "b" * 4, "c" * 9, "d" * 20], longest=9)) == [b"aaaa\nbbbb", b"c" * 9]


def test_a_collector_gets_sums_gauges_and_histograms_as_opentelemetry_has_them(organization, settings):
    with Sink() as sink:
        settings.OTLP_ENDPOINT, settings.OTLP_HEADERS = sink.http.url("/otel"), {"api-key": "a-secret"}
        settings.OUTGOING_ALLOWED = [f"127.0.0.1:{sink.http.port}"]
        assert exports.send(now=at(30)) == ["OTLP"]
        (entry,) = sink.ledger.entries(target="/otel/v1/metrics")
    assert entry.headers["api-key"] == "a-secret"
    (resource,) = json.loads(entry.body)["resourceMetrics"]
    found = {one["name"]: one for one in resource["scopeMetrics"][0]["metrics"]}
    processed = found[PROCESSED]["sum"]
    assert (processed["aggregationTemporality"], processed["isMonotonic"]) == (2, True)
    assert [point["asDouble"] for point in processed["dataPoints"]] == [3, 1]
    assert processed["dataPoints"][0]["timeUnixNano"] == f"{int(at(30).timestamp())}000000000"
    assert found["ap_intake_active_workflows"]["gauge"]["dataPoints"][0]["asDouble"] == 0
    (ready, _) = found["ap_intake_processing_duration_seconds"]["histogram"]["dataPoints"]
    assert ready["attributes"][1] == {"key": "step", "value": {"stringValue": "upload_ready"}}
    assert (ready["count"], ready["sum"]) == ("3", 1380)
    counted = dict(zip(ready["explicitBounds"], ready["bucketCounts"], strict=False))
    assert {edge: number for edge, number in counted.items() if number != "0"} == {60: "1", 120: "1", 1200: "1"}
    assert len(ready["bucketCounts"]) == len(ready["explicitBounds"]) + 1


@pytest.mark.parametrize("step", ["500", "drop", pytest.param("hang", marks=pytest.mark.slow)])
def test_a_receiver_that_fails_is_told_of_and_the_others_get_theirs(organization, agent, settings, caplog, step):
    with Sink() as sink:
        sink.http.script.always("connect" if step == "drop" else "/otel/v1/metrics", step)
        settings.OTLP_ENDPOINT, settings.OTLP_HEADERS = sink.http.url("/otel"), {"api-key": "a-secret"}
        settings.OUTGOING_ALLOWED = [f"127.0.0.1:{sink.http.port}"]
        assert exports.send(now=at(30)) == ["DogStatsD"]
    assert "OTLP has not taken the figures" in caplog.text
    assert "a-secret" not in caplog.text
    assert agent()


@pytest.mark.parametrize("state", ["gone", "never reads"])
def test_an_agent_that_takes_nothing_is_given_up(organization, settings, caplog, tmp_path, state):
    with socket.socket(socket.AF_INET if state == "gone" else socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        if state == "gone":
            wire.bind(("127.0.0.1", 0))
            settings.DOGSTATSD_ADDRESS = f"127.0.0.1:{wire.getsockname()[1]}"
            wire.close()
        else:
            wire.bind(str(tmp_path / "agent"))
            settings.DOGSTATSD_ADDRESS = f"unix:{wire.getsockname()}"
            _fill(wire.getsockname())
        assert exports.send(now=at(30)) == []
    assert "DogStatsD has not taken the figures" in caplog.text


def _fill(name: str) -> None:
    """Send to a socket that nobody reads until it takes no more."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.connect(name)
        wire.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                wire.send(b"x" * statsd.LONGEST)


def test_a_collector_inside_the_network_has_to_be_allowed_and_none_is_called_unasked(organization, settings, caplog):
    assert exports.send(now=at(30)) == []
    assert caplog.text == ""
    with Sink() as sink:
        settings.OTLP_ENDPOINT, settings.OTLP_HEADERS = sink.http.url("/otel"), {}
        assert exports.send(now=at(30)) == []
        assert sink.ledger.entries() == []
    assert "OTLP has not taken the figures" in caplog.text
    settings.OTLP_ENDPOINT, settings.DOGSTATSD_ADDRESS = "", "unix:/there/is/no/agent"
    assert exports.send(now=at(30)) == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [("127.0.0.1:8125", True), ("[::1]:8125", True), ("unix:/run/dsd", True), ("agent", False), ("agent:0", False)],
)
def test_an_address_that_cannot_work_is_a_named_check(monkeypatch, given, kept):
    monkeypatch.setattr(env, "problems", [])
    assert env.datagrams("DOGSTATSD_ADDRESS", given) == (given if kept else "")
    assert [one.code for one in env.problems] == ([] if kept else ["E015"])
    assert env.pairs("OTLP_HEADERS", ["api-key=a=b", "x=y"]) == {"api-key": "a=b", "x": "y"}
    assert env.pairs("OTLP_HEADERS", ["api-key"]) == {}
