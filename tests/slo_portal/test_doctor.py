"""What `manage.py doctor` finds wrong, in a portal that was well a moment ago."""

import json
import re
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import time_machine
from django.core.management import call_command
from django_celery_beat.models import PeriodicTask

from accounts.models import Organization
from kpis.models import Feed, InvoiceMetric
from monitoring.models import Process
from slo_portal import schedule
from slo_portal.doctor import GROUPS, examine
from slo_portal.organizations import set_up
from slos.models import EngineState
from slos.tick import tick
from tests.facts import NOON, at, firm, invoice


class Live(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def portal(valkey, settings, db):
    """One that is well; its figures are of NOON."""
    web = HTTPServer(("127.0.0.1", 0), Live)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    settings.ALLOWED_HOSTS = ["localhost"]
    settings.PORT, settings.SMTP_URL, settings.ALERT_EMAIL_TO = web.server_port, "smtp://mail.invalid", ["ap@acme.test"]
    settings.CELERY_BROKER_URL = f"redis+socket://{valkey.socket}?virtual_host=0"
    with time_machine.travel(NOON, tick=False):
        organization = firm("default", created_at=at(-60))
        schedule.ensure()
        set_up(organization, now=NOON)
        invoice(organization, "INV-1", uploaded_at=-2, ready_at=-1, vendor="Acme", now=NOON)
        tick(organization, now=NOON)
        for component in ("worker", "beat"):
            Process.objects.create(component=component, place="here 1", seen_at=NOON)
        yield organization
    web.shutdown()
    web.server_close()


def found(now=NOON, **options):
    return {(one.group, one.says): one for one in examine(now=now, **options)}


def test_a_portal_that_is_well_gets_a_line_for_each_question_and_exit_status_0(portal, capsys):
    call_command("doctor")
    assert [line[:9].strip() for line in capsys.readouterr().out.splitlines()] == ["ok"] * len(GROUPS)
    call_command("doctor", "--json")
    assert json.loads(capsys.readouterr().out) == {"healthy": True, "findings": []}


def test_what_is_switched_off_or_missing_is_named_and_the_exit_status_is_1(portal, settings, capsys):
    PeriodicTask.objects.filter(name="tick").update(enabled=False)
    PeriodicTask.objects.filter(name="charts").delete()
    settings.SLO_DAILY_ENABLED = False
    settings.PORT = 9  # discard: nobody listens
    portal.channels.update(off_at=NOON, off_reason="Slack has removed the hook.")
    with pytest.raises(SystemExit) as end:
        call_command("doctor")
    assert end.value.code == 1
    said = capsys.readouterr().out
    for text in ("Web: nothing answers", "“tick” is switched off", "“charts” is missing", "SLO_DAILY_ENABLED is off",
                 "has removed the hook", "manage.py bootstrap"):  # fmt: skip
        assert text in said
    call_command("bootstrap")
    assert "charts" not in str(found())


def test_a_task_that_has_nobody_to_tell_may_be_switched_off(portal, settings):
    PeriodicTask.objects.filter(name="export").update(enabled=False)
    assert [one.hint for (_, says), one in found().items() if "export" in says] == [True]
    settings.OTLP_ENDPOINT = "https://otel.example.com"
    assert [one.hint for (_, says), one in found().items() if "export" in says] == [False]


def test_the_tasks_that_are_looked_for_are_those_that_bootstrap_makes(portal):
    made = set(PeriodicTask.objects.exclude(name__startswith="celery.").values_list("name", flat=True))
    assert set(schedule.names(Organization.objects.all())) == made


def test_a_missing_measurement_is_named_with_the_command_that_writes_it(portal):
    late = NOON + timedelta(days=1)
    tick(portal, now=late)
    InvoiceMetric.objects.update(created_at=late)  # imported just now: the schedule will see to it
    assert [one for one in found(late).values() if one.group == "measurements"] == []
    InvoiceMetric.objects.update(created_at=NOON)
    missing = [one for one in found(late).values() if one.group == "measurements"]
    assert [one.says for one in missing] == [
        "Default: hourly measurements are missing since 10 Nov 2026, 11:00 UTC.",
        "Default: daily measurements are missing since 10 Nov 2026, 00:00 UTC.",
    ]
    _, _, command = missing[1].do.partition("manage.py ")
    with time_machine.travel(late, tick=False):
        call_command(*command.partition(";")[0].split())
    assert [one.says[:17] for one in found(late).values() if one.group == "measurements"] == ["Default: hourly m"]


def test_a_spent_budget_is_told_with_who_spent_it(portal):
    for number in range(80):
        late = {"vendor": "Slow & Sons", "ready_at": -1} if number % 4 == 0 else {"vendor": "Acme", "ready_at": -28}
        invoice(portal, f"INV-{number + 2}", uploaded_at=-30, now=NOON, **late)
    tick(portal, now=NOON)
    (one,) = [one for one in found().values() if one.group == "budgets"]
    assert "Time-to-Ready Processing has used 494 % of its error budget." in one.says
    assert "100% of what was bad came from the vendor Slow & Sons" in one.says
    assert one.hint


def test_silence_slowness_and_a_stalled_engine_are_told(portal):
    Feed.objects.update(first_message_at=at(-60 * 24 * 6), last_message_at=at(-60 * 24 * 5))
    EngineState.objects.update(ticked_at=at(-30))
    clock = iter(range(0, 100, 5))
    said = str(found(seconds=lambda: float(next(clock))))
    assert "no message about invoices since 05 Nov, 12:00 UTC" in said
    assert "took 5.0 seconds" in said
    assert "Figures have not been brought up to date for 1800 seconds" in said


def test_the_page_about_troubles_follows_the_same_list():
    page = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "troubleshooting.md").read_text()
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == list(GROUPS.values())
