"""The outbox against real receivers that refuse, break off, hang, or ask for patience."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from accounts.models import Organization
from alerts import delivery, outbox, outcomes, secrets
from alerts.attempts import attempt
from alerts.kinds import Reason
from alerts.models import AlertEvent, Channel, Message, Notification, SLOAlert
from alerts.outbox import Said, Target
from tests.alerts.alerting import an_alert
from tests.facts import at, firm
from tests.sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)  # other connections must see what was claimed
OPS = "ops@example.com"


@pytest.fixture
def ours() -> Organization:
    return firm()


@pytest.fixture
def hook(ours: Organization, sink: Sink) -> Channel:
    return webhook(ours, sink, "Hook", "/hook")


@pytest.fixture
def mail(ours: Organization) -> Channel:
    return Channel.objects.create(organization=ours, name="Mail", kind="email", targets=[OPS], for_operations=True)


def webhook(organization: Organization, sink: Sink, name: str, path: str) -> Channel:
    secret = secrets.seal({"url": sink.http.url(path), "secret": "s" * 32})
    return Channel.objects.create(organization=organization, name=name, kind="webhook", secret=secret)


def say(
    organization: Organization,
    channel: Channel,
    *,
    minute: float = 0,
    reason: Reason = Reason.OPENED,
    address: str = "",
    title: str = "7 of 20 are late",
    sli_type: str = "time_to_ready",
) -> SLOAlert:
    """An alert of a kind of its own, and a notification of it."""
    number = SLOAlert.objects.count()
    alert = an_alert(organization, sli_type, now=at(minute), subject=str(number), title=title)
    event = AlertEvent.objects.filter(alert=alert).latest("pk")
    target = Target(channel, address or (OPS if channel.kind == "email" else ""))
    outbox.tell(alert, event, [target], reason, Said(title, "It is.", title), due_at=at(minute))
    return alert


def deliver(organization: Organization, minute: float) -> int:
    return delivery.deliver(organization, clock=lambda: at(minute))


def seconds(number: float) -> float:
    return number / 60


def states(channel: Channel) -> list[str]:
    return list(channel.messages.order_by("created_at").values_list("state", flat=True))


def items(body: str) -> list[str]:
    return [item["title"] for item in json.loads(body)["alerts"]]


def test_a_message_is_sent_once_with_its_key(ours, hook, sink):
    say(ours, hook)
    assert deliver(ours, 0) == 1
    [entry] = sink.ledger.entries()
    message = Message.objects.get()
    assert (entry.key, message.state, message.sent_at, message.attempt) == (str(message.pk), "sent", at(0), 1)
    assert deliver(ours, 10) == 0
    assert len(sink.ledger.entries()) == 1


def test_what_is_due_for_one_target_is_one_message_that_names_all_of_it(ours, hook, sink):
    for number in range(40):
        say(ours, hook, title=f"number {number}")
    assert deliver(ours, 0) == 1
    [entry] = sink.ledger.entries()
    assert sorted(items(entry.body)) == sorted(f"number {number}" for number in range(40))


def test_beyond_first_and_worse_news_a_target_gets_one_message_a_minute(ours, hook, sink):
    say(ours, hook)
    deliver(ours, 0)
    say(ours, hook, reason=Reason.RESOLVED, title="over")
    say(ours, hook, reason=Reason.REMINDER, title="still")
    assert deliver(ours, seconds(59)) == 0
    say(ours, hook, reason=Reason.WORSENED, title="worse", minute=seconds(59))
    assert deliver(ours, seconds(59)) == 1  # takes the others with it
    assert sorted(items(sink.ledger.entries()[-1].body)) == ["over", "still", "worse"]
    say(ours, hook, reason=Reason.RESOLVED, title="over, too", minute=seconds(60))
    assert deliver(ours, seconds(118)) == 0
    assert deliver(ours, seconds(119)) == 1


def test_in_a_storm_even_first_news_are_bundled_and_nothing_is_dropped(ours, hook, sink):
    for second in range(60):
        say(ours, hook, minute=seconds(second), title=str(second))
        deliver(ours, seconds(second))
    deliver(ours, 2)
    assert len(sink.ledger.entries()) == 13
    assert sorted(int(title) for entry in sink.ledger.entries() for title in items(entry.body)) == list(range(60))


def test_a_failure_is_tried_again_with_the_same_key(ours, hook, sink):
    sink.http.script.play("/hook", "500", "503")
    say(ours, hook)
    deliver(ours, 0)
    assert (states(hook), deliver(ours, seconds(3.9))) == (["waiting"], 0)
    deliver(ours, seconds(6))
    hook.refresh_from_db()
    assert (hook.failures, hook.failing_since) == (2, at(0))
    deliver(ours, seconds(30))
    assert states(hook) == ["sent"]
    assert len({entry.key for entry in sink.ledger.entries()}) == 1
    assert len(sink.ledger.entries()) == 3
    hook.refresh_from_db()
    assert (hook.failures, hook.failing_since) == (0, None)


def test_nothing_is_sent_before_the_time_that_a_receiver_asks_for(ours, hook, sink):
    sink.http.script.play("/hook", "429 120")
    say(ours, hook)
    deliver(ours, 0)
    say(ours, hook, minute=1, title="another")
    for second in (10, 60, 119):
        assert deliver(ours, seconds(second)) == 0
    assert len(sink.ledger.entries()) == 1
    deliver(ours, 2)
    assert len(sink.ledger.entries(accepted=True)) == 2


def test_a_channel_that_can_never_work_is_switched_off_and_others_hear_what_it_could_not_say(ours, hook, mail, sink):
    sink.http.script.always("/hook", "404")
    alert = say(ours, hook, title="important")
    deliver(ours, 0)
    hook.refresh_from_db()
    assert hook.off_at == at(0)
    assert "404" in hook.off_reason
    deliver(ours, 0)
    [entry] = sink.ledger.entries(accepted=True)
    assert (entry.target, "important" in entry.body) == (OPS, True)
    assert list(alert.notifications.values_list("channel__name", "state")) == [("Hook", "bundled"), ("Mail", "bundled")]


def test_a_reader_who_is_refused_does_not_silence_the_others(ours, mail, sink):
    mail.targets = [OPS, "gone@example.com"]
    mail.save()
    sink.smtp.script.always("gone@example.com", "rcpt 550 5.1.1 no such user")
    say(ours, mail)
    say(ours, mail, address="gone@example.com")
    deliver(ours, 0)
    mail.refresh_from_db()
    assert (mail.off_at, mail.refused) == (None, ["gone@example.com"])
    assert OPS in {entry.target for entry in sink.ledger.entries(accepted=True)}


def test_what_was_perhaps_sent_is_sent_once_more_with_the_same_key_and_then_stays_unknown(ours, hook, sink):
    sink.http.script.always("/hook", "accepted")
    say(ours, hook)
    for minute in (0, 1, 2, 60):
        deliver(ours, minute)
    assert states(hook) == ["unknown"]
    keys = [entry.key for entry in sink.ledger.entries()]
    assert (len(keys), len(set(keys))) == (2, 1)


def test_a_target_that_hangs_delays_no_other(ours, hook, mail, sink):
    sink.http.script.play("/hook", "hang")
    say(ours, hook)
    say(ours, mail)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(apart, ours)
        sink.ledger.wait_for(1, target=OPS, accepted=True)
        assert not running.done()
        sink.http.ended.set()
    assert running.result() == 2


def apart(organization: Organization) -> int:
    """In a thread of its own, as another worker would."""
    try:
        return deliver(organization, 0)
    finally:
        connections.close_all()


def test_the_message_of_a_sender_that_died_is_sent_by_another_with_the_same_key(ours, hook, sink):
    say(ours, hook)
    [dead] = delivery.claim(ours, busy=[], now=at(0))
    assert deliver(ours, seconds(29)) == 0
    assert deliver(ours, seconds(30)) == 1
    assert [entry.key for entry in sink.ledger.entries()] == [str(dead.message.pk)]


def test_a_sender_that_comes_back_too_late_changes_nothing(ours, hook, sink):
    say(ours, hook)
    [slow] = delivery.claim(ours, busy=[], now=at(0))
    deliver(ours, 1)
    late = attempt(slow, now=at(0))
    assert not outcomes.record(slow, replace_error(late), now=at(2))
    assert states(hook) == ["sent"]


def replace_error(outcome: outcomes.Outcome) -> outcomes.Outcome:
    return outcome._replace(receipt=None, error=outcomes.DeliveryError("too late", permanent=True))


def test_what_waits_for_a_channel_that_a_person_switches_off_goes_elsewhere(ours, hook, mail, sink):
    say(ours, hook, title="important")
    Channel.objects.filter(pk=hook.pk).update(is_active=False)
    deliver(ours, 0)
    [entry] = sink.ledger.entries()
    assert entry.target == OPS
    assert not Notification.objects.filter(state="waiting").exists()


def test_of_many_senders_at_once_each_message_is_sent_by_one(ours, sink):
    for number in range(30):
        say(ours, webhook(ours, sink, f"Hook {number}", f"/{number}"))
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: apart(ours), range(4))) == 30
    assert sorted(entry.target for entry in sink.ledger.entries()) == sorted(f"/{number}" for number in range(30))
