"""The package as its sources have it, and portals that are closed when a test is over."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sink import Sink

SOURCES = Path(__file__).resolve().parents[2] / "clients" / "python" / "src"
sys.path.insert(0, str(SOURCES))

from slo_portal_client import Portal, sender  # noqa: E402

TAKEN = '200 {"success": true, "data": {"received": 1, "rejected": 0, "errors": []}}'
Open = Callable[..., Portal]


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    """A portal that takes everything, until a test has it play something else."""
    monkeypatch.setattr(sender, "FIRST_PAUSE", 0.02)
    with Sink() as running:
        running.http.script.always("*", TAKEN)
        yield running


@pytest.fixture
def open_portal(sink: Sink) -> Iterator[Open]:
    """open_portal(url=the sink's, **options): one that sends without delay."""
    portals: list[Portal] = []

    def open_(url: str = "", **options: Any) -> Portal:
        given = {"source": "tests", "max_age": 0.0, "timeout": 5.0, **options}
        portals.append(Portal(url or sink.http.url(""), "secret-token", **given))
        return portals[-1]

    yield open_
    for portal in portals:
        portal.strict = False
        portal.close(0)
        portal._sender.join(10)
