"""Servers that are stopped, frozen or killed under a real portal: health answers in time, and names them."""

import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

import psutil
import pytest

from tests.slo_portal.portal_process import Portal

pytestmark = pytest.mark.slow
IN_TIME = 2.0  # seconds
PROBES = 7
FIGURE = "ap_intake_active_workflows"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with Portal(tmp_path_factory.mktemp("portal")) as portal:
        portal.wait_for("ready in", seconds=300)
        until(lambda: look(portal, "/health/detailed")[0] == 200)
        until(lambda: FIGURE in look(portal, "/health/metrics")[1])  # counted once
        yield portal
        portal.stop()


def look(portal: Portal, path: str) -> tuple[int, str, float]:
    """Status, body and the seconds that it took."""
    began = time.monotonic()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{portal.port}{path}", timeout=30) as answer:
            return answer.status, answer.read().decode(), time.monotonic() - began
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode(), time.monotonic() - began


def in_time(times: dict[str, list[float]]) -> None:
    """As a rule: on a machine that does something else as well, one answer may have to wait for it."""
    assert {path: median(taken) for path, taken in times.items() if median(taken) >= IN_TIME} == {}


def until(holds: Callable[[], bool]) -> None:
    """Bounded: 90 seconds."""
    end = time.monotonic() + 90
    while not holds():
        assert time.monotonic() < end
        psutil.cpu_percent(0.5)  # waits


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """With all processes below it; what is stopped starts no others."""
    os.kill(pid, signal.SIGSTOP)
    stopped = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    for each in stopped:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in stopped:
            os.kill(each, signal.SIGCONT)


def parts(body: str) -> dict[str, str]:
    return {name: part["status"] for name, part in json.loads(body).items() if isinstance(part, dict)}


def test_a_frozen_database_is_named_in_time_by_every_address(portal: Portal) -> None:
    times: dict[str, list[float]] = defaultdict(list)
    with frozen(portal.child("postgres")):
        for _ in range(PROBES):
            status, body, seconds = look(portal, "/health/detailed")
            assert (status, parts(body)["database"], parts(body)["broker"]) == (503, "down", "ok")
            times["/health/detailed"].append(seconds)
            for path in ("/health/metrics", "/health/metrics?format=json", "/health/ready"):
                status, body, seconds = look(portal, path)
                assert (status, "database" in body) == (503, True)
                times[path].append(seconds)
        in_time(times)
        assert look(portal, "/health/live")[0] == 200
    until(lambda: look(portal, "/health/detailed")[0] == 200)
    assert look(portal, "/health/metrics")[0] == 200


def test_a_frozen_broker_is_named_in_time_and_figures_are_still_read(portal: Portal) -> None:
    times: dict[str, list[float]] = defaultdict(list)
    with frozen(portal.child("valkey")):
        for _ in range(PROBES):
            status, body, seconds = look(portal, "/health/detailed")
            assert (status, parts(body)["broker"], parts(body)["database"]) == (503, "down", "ok")
            times["/health/detailed"].append(seconds)
            status, body, seconds = look(portal, "/health/metrics?format=json")
            assert "broker: it does not answer" in body
            times["/health/metrics?format=json"].append(seconds)
        in_time(times)
        assert FIGURE in look(portal, "/health/metrics")[1]
    until(lambda: look(portal, "/health/detailed")[0] == 200)


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_a_frozen_program_is_named_soon(portal: Portal, name: str) -> None:
    with frozen(portal.child(f" {name} ")):
        until(lambda: parts(look(portal, "/health/detailed")[1])[name] == "down")
    until(lambda: look(portal, "/health/detailed")[0] == 200)


def test_what_each_program_uses_is_true(portal: Portal) -> None:
    until(lambda: look(portal, "/health/metrics")[1].count("memory_usage_bytes{") == 4)
    said = {
        line.split('component="')[1].split('"')[0]: float(line.rsplit(" ", 1)[1])
        for line in look(portal, "/health/metrics")[1].splitlines()
        if line.startswith("ap_intake_memory_usage_bytes{")
    }
    texts = {"web": "gunicorn", "worker": " worker ", "beat": " beat ", "database": "postgres"}
    for name, text in texts.items():
        root = psutil.Process(portal.child(text))
        each = [process.memory_full_info() for process in [root, *root.children(recursive=True)]]
        assert said[name] == pytest.approx(sum(one.pss for one in each), rel=0.25), name
