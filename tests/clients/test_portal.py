"""Against the portal itself: what the documentation shows runs as it stands there, and is stored as it says."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer
from slo_portal_client import Portal, Rejected

from kpis.models import InvoiceException, InvoiceMetric
from slos.models import ReportedCount
from tests.calling import Caller, a_caller
from tests.clients.conftest import SOURCES
from tests.facts import fed

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "integrate-your-workflow.md"
COUNTING = PAGE.with_name("feed-an-objective.md")
[COUNTED] = re.findall(r"^```python\n(.*?)^```$", COUNTING.read_text(), re.MULTILINE | re.DOTALL)
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
WORKFLOW, WITH_ASYNCIO, WITH_REJECTED = re.findall(
    r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL
)
[SAID] = re.findall(r"^```text\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def caller(transactional_db: None) -> Caller:
    return a_caller()


def run(example: str, live_server: LiveServer, caller: Caller, spool: Path) -> str:
    named = {"SLO_PORTAL_URL": live_server.url, "SLO_PORTAL_TOKEN": caller.token, "SLO_PORTAL_SPOOL": str(spool)}
    env = {"PYTHONPATH": str(SOURCES), **named}
    done = subprocess.run(
        [sys.executable, "-c", example], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_workflow_of_the_documentation(live_server: LiveServer, caller: Caller, tmp_path: Path):
    assert run(WORKFLOW, live_server, caller, tmp_path) == SAID
    first, second = InvoiceMetric.objects.order_by("invoice_id")
    assert (first.vendor, str(first.amount), first.processing_outcome) == ("Acme", "1234.5600", "succeeded")
    steps = [first.uploaded_at, first.extracted_at, first.validated_at, first.ready_at, first.approved_at]
    assert steps == sorted(steps)
    assert first.completed_at >= first.approved_at
    assert (float(first.extraction_confidence), first.page_count, first.math_valid) == (0.97, 2, True)
    assert (second.ready_at, second.validated_at is None) == (None, False)
    [exception] = InvoiceException.objects.all()
    assert (exception.exception_id, exception.invoice_id, exception.kind) == ("INV-2:ready", "INV-2", "intake")
    assert exception.opened_at <= exception.resolved_at
    assert list(tmp_path.iterdir()) == []


def test_asyncio_of_the_documentation(live_server: LiveServer, caller: Caller, tmp_path: Path):
    run(WITH_ASYNCIO, live_server, caller, tmp_path)
    [invoice] = InvoiceMetric.objects.all()
    assert (invoice.invoice_id, invoice.vendor) == ("INV-3", "Initech")
    assert invoice.uploaded_at <= invoice.ready_at


def test_the_rejected_of_the_documentation(live_server: LiveServer, caller: Caller, tmp_path: Path):
    said = run(WITH_REJECTED, live_server, caller, tmp_path)
    assert said.startswith("invoices INV-4 currency ")
    assert not InvoiceMetric.objects.exists()


def test_the_portal_names_what_it_rejects_of_each_address(live_server: LiveServer, caller: Caller):
    told: list[Rejected] = []
    fed(caller.organization, "Scans")
    with Portal(live_server.url, caller.token, source="tests", on_rejected=told.append) as portal:
        portal.invoice("INV-1", extraction_confidence=2.0)
        portal.invoice("INV-2", vendor="Acme")
        portal.exception("E-1", kind="x" * 101)
        portal.count("Nobody's", NOON, good=1, total=1)
        for good in (1, 2):
            portal.count("Scans", NOON, good=good, total=3)
        portal.event("invoice.ready", "INV-3", unknown=1)
        portal.event("invoice.ready", "INV-2", event_id="same")
        portal.event("invoice.ready", "INV-2", event_id="same")
    assert sorted((each.path, each.id, each.errors[0].field) for each in told) == [
        ("counts", "Nobody's", "slo"),
        ("events", "INV-3", "data.unknown"),
        ("exceptions", "E-1", "kind"),
        ("invoices", "INV-1", "extraction_confidence"),
    ]
    assert InvoiceMetric.objects.get().ready_at
    assert (ReportedCount.objects.get().good, ReportedCount.objects.get().total) == (2, 3)
    assert (portal.counts.sent, portal.counts.rejected) == (5, 4)


def test_the_counts_of_the_documentation(live_server: LiveServer, caller: Caller, tmp_path: Path):
    slo = fed(caller.organization, "Gateway availability")
    run(COUNTED, live_server, caller, tmp_path)
    count = ReportedCount.objects.get(slo=slo)
    assert (count.good, count.total) == (1412, 1415)


def test_a_token_that_is_revoked_loses_nothing(live_server: LiveServer, caller: Caller, tmp_path: Path, caplog):
    revoked = Portal(live_server.url, f"{caller.token}x", source="tests", spool=tmp_path, max_age=0.0)
    assert revoked.invoice("INV-1")
    assert not revoked.close(1)
    revoked._sender.join(10)
    assert "because of 401" in caplog.text
    assert caller.token not in caplog.text
    assert not InvoiceMetric.objects.exists()
    portal = Portal(live_server.url, caller.token, source="tests", spool=tmp_path)
    portal.invoice("INV-2")
    assert portal.close(10)
    assert set(InvoiceMetric.objects.values_list("invoice_id", flat=True)) == {"INV-1", "INV-2"}
