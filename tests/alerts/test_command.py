"""`manage.py alerts` as a person at a terminal meets it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command

from accounts.models import Organization
from alerts.models import SLOAlert
from tests.alerts.alerting import a_member, an_alert, recover
from tests.facts import firm

NOW = datetime(2026, 11, 10, 12, 2, 30, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def organization() -> Organization:
    organization = firm("default", time_zone="Europe/Berlin")
    organization.refresh_from_db()
    a_member(organization, "dana")
    return organization


@pytest.fixture
def alert(organization: Organization) -> SLOAlert:
    return an_alert(organization, now=NOW, title="7 late [bold]now[/]")


def test_open_alerts_are_listed_with_local_times(organization, alert, capsys):
    recover(an_alert(organization, None, now=NOW), now=NOW)
    an_alert(firm("other"), now=NOW, title="Secret")
    call_command("alerts", "list")
    out, err = capsys.readouterr()
    assert str(alert.pk)[:8] in out
    assert "2026-11-10 13:02" in out
    assert "7 late [bold]now[/]" in " ".join(out.split())
    assert "Secret" not in out
    assert "1 open alert." in err


def test_a_list_as_json_has_the_fields_of_the_api(organization, alert, capsys):
    recover(an_alert(organization, None, now=NOW - timedelta(hours=1), severity="critical"), now=NOW)
    call_command("alerts", "list", "--json")
    (one,) = json.loads(capsys.readouterr().out)["alerts"]
    assert (one["id"], one["state"], one["notification_sent"]) == (str(alert.pk), "open", False)
    call_command("alerts", "list", "--all", "--severity", "critical", "--json")
    (one,) = json.loads(capsys.readouterr().out)["alerts"]
    assert one["state"] == "resolved"


def test_an_alert_is_acknowledged_and_resolved_in_somebodys_name(organization, alert, capsys):
    call_command("alerts", "ack", str(alert.pk)[:6], "--user", "dana", "--note", "On it")
    call_command("alerts", "resolve", str(alert.pk), "--user", "dana", "--note", "Restarted")
    assert "acknowledged: 7 late" in capsys.readouterr().out
    events = list(alert.events.values_list("kind", "actor__username", "channel", "note"))
    assert events[1:] == [("acknowledged", "dana", "command", "On it"), ("resolved", "dana", "command", "Restarted")]


def test_what_is_done_already_is_no_failure(organization, alert, capsys):
    for _ in range(2):
        call_command("alerts", "ack", str(alert.pk), "--user", "dana")
    assert "was acknowledged by dana before" in capsys.readouterr().out


def test_of_several_each_is_said_and_one_failure_is_a_failure(organization, alert, capsys):
    a_member(organization, "omar")
    call_command("alerts", "ack", str(alert.pk), "--user", "omar")
    second = an_alert(organization, "approval_latency", now=NOW)
    with pytest.raises(CommandError, match="1 of 2 could not be acknowledged") as failure:
        call_command("alerts", "ack", str(alert.pk), str(second.pk), "--user", "dana", "--json")
    assert failure.value.returncode == 1
    first, other = json.loads(capsys.readouterr().out.partition("\n")[2])["results"]
    assert (first["done"], other["done"]) == (False, True)
    assert "omar acknowledged this first" in first["message"]


@pytest.mark.parametrize(("given", "says"), [("3f", "at least 4"), ("zzzz", "no open alert begins so")])
def test_an_id_that_says_too_little_changes_nothing(organization, alert, capsys, given, says):
    with pytest.raises(CommandError):
        call_command("alerts", "ack", given, "--user", "dana")
    assert says in capsys.readouterr().err


def test_alerts_of_another_organisation_cannot_be_reached(organization, capsys):
    foreign = an_alert(firm("other"), now=NOW)
    with pytest.raises(CommandError):
        call_command("alerts", "ack", str(foreign.pk), "--user", "dana")
    assert "there is no such alert" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ack", "3f2a"], "Say who acts"),
        (["ack", "3f2a", "--user", "nobody"], "no active operator 'nobody'"),
        (["ack", "3f2a", "--user", "vera"], "no active operator 'vera'"),
        (["ack", "3f2a", "--user", "dana", "--organization", "other"], "no active operator 'dana' in other"),
        (["ack", "--user", "dana"], "Name the ids"),
        (["ack", "3f2a", "--user", "dana", "--all"], "are for list"),
        (["ack", "3f2a", "--user", "dana", "--note", "x" * 2001], "2,000"),
        (["list", "3f2a"], "takes no ids"),
        (["list", "--organization", "nowhere"], "no active organisation"),
    ],
)
def test_arguments_that_make_no_sense_are_told_apart(organization, arguments, says):
    a_member(organization, "vera", "viewer")
    firm("other")
    with pytest.raises(CommandError, match=says) as refusal:
        call_command("alerts", *arguments)
    assert refusal.value.returncode == 2
