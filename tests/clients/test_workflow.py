"""As a workflow meets it: steps are timed, failures of the portal or of a call never become the workflow's."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from slo_portal_client import AsyncPortal, CannotSend, Portal, PortalError, Rejected, sender

from tests.clients.conftest import TAKEN, Open
from tests.clients.receipts import API, ids, rows
from tests.sink import Sink

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)


class Broken(Exception):
    """Of the workflow."""


def events(sink: Sink) -> list[tuple[str, str, str]]:
    return [(row["type"], row["subject"], row["time"]) for row in rows(sink) if "type" in row]


def test_a_step_says_when_it_began_and_ended_and_what_it_found(sink: Sink, open_portal: Open):
    portal = open_portal()
    with time_machine.travel(NOON, tick=False) as clock, portal.step("INV-1", "ready", start="uploaded") as step:
        clock.shift(timedelta(hours=-1))  # set back: how long the step takes is measured by another one
        step.add(extraction_confidence=0.97)
    assert portal.flush()
    start, end = rows(sink)
    assert (start["type"], start["subject"], start["time"]) == ("invoice.uploaded", "INV-1", NOON.isoformat())
    assert end["type"] == "invoice.ready"
    assert NOON <= datetime.fromisoformat(end["time"]) < NOON + timedelta(hours=1)
    assert end["data"] == {"extraction_confidence": 0.97}


def test_a_step_that_fails_has_no_end(sink: Sink, open_portal: Open):
    portal = open_portal()
    with pytest.raises(Broken), portal.step("INV-1", "ready", start="uploaded"):
        raise Broken
    assert portal.flush()
    assert [kind for kind, _, _ in events(sink)] == ["invoice.uploaded"]


def test_a_step_that_fails_opens_an_exception_once_if_asked(sink: Sink, open_portal: Open):
    portal = open_portal()
    for _ in range(2):
        with pytest.raises(Broken), portal.step("INV-1", "extracted", opens="ocr", severity="high"):
            raise Broken
    assert portal.flush()
    first, second = rows(sink)
    assert (first["type"], first["subject"]) == ("exception.opened", "INV-1:extracted")
    assert first["data"] == {"invoice_id": "INV-1", "kind": "ocr", "severity": "high"}
    assert first["id"] == second["id"]  # to the portal the second is one that it has seen


def test_a_workflow_that_is_stopped_is_no_exception_of_the_invoice(sink: Sink, open_portal: Open):
    portal = open_portal()
    with pytest.raises(KeyboardInterrupt), portal.step("INV-1", "extracted", opens="ocr"):
        raise KeyboardInterrupt
    portal.invoice("INV-2")
    assert portal.flush()
    assert ids(sink) == ["INV-2"]


def test_what_cannot_be_sent_is_reported_like_what_is_rejected(sink: Sink, open_portal: Open):
    told: list[Rejected] = []
    portal = open_portal(on_rejected=told.append)
    assert not portal.invoice("INV-1", ready_at=datetime(2026, 11, 10), vendor="Acme")
    assert not portal.event("invoice.ready", "INV-2", vendor=object())
    assert portal.invoice("INV-3")
    assert portal.flush()
    assert [(each.path, each.id, each.errors[0].field) for each in told] == [
        ("invoices", "INV-1", "ready_at"),
        ("events", "INV-2", "vendor"),
    ]
    assert ids(sink) == ["INV-3"]
    assert (portal.counts.recorded, portal.counts.rejected, portal.counts.sent) == (3, 2, 1)


def test_a_strict_portal_raises_what_cannot_be_sent(open_portal: Open):
    portal = open_portal(strict=True)
    with pytest.raises(CannotSend, match="ready_at: A time needs an offset"):
        portal.invoice("INV-1", ready_at=datetime(2026, 11, 10))
    portal.close()
    with pytest.raises(PortalError, match="closed"):
        portal.invoice("INV-1")


def test_what_the_workflow_raises_is_never_hidden(sink: Sink, open_portal: Open):
    sink.http.script.always("*", "500")
    portal = open_portal(strict=True, close_timeout=0.05)
    portal.invoice("INV-1")
    with pytest.raises(Broken), portal:  # which would raise that one message still waits
        raise Broken
    with pytest.raises(Broken), portal.step("INV-1", "extracted", opens="ocr"):  # ... that it is closed
        raise Broken


@pytest.mark.parametrize(
    "given",
    [
        {"url": "slo.example.com"},
        {"url": "ftp://slo.example.com"},
        {"url": "http://user:password@slo.example.com"},
        {"url": "http://slo.example.com:port"},
        {"token": ""},
        {"token": "a\r\nb"},
        {"source": ""},
        {"batch_size": 0},
        {"spool_bytes": 1000},
    ],
)
def test_a_portal_that_cannot_work_is_refused_at_once(given):
    usual = {"url": "http://127.0.0.1:1", "token": "secret-token", "source": "tests"}
    with pytest.raises(ValueError, match=r"url|token|source|[Pp]ort") as caught:
        Portal(**{**usual, **given})
    assert "password" not in str(caught.value)


def test_the_token_is_not_shown(open_portal: Open):
    assert "secret-token" not in repr(open_portal()) + repr(open_portal().address)


@pytest.mark.parametrize("url", ["", "/", "/api/v1/metrics", "/api/v1/metrics/"])
def test_the_address_may_be_that_of_the_portal_or_of_its_api(sink: Sink, open_portal: Open, url):
    portal = open_portal(sink.http.url(url))
    portal.invoice("INV-1")
    assert portal.flush()
    assert sink.ledger.entries()[0].target == f"{API}invoices"


def test_a_spool_that_cannot_be_used_is_done_without(sink: Sink, open_portal: Open, tmp_path: Path, caplog):
    (tmp_path / "file").write_text("")
    portal = open_portal(spool=tmp_path / "file" / "spool")
    assert portal.invoice("INV-1")
    assert portal.flush()
    assert ids(sink) == ["INV-1"]
    assert "wait in memory only" in caplog.text


def test_what_one_portal_could_not_send_the_next_one_does(sink: Sink, open_portal: Open, tmp_path: Path, caplog):
    sink.http.script.always("*", "500")
    first = open_portal(spool=tmp_path)
    for n in range(3):
        assert first.invoice(f"INV-{n}")
    assert not first.close(0.05)
    assert "3 messages wait in" in caplog.text
    first._sender.join(10)
    sink.http.script.always("*", TAKEN)
    open_portal(spool=tmp_path)
    sink.ledger.wait_for(1, accepted=True)
    assert ids(sink) == ["INV-0", "INV-1", "INV-2"]


def test_what_a_process_leaves_behind_is_sent_by_one_that_goes_on(
    sink: Sink, open_portal: Open, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(sender, "LOOK_FOR_ORPHANS", 0.02)
    open_portal(spool=tmp_path)
    gone = open_portal(sink.http.url("/nowhere"), spool=tmp_path)
    sink.http.script.always("/nowhere/api/v1/metrics/invoices", "500")
    gone.invoice("INV-1")
    assert not gone.close(0.05)
    assert [entry.target for entry in sink.ledger.wait_for(1, accepted=True)] == [f"{API}invoices"]
    assert ids(sink) == ["INV-1"]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # Python 3.12 warns of threads, which are the point
def test_a_forked_process_sends_its_own_messages_and_no_others(sink: Sink, open_portal: Open, tmp_path: Path):
    portal = open_portal(spool=tmp_path, max_age=60.0)
    portal.invoice("parent")
    child = os.fork()
    if not child:
        portal.invoice("child")
        os._exit(0 if portal.close() and portal.counts.sent == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert ids(sink) == ["child"]
    assert portal.flush()
    assert ids(sink) == ["child", "parent"]


def test_asyncio_has_the_same(sink: Sink):
    async def work() -> None:
        async with AsyncPortal(sink.http.url(""), "secret-token", source="tests", max_age=0.0) as portal:
            assert await portal.invoice("INV-1", vendor="Acme")
            assert await portal.exception("E-1", kind="price")
            async with portal.step("INV-1", "extracted", start="uploaded") as step:
                step.add(page_count=3)
            with pytest.raises(Broken):
                async with portal.step("INV-1", "validated", opens="rules"):
                    raise Broken
            assert await portal.event("invoice.completed", "INV-1")
            assert await portal.flush()
            assert (portal.waiting, portal.counts.sent) == (0, 6)

    asyncio.run(work())
    assert [kind for kind, _, _ in events(sink)] == [
        "invoice.uploaded",
        "invoice.extracted",
        "exception.opened",
        "invoice.completed",
    ]
