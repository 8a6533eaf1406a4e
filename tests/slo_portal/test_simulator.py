"""The simulator against a web server: a month that is well, and incidents that raise the alerts they are known for."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command

from accounts.models import ApiToken, Membership, User
from alerts.evaluate import evaluate
from alerts.models import SLOAlert
from kpis import ingest
from kpis.messages import EXCEPTION, INVOICE
from kpis.models import InvoiceMetric
from slo_portal.feeder import CannotFeed, Feeder
from slo_portal.management.commands.simulate import token_for
from slo_portal.simulation.incidents import history
from slo_portal.simulation.lives import messages
from slo_portal.simulation.traffic import MONTH, Traffic, busy_rate, past
from slo_portal.simulator import Player, Wishes
from slos.tick import tick
from tests.facts import NOON, firm, invoice

NUMBER = 2_400
FIRED = {
    "ocr_slowdown": "time_to_ready",
    "approver_on_holiday": "approval_latency",
    "validation_rule_change": "validation_pass_rate",
}


@pytest.fixture
def organization(db):
    organization = firm("default")
    user = User.objects.create_user("ada")
    Membership.objects.create(user=user, organization=organization, role=Membership.Role.OPERATOR)
    return organization


def open_alerts(organization, now):
    tick(organization, now=now, then=evaluate)
    return {alert.slo.sli_type: alert for alert in SLOAlert.objects.unresolved()}


def test_a_month_is_well_until_an_incident_raises_the_alert_that_it_is_known_for(organization, live_server, tmp_path):
    wishes, said = Wishes(tmp_path), []
    with time_machine.travel(NOON, tick=False), token_for(organization) as token, wishes.alone():
        traffic = Traffic(1, busy_rate(NUMBER), now=NOON)
        player = Player(Feeder(live_server.url, token), traffic, wishes, said.append)
        zone = organization.time_zone
        lives = list(past(1, NUMBER, NOON - MONTH, NOON, zone, list(history(NOON, zone))))
        player.fill(lives, now=NOON, progress=lambda done: None)
        assert open_alerts(organization, NOON) == {}
        for name in FIRED:
            wishes.wish(name)
            player.turn(NOON)
        now = NOON + timedelta(minutes=1)
        player.turn(now)  # the feed lives: what is late is late
        fired = open_alerts(organization, now)
        assert set(fired) >= set(FIRED.values())
        assert {fired[sli].alert_type for sli in FIRED.values()} == {"burn_rate_warning"}
    assert len(said) == 2 * len(FIRED) - 1  # each begins, and ends the one before
    assert player.feeder.totals["rejected"] == 0
    assert InvoiceMetric.objects.count() > NUMBER
    assert ApiToken.objects.filter(revoked_at=None).count() == 0


@pytest.mark.slow  # a whole demo's past
@pytest.mark.parametrize("now", ["2026-11-23T23:50:00+00:00", "2026-11-24T00:12:00+00:00", "2026-11-24T01:51:00+00:00"])
def test_a_month_is_well_in_the_evening_too_when_what_is_decided_last_is_mostly_late(organization, now):
    moment = datetime.fromisoformat(now)
    lives = past(1, 36_000, moment - MONTH, moment, UTC, list(history(moment, UTC)))
    told = messages(step for life in lives for step in life if step.at <= moment)
    with time_machine.travel(moment, tick=False):
        for spec, rows in ((INVOICE, told["invoices"]), (EXCEPTION, told["exceptions"])):
            assert ingest.store_rows(spec, organization, rows, now=moment).rejected == 0
        assert open_alerts(organization, moment) == {}


def test_the_command_fills_a_past_and_says_what_it_did(organization, live_server, capsys):
    call_command("simulate", "--past", "3d", "--invoices", "50", "--url", live_server.url, "--json")
    said = json.loads(capsys.readouterr().out)
    assert (said["past"], said["rejected"], InvoiceMetric.objects.count()) == (50, 0, 50)
    call_command("simulate", "--past", "3", "--invoices", "50", "--dry-run", "--json")
    assert json.loads(capsys.readouterr().out)["received"] == 0
    invoice(organization, "INV-1", uploaded_at=0, now=NOON)
    with pytest.raises(CommandError, match="holds real invoices"):
        call_command("simulate", "--past", "3", "--url", live_server.url)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--organization", "nobody", "--past", "1"], "There are: default"),
        (["--past", "soon"], "no number from 0.01 to 100"),
        (["--end-incident"], "No incident is going on"),
    ],
)
def test_what_makes_no_sense_is_said(organization, arguments, says):
    with pytest.raises(CommandError, match=says):
        call_command("simulate", *arguments)


def test_a_portal_that_is_not_there_is_tried_again_and_then_named(tmp_path: Path):
    pauses: list[float] = []
    feeder = Feeder("http://127.0.0.1:9", "secret", pause=pauses.append)
    with pytest.raises(CannotFeed, match=r"does not answer at http://127.0.0.1:9 .* make run"):
        feeder.tell("invoices", [{"invoice_id": "SIM-1"}])
    assert len(pauses) > 3
    assert "secret" not in repr(feeder)
