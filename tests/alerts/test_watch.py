"""What is said of alerting itself, on the pages and in the read model."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from accounts.models import Organization
from alerts import watch
from alerts.models import Channel, Message, Notification
from slos.models import EngineState, SLODefinition
from tests.alerts.alerting import a_channel, a_member, an_alert, notify, tell
from tests.facts import firm

NOW = datetime(2026, 11, 10, 12, 2, 30, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def organization() -> Organization:
    organization = firm()
    organization.refresh_from_db()
    EngineState.objects.create(organization=organization, ticked_at=NOW)
    return organization


def troubles(organization: Organization) -> list[str]:
    return watch.look(organization, now=NOW).troubles


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def test_while_all_is_well_nothing_is_said(organization):
    channel, alert = a_channel(organization), an_alert(organization, now=ago(60))
    tell(alert, channel, now=ago(60))
    tell(alert, channel, now=ago(1), state=Message.State.WAITING)  # not late yet
    notify(alert, channel, now=ago(1))
    other = firm("other")
    tell(an_alert(other, now=ago(60)), a_channel(other, off_at=NOW), now=ago(60), state=Message.State.FAILED)
    Channel.objects.filter(organization=other).update(off_at=NOW)
    assert troubles(organization) == []


def test_what_waits_too_long_is_counted_with_its_age(organization):
    channel, alert = a_channel(organization), an_alert(organization, now=ago(60))
    tell(alert, channel, now=ago(30), state=Message.State.WAITING)
    notify(alert, channel, now=ago(45))
    notify(alert, channel, now=ago(50), state=Notification.State.CANCELLED)
    assert troubles(organization) == ["2 messages could not be delivered yet, the oldest for 45\N{NO-BREAK SPACE}min."]


def test_failures_and_unknown_outcomes_of_the_last_day_are_said(organization):
    channel, alert = a_channel(organization), an_alert(organization, now=ago(60))
    tell(alert, channel, now=ago(30), state=Message.State.FAILED)
    tell(alert, channel, now=ago(30), state=Message.State.UNKNOWN)
    tell(alert, channel, now=NOW - timedelta(days=2), state=Message.State.FAILED)
    assert troubles(organization) == [
        "1 message of the last day could not be delivered at all.",
        "Of 1 message of the last day nobody knows the outcome.",
    ]


def test_a_dead_channel_is_named_with_its_reason(organization):
    a_channel(organization, "Slack", off_at=NOW, off_reason="The webhook does not exist any more.")
    a_channel(organization, "Paused", is_active=False, off_at=NOW)
    assert troubles(organization) == ["The channel “Slack” is switched off: The webhook does not exist any more."]


def test_late_ticks_are_said(organization):
    EngineState.objects.update(ticked_at=ago(7))
    (trouble,) = troubles(organization)
    assert trouble.startswith("Nothing has been calculated for 7\N{NO-BREAK SPACE}min")
    EngineState.objects.all().delete()
    assert troubles(organization)[0].startswith("Nothing has been calculated: no alert can open.")


def test_a_channel_that_does_not_exist_is_said_with_the_objective_that_names_it(organization):
    SLODefinition.objects.filter(organization=organization, sli_type="time_to_ready").update(
        notification_channels=["Nowhere"]
    )
    assert troubles(organization) == ["“Time-to-Ready Processing” names the channel “Nowhere”, which does not exist."]


def test_the_band_stands_on_the_pages_only_while_something_is_wrong(organization, client: Client):
    client.force_login(a_member(organization, "dana"))
    alert = an_alert(organization, now=NOW)
    addresses = ("/", "/part/overview", "/alerts/", "/part/alerts", f"/alerts/{alert.pk}/")
    for address in addresses:
        assert "Alerting has a problem" not in client.get(address).content.decode(), address
    a_channel(organization, off_at=NOW, off_reason="Refused <b>.")
    for address in addresses:
        text = client.get(address).content.decode()
        assert "Alerting has a problem" in text, address
        assert "Refused &lt;b&gt;." in text
