"""Thousands of alerts at once, and conditions that come and go all day: readers hear all of it, in few messages."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from accounts.models import Organization
from alerts import delivery, outbox, secrets
from alerts.evaluate import evaluate
from alerts.kinds import Reason, rank
from alerts.models import AlertEvent, Channel, EscalationPolicy, EscalationStep, Notification, SLOAlert
from alerts.outbox import Said, Target
from kpis.ingest import store_rows
from kpis.messages import INVOICE
from slos.models import SLODefinition
from slos.tick import tick
from tests.facts import at
from tests.sink import Entry, Sink

pytestmark = pytest.mark.django_db(transaction=True)  # senders have connections of their own
DAY = 24 * 60
CALM, BURNING, WORSE = 80, 91, 94  # targets; 15 of 100 invoices are bad
Target_ = Callable[[int], int]  # the target of an objective in a minute


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    with Sink() as sink:
        settings.OUTGOING_ALLOWED = [f"127.0.0.1:{sink.http.port}"]
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.smtp.port
        yield sink


@pytest.fixture
def ours() -> Organization:
    return Organization.objects.create(name="Firm", slug="firm")


@pytest.fixture
def hook(ours: Organization, sink: Sink) -> Target:
    secret = secrets.seal({"url": sink.http.url("/hook"), "secret": "s" * 32})
    return Target(
        Channel.objects.create(organization=ours, name="Hook", kind="webhook", secret=secret, for_operations=True), ""
    )


@pytest.fixture
def mail(ours: Organization) -> Target:
    address = "ops@example.com"
    channel = Channel.objects.create(organization=ours, name="Mail", kind="email", targets=[address])
    return Target(channel, address)


def opened(organization: Organization, targets: list[Target], second: float, names: list[str], severity: str) -> None:
    """Alerts that open at this second, and are told to these targets."""
    now = at(second / 60)
    given = {"organization": organization, "alert_type": "stale_feed", "severity": severity, "message": "It is."}
    alerts = SLOAlert.objects.bulk_create(
        SLOAlert(subject=name, title=name, breached_at=now, updated_at=now, **given) for name in names
    )
    events = AlertEvent.objects.bulk_create(
        AlertEvent(organization=organization, alert=alert, kind="opened", at=now) for alert in alerts
    )
    for alert, event in zip(alerts, events, strict=True):
        outbox.tell(alert, event, targets, Reason.OPENED, Said(alert.title, "It is.", alert.title), due_at=now)


def deliver(organization: Organization, second: float) -> int:
    return delivery.deliver(organization, clock=lambda: at(second / 60))


def heard(sink: Sink, target: str) -> list[Entry]:
    return sink.ledger.entries(target=target, accepted=True)


def items(entry: Entry) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(entry.body)["alerts"]
    return found


@pytest.mark.parametrize("number", [300, pytest.param(5000, marks=pytest.mark.slow)])
def test_all_alerts_of_a_storm_are_named_in_few_messages_the_worst_first(ours, hook, mail, sink, number):
    names = [f"storm-{n:04}" for n in range(number)]
    for second in range(50):
        some = names[second::50]
        opened(ours, [hook, mail], second, some[::2], "warning")
        opened(ours, [hook, mail], second, some[1::2], "critical")
        deliver(ours, second)
    first = len(heard(sink, "/hook"))
    assert 1 < first <= 12  # those at once
    for second in range(50, 50 + 180, 5):
        deliver(ours, second)
    entries = heard(sink, "/hook")
    assert len(entries) == first + 1
    assert Counter(item["title"] for entry in entries for item in items(entry)) == Counter(names)
    for entry in entries:
        ranks = [rank(item["severity"]) for item in items(entry)]
        assert ranks == sorted(ranks, reverse=True)
    letters = " ".join(entry.body for entry in heard(sink, "ops@example.com"))
    assert [name for name in names if name not in letters] == []
    assert len(heard(sink, "ops@example.com")) == len(entries)
    assert not Notification.objects.filter(state="waiting").exists()


@pytest.mark.slow
def test_a_storm_that_lasts_is_one_message_a_minute_after_the_first_ones(ours, hook, sink):
    names = [f"storm-{number}" for number in range(600)]
    sent = []
    for second, name in enumerate(names):
        opened(ours, [hook], second, [name], "critical")
        before = len(heard(sink, "/hook"))
        deliver(ours, second)
        sent += [second] * (len(heard(sink, "/hook")) - before)
    assert sent[:12] == list(range(12))  # the first ones at once
    assert all(later - earlier >= 60 for earlier, later in pairwise(sent[11:]))
    assert sent[-1] >= 600 - 60  # nobody waits longer than a minute
    deliver(ours, 660)
    assert {item["title"] for entry in heard(sink, "/hook") for item in items(entry)} == set(names)


def test_of_many_readers_those_of_the_worst_alerts_are_told_first(ours, sink):
    addresses = [f"{number}@example.com" for number in range(40)]
    channel = Channel.objects.create(organization=ours, name="Mail", kind="email", targets=addresses)
    for number, address in enumerate(addresses):
        opened(ours, [Target(channel, address)], 0, [address], "warning" if number < 20 else "critical")
    deliver(ours, 0)
    told = [addresses.index(entry.target) for entry in sink.ledger.entries(accepted=True)]
    assert sorted(told) == list(range(40))
    overtaken = delivery.PER_CHANNEL - 1  # so many may still be under way when the first of the others is accepted
    assert set(told[: 20 - overtaken]) <= set(range(20, 40))


@pytest.fixture
def objective(ours: Organization, hook: Target) -> SLODefinition:
    """Fifteen of a hundred are bad, evenly, for two days before NOON and the day after: its target decides."""
    for severity in ("warning", "critical"):
        policy = EscalationPolicy.objects.create(organization=ours, name=severity, severity=severity)
        EscalationStep.objects.create(policy=policy, position=1, to_operations=True)
    for day in range(-2, 2):
        rows = [
            {
                "invoice_id": str(minute),
                "validated_at": at(minute),
                "structural_valid": minute % 20 not in (0, 6, 13),
                "math_valid": True,
            }
            for minute in range(day * DAY, day * DAY + DAY)
        ]
        store_rows(INVOICE, ours, rows, now=at(day * DAY + DAY))
    return SLODefinition.objects.create(
        organization=ours,
        name="Validation",
        sli_type="validation_pass_rate",
        target_percentage=CALM,
        target_value=CALM,
        target_unit="percent",
        measurement_periods=["daily"],
        alert_types_off=["error_budget_consumed", "error_budget_exhausted"],
    )


def lived(objective: SLODefinition, sink: Sink, minutes: int, target: Target_) -> dict[int, list[str]]:
    """The reasons told in each minute."""
    told: dict[int, list[str]] = {}
    for minute in range(minutes):
        SLODefinition.objects.filter(pk=objective.pk).update(target_percentage=target(minute))
        tick(objective.organization, now=at(minute), then=evaluate)
        before = len(heard(sink, "/hook"))
        deliver(objective.organization, minute * 60)
        if entries := heard(sink, "/hook")[before:]:
            told[minute] = [item["reason"] for entry in entries for item in items(entry)]
    return told


def most_in_an_hour(told: dict[int, list[str]]) -> int:
    """Without the note that it flaps."""
    others = [minute for minute, reasons in told.items() if reasons != ["reopened"]]
    return max(sum(start <= minute < start + 60 for minute in others) for start in range(DAY))


@pytest.mark.slow
def test_a_condition_that_flips_at_each_tick_is_told_once_and_what_is_worse_at_once(objective, sink):
    told = lived(objective, sink, 100, lambda minute: WORSE if minute == 80 else (CALM, BURNING)[minute % 2])
    assert told == {1: ["opened"], 80: ["worsened"]}


@pytest.mark.slow
def test_a_condition_that_comes_and_goes_is_noted_once_and_told_no_more_until_it_is_worse(objective, sink):
    def target(minute: int) -> int:
        return WORSE if minute == 110 else BURNING if minute % 32 == 0 else CALM

    told = lived(objective, sink, 130, target)
    assert told == {0: ["opened"], 31: ["resolved"], 32: ["reopened"], 110: ["worsened"]}


@pytest.mark.slow
@pytest.mark.parametrize("cycle", [2, 32, 45, 89])
def test_a_day_of_flapping_is_at_most_two_messages_an_hour_and_a_note(objective, sink, cycle):
    told = lived(objective, sink, DAY, lambda minute: CALM if minute % cycle else BURNING)
    assert told[0] == ["opened"]
    assert most_in_an_hour(told) <= 2
    assert sum(reasons == ["reopened"] for reasons in told.values()) == (0 if cycle == 2 else 1)
