"""Channels in the administration: what may be entered, what is never shown again, and the button that tries them."""

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from alerts import secrets
from alerts.models import Channel, Mail
from tests.admin_world import World, address, errors, text
from tests.alerts.alerting import a_channel

SECRET = "hooks-T0-B0-swordfish"
HOOK = f"https://hooks.slack.com/services/{SECRET}"
pytestmark = pytest.mark.django_db


def add(house: World, **fields: object):
    sent = {"organization": house.ours.pk, "name": "Chat", "kind": "slack", "is_active": "on", **fields}
    return house.client("editor").post(address(Channel, "add"), sent)


def change(house: World, channel: Channel, **fields: object):
    return house.client("editor").post(address(Channel, "change", channel.pk), {"name": channel.name, **fields})


def test_a_secret_goes_in_and_never_comes_out(house):
    assert add(house, address=HOOK).status_code == 302
    channel = Channel.objects.get(name="Chat")
    assert secrets.reveal(channel.secret) == {"url": HOOK}
    assert SECRET not in channel.secret
    for who in ("admin", "editor", "viewer"):
        client = house.client(who)
        for page in (address(Channel, "changelist"), address(Channel, "change", channel.pk)):
            assert SECRET not in text(client.get(page))
    assert "Set. Leave it empty to keep it." in text(house.client("editor").get(address(Channel, "change", channel.pk)))
    kept = str(list(AuditEntry.objects.values_list("changes", "object_label", "note")))
    assert "Chat" in kept
    assert SECRET not in kept


def test_an_empty_field_keeps_the_secret_and_a_new_one_replaces_it(house):
    add(house, address=HOOK)
    channel = Channel.objects.get(name="Chat")
    assert change(house, channel, name="Talk", is_active="on").status_code == 302
    channel.refresh_from_db()
    assert (channel.name, secrets.reveal(channel.secret)) == ("Talk", {"url": HOOK})
    assert change(house, channel, address=f"{HOOK}2").status_code == 302
    channel.refresh_from_db()
    assert secrets.reveal(channel.secret) == {"url": f"{HOOK}2"}


def test_a_secret_that_cannot_be_read_any_more_is_asked_for_anew(house, settings):
    add(house, address=HOOK)
    channel = Channel.objects.get(name="Chat")
    settings.SECRET_KEY = "another-key-0123456789-0123456789-0123456789"
    client = house.client("editor")
    assert "Not set." in text(client.get(address(Channel, "change", channel.pk)))
    assert "address" in errors(change(house, channel))
    assert change(house, channel, address=HOOK).status_code == 302


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "slack"}, "address"),
        ({"kind": "slack", "address": "not an address"}, "address"),
        ({"kind": "webhook", "address": "http://127.0.0.1/x"}, "address"),
        ({"kind": "webhook", "address": "https://example.com/x", "signing_secret": "short"}, "signing_secret"),
        ({"kind": "slack", "address": HOOK, "signing_secret": "x" * 20}, "signing_secret"),
        ({"kind": "slack", "address": HOOK, "targets": "a@example.com"}, "targets"),
        ({"kind": "email", "targets": "nobody"}, "targets"),
        ({"kind": "email", "targets": "", "for_operations": "on"}, "targets"),
        ({"kind": "email", "targets": "a@example.com", "address": HOOK}, "address"),
        ({"kind": "sms", "targets": "0151 123"}, "targets"),
        ({"kind": "pigeon"}, "kind"),
        ({"kind": "slack", "address": HOOK, "name": "Operations"}, "__all__"),
    ],
)
def test_what_cannot_work_is_refused_with_the_field_named(house, fields, field):
    assert field in errors(add(house, **fields))
    assert house.ours.channels.count() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "email", "targets": "a@example.com, b@example.com"},
        {"kind": "sms", "targets": "+4915112345678"},
        {"kind": "webhook", "address": "https://example.com/x", "signing_secret": "x" * 16},
        {"kind": "webhook", "address": "https://example.com/x"},
    ],
)
def test_what_can_work_is_taken(house, fields):
    answer = add(house, **fields)
    assert answer.status_code == 302, errors(answer)


