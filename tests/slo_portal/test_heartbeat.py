"""The watcher outside hears from the portal only while it keeps up."""

from datetime import timedelta

import pytest
import time_machine

from alerts.models import Channel
from slo_portal import schedule, tasks
from slos.models import EngineState
from tests.alerts.alerting import a_channel, an_alert, tell
from tests.facts import at, firm
from tests.sink import Sink

pytestmark = pytest.mark.django_db


@pytest.fixture
def watcher(settings):
    """A firm whose figures are fresh, and a watcher that listens."""
    organization = firm()
    schedule.ensure()
    EngineState.objects.create(organization=organization, ticked_at=at(0))
    with Sink() as sink, time_machine.travel(at(0), tick=False):
        settings.HEARTBEAT_URL = sink.http.url("/alive")
        settings.OUTGOING_ALLOWED = [f"127.0.0.1:{sink.http.port}"]
        yield sink


def heard(sink: Sink) -> int:
    tasks.heartbeat()
    return len(sink.ledger.entries())


def test_it_is_called_while_all_is_well(watcher):
    assert heard(watcher) == 1


def test_it_is_silent_while_ticks_are_late(watcher):
    EngineState.objects.update(ticked_at=at(-1))
    assert heard(watcher) == 0


def test_it_is_silent_while_a_message_cannot_be_delivered(watcher):
    organization = EngineState.objects.get().organization
    channel: Channel = a_channel(organization)
    message = tell(an_alert(organization, now=at(-6)), channel, now=at(-6), state="waiting")
    assert heard(watcher) == 0
    message.created_at = at(0) - timedelta(minutes=4)
    message.save()
    assert heard(watcher) == 1


def test_it_may_be_left_out(watcher, settings):
    settings.HEARTBEAT_URL = ""
    assert heard(watcher) == 0
