"""Who hears what when: recalls, snoozes, what is worse, and what nobody could deliver."""

from datetime import timedelta

import pytest

from accounts.models import Membership, Organization, User
from alerts import lifecycle, outcomes
from alerts.attempts import Job
from alerts.lifecycle import By
from alerts.models import Channel, Message, Notification, SLOAlert
from alerts.transports import DeliveryError
from tests.alerts.firms import a_quiet_firm, breach, kinds, run, the, validated
from tests.facts import at

pytestmark = pytest.mark.django_db
DAY = 24 * 60


@pytest.fixture
def ours() -> Organization:
    return a_quiet_firm()


@pytest.fixture
def dana(ours: Organization) -> By:
    user = User.objects.create_user("dana", first_name="Dana", last_name="Weber")
    Membership.objects.create(user=user, organization=ours, role="operator")
    return By(user, "web")


def reasons(alert: SLOAlert) -> list[str]:
    return list(alert.notifications.order_by("pk").values_list("reason", flat=True))


def keep_burning(organization: Organization, until: float) -> None:
    """A bad invoice in three, every half an hour, so that the alert of `breach` never ends."""
    for minute in range(30, int(until), 30):
        for name, good in (("b", False), ("g", True), ("h", True)):
            first = minute - 20
            number = 30 if good else 40
            validated(organization, f"{name}{minute}", number, first=first, last=minute, now=at(minute), good=good)


def test_what_somebody_has_acknowledged_is_recalled_once_a_day_while_it_goes_on(ours, dana):
    alert = breach(ours)
    lifecycle.acknowledge(alert, by=dana, now=at(11))
    keep_burning(ours, 2 * DAY + 120)
    for minute in (30, DAY, DAY + 10, DAY + 11, DAY + 12, DAY + 600, 2 * DAY, 2 * DAY + 12, 2 * DAY + 13):
        run(ours, minute)
    alert.refresh_from_db()
    assert reasons(alert) == ["opened", "reminder", "reminder"]
    assert alert.state == "acknowledged"
    assert "Dana Weber" in alert.notifications.filter(reason="reminder").earliest("pk").text


def test_a_budget_alert_is_recalled_only_when_ten_more_percent_are_gone(ours, dana):
    validated(ours, "some", 190, first=0, last=9, now=at(10), good=False)
    run(ours, 10)
    alert = the(ours, "error_budget_consumed")
    lifecycle.acknowledge(alert, by=dana, now=at(11))
    run(ours, DAY + 12)
    assert reasons(alert) == ["opened"]
    validated(ours, "more", 30, first=DAY + 13, last=DAY + 20, now=at(DAY + 21), good=False)
    run(ours, DAY + 21)
    alert.refresh_from_db()
    worse = alert.severity == "critical" or alert.resolution == "superseded"
    assert worse or reasons(alert) == ["opened", "reminder"]


def test_while_it_snoozes_nothing_is_sent_and_afterwards_it_goes_on(ours, dana):
    alert = breach(ours)
    alert.next_step_at = at(20)
    alert.save()
    lifecycle.snooze(alert, by=dana, now=at(11), until=at(60))
    assert run(ours, 30) == 0
    assert run(ours, 60) == 1
    assert reasons(alert) == ["opened", "repeated"]


def test_a_snooze_ends_when_it_gets_worse_and_so_does_an_acknowledgement(ours, dana):
    validated(ours, "some", 190, first=0, last=9, now=at(10), good=False)
    run(ours, 10)
    alert = the(ours, "error_budget_consumed")
    assert alert.severity == "warning"
    lifecycle.acknowledge(alert, by=dana, now=at(11))
    lifecycle.snooze(alert, by=dana, now=at(11), until_better=True)
    validated(ours, "more", 40, first=12, last=18, now=at(19), good=False)
    run(ours, 19)
    alert.refresh_from_db()
    assert (alert.severity, alert.state, alert.snoozed_until_better) == ("critical", "open", False)
    assert reasons(alert) == ["opened", "worsened"]
    assert kinds(alert) == ["opened", "told", "acknowledged", "snoozed", "worsened", "told"]


def test_who_heard_of_its_end_hears_that_a_person_opened_it_again(ours, dana):
    alert = breach(ours)
    lifecycle.resolve(alert, by=dana, now=at(11))
    lifecycle.reopen(alert, by=dana, now=at(12))
    assert run(ours, 13) == 1
    assert reasons(alert) == ["opened", "resolved", "reopened"]
    assert alert.notifications.get(reason="resolved").state == "cancelled"


def test_a_dead_channel_is_an_alert_that_another_channel_tells(ours):
    dead = Channel.objects.create(organization=ours, name="Chat", kind="webhook", for_operations=True)
    alert = breach(ours)
    assert alert.notifications.filter(channel=dead).exists()
    refused(ours, dead, minute=11)
    dead.refresh_from_db()
    assert (dead.off_at, dead.off_reason) == (at(11), "There is nobody.")
    run(ours, 12)
    about = SLOAlert.objects.get(alert_type="delivery_failure")
    assert (about.subject, about.severity) == (str(dead.pk), "warning")
    assert "Chat" in about.title
    assert {row.channel.name for row in about.notifications.all()} == {"Operations"}
    Channel.objects.filter(pk=dead.pk).update(off_at=None, off_reason="", failing_since=None, failures=0)
    for minute in range(13, 47, 2):
        run(ours, minute)
    about.refresh_from_db()
    assert about.resolution == "recovered"


def refused(organization: Organization, channel: Channel, *, minute: float) -> None:
    """The receiver says that it is gone for ever."""
    message = Message.objects.create(
        organization=organization,
        channel=channel,
        severity="critical",
        urgent=True,
        state="sending",
        attempt=1,
        next_attempt_at=at(minute),
        created_at=at(minute),
    )
    waiting = Notification.objects.filter(channel=channel)
    waiting.update(message=message, state="bundled")
    job = Job(organization, message, channel, list(waiting), False)
    error = DeliveryError("There is nobody.", permanent=True)
    assert outcomes.record(job, outcomes.Outcome(error=error), now=at(minute))


def test_a_feed_that_stops_is_an_alert_and_freezes_the_others(ours):
    alert = breach(ours)
    later = 20 + 4 * DAY
    run(ours, later)
    stale = the(ours, "stale_feed")
    assert (stale.subject, stale.severity, stale.slo) == ("invoices", "warning", None)
    assert "invoice" in stale.title.lower()
    alert.refresh_from_db()
    assert (alert.state, alert.quiet_since) == ("open", None)
    validated(ours, "back", 10, first=later, last=later + 1, now=at(later + 2))
    for minute in range(later + 2, later + 36, 2):
        run(ours, minute)
    stale.refresh_from_db()
    assert stale.resolution == "recovered"
    assert stale.resolved_at - stale.breached_at >= timedelta(minutes=30)