def test_a_channel_that_failed_for_good_is_switched_on_again(house):
    off = {"off_at": timezone.now(), "off_reason": "404", "refused": ["a@example.com"], "failures": 3}
    first, second = a_channel(house.ours, "First", **off), a_channel(house.ours, "Second", **off)
    assert "switched off after a failure: 404" in text(house.client("viewer").get(address(Channel, "changelist")))
    sent = {"action": "switch_on", "_selected_action": [first.pk]}
    house.client("viewer").post(address(Channel, "changelist"), sent)
    assert not Channel.objects.get(pk=first.pk).works
    house.client("editor").post(address(Channel, "changelist"), sent)
    assert change(house, second, targets="new@example.com", is_active="on").status_code == 302
    for channel in (first, second):
        channel.refresh_from_db()
        assert (channel.works, channel.refused, channel.failures) == (True, [], 0)


# --- the button ------------------------------------------------------------------------------------------


def send_a_test(house: World, channel: Channel, who: str = "editor", **fields: str) -> str:
    path = f"{address(Channel, 'change', channel.pk).removesuffix('change/')}test/"
    return text(house.client(who).post(path, fields, follow=True))


def test_a_test_is_sent_at_once_and_what_came_back_is_shown(house, sink):
    channel = a_channel(house.ours, "Mail")
    page = send_a_test(house, channel, target="ops@example.com")
    assert "Sent to ops@example.com in" in page or "in the local mailbox" in page
    (entry,) = sink.ledger.entries()
    assert "Test of the channel Mail" in str(entry)
    sink.smtp.script.play("*", "rcpt 550 5.1.1 no such user")
    assert "550" in send_a_test(house, channel, target="ops@example.com")


def test_a_test_of_a_webhook_tells_the_answer(house, sink, settings):
    secret = secrets.seal({"url": sink.http.url("/hook")})
    channel = a_channel(house.ours, "Hook", kind="webhook", targets=[], secret=secret)
    assert "the answer was 200" in send_a_test(house, channel)
    sink.http.script.play("/hook", "404 gone")
    page = send_a_test(house, channel)
    assert "Not sent to Webhook" in page
    assert "404" in page
    channel.refresh_from_db()
    assert channel.works  # a test changes nothing


def test_without_a_mail_server_the_test_is_in_the_local_mailbox(house, settings):
    settings.EMAIL_BACKEND, settings.SMTP_URL = "alerts.mailbox.MailboxBackend", ""
    channel = a_channel(house.ours, "Mail")
    assert "local mailbox" in send_a_test(house, channel, target="ops@example.com")
    assert Mail.objects.filter(organization=house.ours, subject__contains="Test of the channel Mail").exists()


def test_a_kind_that_is_switched_off_says_so(house, settings):
    settings.ALERT_SLACK_ENABLED = False
    channel = a_channel(house.ours, "Chat", kind="slack", targets=[], secret=secrets.seal({"url": HOOK}))
    assert "ALERT_SLACK_ENABLED is off" in send_a_test(house, channel)


def test_a_test_goes_only_to_targets_of_the_channel_and_by_whoever_may_change_it(house, sink):
    channel = a_channel(house.ours, "Mail")
    assert "Name a target of this channel" in send_a_test(house, channel, target="victim@example.com")
    path = f"{address(Channel, 'change', channel.pk).removesuffix('change/')}test/"
    assert house.client("operator").post(path, {"target": "ops@example.com"}).status_code == 403
    assert house.client("editor").get(path).status_code == 405
    theirs = path.replace(str(channel.pk), str(house.theirs.channels.get().pk))
    assert house.client("editor").post(theirs, {}).status_code == 404
    assert sink.ledger.entries() == []
