"""Killed, failed or frozen at each boundary of a transaction, the portal ends as if nothing had happened."""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from accounts.models import Organization, User
from alerts import secrets
from alerts.models import Channel, EscalationPolicy, EscalationStep
from slos.models import SLODefinition
from tests.sink import Entry, Sink

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("kpis", "slos", "alerts", "slo_portal")
FROZEN_FOR = 4  # seconds
TABLES = {  # what must be equal, and what of it
    "kpis_invoicemetric": "invoice_id",
    "slos_enginestate": "sealed_before, fine_since",
    "slos_slibucket": "width, start, good, total",
    "slos_slosnapshot": "good, total, pending, look_backs, burning",
    "slos_slimeasurement": "period, period_start, good_events_count, total_events_count, pending_events_count",
    "kpis_dirtybucket": "field, start",
    "kpis_rollup": "width, start, figure, key, n, total, bins, counts",
    "kpis_rollupmark": "start",
    "alerts_sloalert": "alert_type, severity, title, message, breached_at, acknowledged_at, resolved_at, resolution,"
    " resolution_notes, told_severity, told_at, step, next_step_at, version",
    "alerts_alertevent": "kind, at, channel, note, details - 'measurement_id' - 'acknowledged_by' - 'resolved_by'",
    "alerts_notification": "target, reason, severity, title, text, state, due_at",
    "alerts_message": "target, severity, urgent, state",
    "reports_report": "kind, first_day, title, headline, content",
    "alerts_incident": "opened_at, closed_at",
}


def names() -> list[str]:
    found = [
        name
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        for name in re.findall(r'\bfp\("([\w.]+)"\)', path.read_text())
    ]
    assert len(found) == len(set(found)) > 10
    return sorted(found)


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


def a_firm(slug: str, sink: Sink) -> Organization:
    """One objective, one reader by mail and one by webhook; incidents are repeated."""
    organization = Organization.objects.create(name="Firm", slug=slug)
    User.objects.create_user(f"dana-{slug}")
    SLODefinition.objects.create(
        organization=organization,
        name="Validation",
        sli_type="validation_pass_rate",
        target_percentage=90,
        target_value=90,
        target_unit="percent",
        measurement_periods=["daily"],
    )
    Channel.objects.create(
        organization=organization, name="Mail", kind="email", targets=[f"{slug}@example.com"], for_operations=True
    )
    secret = secrets.seal({"url": sink.http.url(f"/{slug}"), "secret": "s" * 32})
    Channel.objects.create(organization=organization, name="Hook", kind="webhook", secret=secret, for_operations=True)
    for severity in ("warning", "critical", "incident"):
        policy = EscalationPolicy.objects.create(
            organization=organization, name=severity, severity=severity, repeat_minutes=30
        )
        EscalationStep.objects.create(policy=policy, position=1, to_operations=True)
    return organization


class Actor(subprocess.Popen[str]):
    """A process that plays the story from a step on."""

    def __init__(self, slug: str, sink: Sink, first: int = 0, **more: str) -> None:
        given = connection.settings_dict
        env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "slo_portal.settings",
            "DATABASE_URL": f"postgresql://{given['USER']}@{given['HOST'].replace('/', '%2F')}/{given['NAME']}",
            "SECRET_KEY": settings.SECRET_KEY,
            "SMTP_URL": sink.smtp.address,
            "OUTGOING_ALLOWED": f"127.0.0.1:{sink.http.port}",
            "FREEZE_SECONDS": str(FROZEN_FOR),
            "ENV_FILE": os.devnull,
            **more,
        }
        command = [sys.executable, "-m", "tests.faults.actor", slug, str(first)]
        super().__init__(command, env=env, cwd=ROOT, text=True, stderr=subprocess.PIPE)
        self.said = ""

    def until(self, words: str) -> int:
        """Listen until it says so, or ends; the step that it was at."""
        for line in self.stderr or ():
            self.said += line
            if words in line:
                break
        assert words in self.said, self.said
        return int(re.findall(r"^step (\d+)$", self.said, re.MULTILINE)[-1])

    def __exit__(self, *error: object) -> None:
        self.kill()
        super().__exit__(*error)  # type: ignore[arg-type]

    def end(self) -> int:
        """Let it end by itself; its exit code."""
        self.said += self.communicate(timeout=120)[1]
        return self.returncode


def state(organization: Organization) -> dict[str, Any]:
    """The tables in plain words, in an order that does not depend on who wrote them."""
    found = {}
    with connection.cursor() as cursor:
        for table, columns in TABLES.items():
            cursor.execute(f"SELECT {columns} FROM {table} WHERE organization_id = %s", [organization.pk])  # noqa: S608
            rows = [re.sub(re.escape(organization.slug), "SLUG", str(row)) for row in cursor.fetchall()]
            found[table] = sorted(re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", row) for row in rows)
    return found


@pytest.fixture(scope="module")
def unharmed(django_db_setup: None, django_db_blocker: Any, sink: Sink) -> Iterator[dict[str, Any]]:
    """The twin to whom nothing happens, and what a firm's readers receive."""
    with django_db_blocker.unblock():
        organization = a_firm("twin", sink)
        with Actor("twin", sink) as actor:
            assert actor.end() == 0, actor.said
        receipts = heard(sink, "twin")
        assert sum(receipts.values()) >= 8
        assert set(receipts.values()) == {1}
        yield {"state": state(organization), "receipts": receipts}


def heard(sink: Sink, slug: str) -> Counter[str]:
    """How often each message was taken in, by its key."""
    return Counter(entry.key for entry in of(sink, slug))


def of(sink: Sink, slug: str) -> list[Entry]:
    return [
        entry for entry in sink.ledger.entries(accepted=True) if entry.target in (f"/{slug}", f"{slug}@example.com")
    ]


@pytest.mark.parametrize("act", ["kill", "error", "freeze"])
@pytest.mark.parametrize("name", names())
def test_whatever_happens_there_all_is_as_if_it_had_not(name, act, sink, unharmed):
    slug = f"{re.sub(r'[._]', '-', name)}-{act}"
    organization = a_firm(slug, sink)
    with Actor(slug, sink, FAILPOINTS=f"{name}={act}") as harmed:
        step = harmed.until(f"failpoint {name} {act}")
        if act != "freeze":
            assert harmed.end() != 0
        with Actor(slug, sink, step) as heir:  # goes on where the first one was, while that one is frozen or gone
            assert heir.end() == 0, heir.said
        harmed.end()
    assert state(organization) == unharmed["state"]
    receipts = heard(sink, slug)
    assert len(receipts) == len(unharmed["receipts"])
    assert max(receipts.values()) <= 2
