"""What people do with a channel besides editing it: try it, switch it on again, have a message tried again."""

from collections.abc import Mapping
from datetime import datetime

from django.conf import settings

from alerts import secrets, transports
from alerts.attempts import config_of
from alerts.models import Channel, Message
from alerts.transports import DeliveryError, Item, Outgoing

SWITCHES = {"email": "ALERT_EMAIL_ENABLED", "slack": "ALERT_SLACK_ENABLED", "sms": "ALERT_SMS_ENABLED"}
State = Message.State


def wrong(channel: Channel, given: Mapping[str, str], kept: Mapping[str, str]) -> dict[str, list[str]]:
    """What makes no sense in a channel with a config of what is `given` and what is `kept`: field -> messages.

    The fields are `targets` and those of the config; an entry that says what its kind has no use for is wrong, too.
    """
    found = {"targets": _wrong_targets(channel)}
    for name in given.keys() - set(transports.FIELDS[channel.kind]):
        found[name] = ["A channel of this kind has none: leave it empty."]
    for name, text in transports.wrong(channel.kind, config(channel, given, kept)).items():
        found[name] = [text]
    return {name: texts for name, texts in found.items() if texts}


def config(channel: Channel, given: Mapping[str, str], kept: Mapping[str, str]) -> dict[str, str]:
    """What a channel is sealed with: of its kind only."""
    known = {**kept, **given}
    return {name: known[name] for name in transports.FIELDS[channel.kind] if name in known}


def _wrong_targets(channel: Channel) -> list[str]:
    if channel.kind not in transports.TARGETS:
        return ["A channel of this kind has no targets, but an address below."] if channel.targets else []
    wrong = [text for target in channel.targets if (text := transports.wrong_target(channel.kind, target))]
    if not channel.targets and channel.for_operations:
        return ["Name somebody: the operations team is told through this channel."]
    return wrong


def test(channel: Channel, target: str, *, by: str, now: datetime) -> tuple[bool, str]:
    """Send a test message at once, in ten seconds at most; whether it was taken, and what to say of it."""
    switch = SWITCHES.get(channel.kind)
    if switch and not getattr(settings, switch):
        return False, f"{switch} is off: nothing is sent through channels of this kind. Switch it on and restart."
    where = target or channel.get_kind_display()
    try:
        receipt = transports.send(channel.kind, config_of(channel), target, _message(channel, by, now), now=now)
    except (DeliveryError, secrets.Unreadable) as error:
        return False, f"Not sent to {where}: {error}"
    took = f"{receipt.seconds:.1f} s"
    if channel.kind == Channel.Kind.EMAIL and not settings.SMTP_URL:
        return True, f"No SMTP server is set: the mail to {where} is in the local mailbox."
    return True, f"Sent to {where} in {took}; the answer was {receipt.status or 'empty'}."


def _message(channel: Channel, by: str, now: datetime) -> Outgoing:
    organization = channel.organization
    item = Item(
        alert_id="",
        reason="test",
        severity="info",
        title=f"Test of the channel {channel.name}",
        message=f"{by} wanted to know whether messages arrive here. They do.",
        url=f"{settings.SITE_URL}/alerts/",
        slo_name="",
        opened_at=now,
    )
    key = f"test-{channel.pk}-{now.timestamp():.0f}"
    return Outgoing(key, organization.name, (item,), now, organization.time_zone, organization_slug=organization.slug)


def switch_on(channel: Channel) -> None:
    """After a permanent failure: forget what was refused, and begin anew."""
    Channel.objects.filter(pk=channel.pk).update(
        off_at=None, off_reason="", refused=[], failures=0, failing_since=None, paused_until=None
    )
    channel.refresh_from_db()


def try_again(message: Message, *, now: datetime) -> bool:
    """At once, whatever came of it before; false for one that has arrived or is being sent."""
    stuck = Message.objects.filter(pk=message.pk, state__in=[State.WAITING, State.FAILED, State.UNKNOWN])
    return bool(stuck.update(state=State.WAITING, next_attempt_at=now))
