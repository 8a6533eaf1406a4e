"""What people read: subject and text of a mail, SMS, Slack. Nothing is dropped, and nothing in a name is a command."""

import re

import pytest

from alerts.transports import slack, texts
from tests.alerts.messages import NOW, URL, item, outgoing

EVIL = "<!channel> <http://evil.example|ok> & <@U1>\r\nBcc: x@evil.example"


def test_a_subject_says_how_bad_and_what():
    assert texts.subject(outgoing()) == "[critical] 37 invoices were late since 09:40"
    assert texts.subject(outgoing(item(reason="worsened"))).startswith("[critical] Worse than before: 37")
    assert texts.subject(outgoing(item(reason="resolved"))).startswith("[resolved] 37")
    assert texts.subject(outgoing(item(reason="test"))).startswith("[test] 37")


def test_the_subject_of_a_bundle_counts():
    message = outgoing(item(severity="incident"), item(), item(severity="warning"), item(reason="resolved"))
    assert texts.subject(message) == "[incident] 4 alerts of Muster AG: 1 incident, 1 critical, 1 warning, 1 resolved"


@pytest.mark.parametrize("title", [EVIL, "a\x00b\u202ec\u2028d", "x" * 5000])
def test_a_subject_is_one_printable_line_of_bearable_length(title):
    subject = texts.subject(outgoing(item(title=title)))
    assert subject.isprintable()
    assert len(subject) <= texts.LONGEST_SUBJECT


def test_the_text_of_a_mail_says_all_with_the_local_time():
    text = texts.text(outgoing(item(acknowledge_url=f"{URL}acknowledge/")))
    for part in ("CRITICAL - New alert", "37 invoices", "62 % of the month's", f"See: {URL}", f"Acknowledge: {URL}ack"):
        assert part in text
    assert "Since 12:55 on Tuesday, 10 November 2026 (Europe/Berlin)" in text
    assert "All alerts: https://slo.example.com/alerts/" in text


def bundle(count):
    return outgoing(*(item(alert_id=str(number), title=f"Objective {number:04} is late") for number in range(count)))


@pytest.mark.parametrize("count", [2, 26, 5000])
def test_a_mail_names_every_alert_of_a_bundle(count):
    assert set(re.findall(r"Objective (\d{4}) ", texts.text(bundle(count)))) == {f"{n:04}" for n in range(count)}


@pytest.mark.parametrize("count", [1, 2, 20, 21, 500])
def test_slack_names_every_alert_of_a_bundle_within_its_limits(count):
    blocks = slack.blocks(bundle(count))
    said = "\n".join(block["text"]["text"] for block in blocks)
    assert set(re.findall(r"Objective (\d{4}) ", said)) == {f"{n:04}" for n in range(count)}
    assert len(blocks) <= slack.MOST_BLOCKS
    assert max(len(block["text"]["text"]) for block in blocks) <= slack.LONGEST_BLOCK


def test_what_slack_cannot_hold_is_counted_and_linked():
    blocks = slack.blocks(bundle(8000))
    named = sum(len(re.findall(r"Objective \d{4} ", block["text"]["text"])) for block in blocks)
    assert len(blocks) == slack.MOST_BLOCKS
    assert f"... and {8000 - named} more: <https://slo.example.com/alerts/|all alerts>" in blocks[-1]["text"]["text"]


def test_nothing_in_a_name_is_a_command_in_slack():
    message = outgoing(item(title=EVIL, message=EVIL, slo_name=EVIL), item(title=EVIL), organization=EVIL)
    payload = slack.payload(message)
    said = "\n".join([payload["text"], *(block["text"]["text"] for block in payload["blocks"])])
    assert "&lt;!channel&gt;" in said
    assert set(re.findall(r"<[^>]*>", said)) == {f"<{URL}|See the alert>"}
    assert not re.search(r"&(?!amp;|lt;|gt;)", said)


@pytest.mark.parametrize("length", range(90, 112))
def test_slack_never_cuts_an_escape(length):
    assert not re.search(r"&(?!amp;|lt;|gt;)", slack._cut("a" * 80 + "<&>" * 20, length))


def test_an_address_cannot_end_its_link_in_slack():
    assert slack.link("https://h/?a=1&b=<|>", "x|y>") == "<https://h/?a=1&amp;b=&lt;%7C&gt;|x|y&gt;>"


def test_an_sms_is_short_and_ends_with_link_and_reference():
    text = texts.sms(outgoing(item(short="37 invoices late since 09:40")))
    assert text == f"CRITICAL: 37 invoices late since 09:40 {URL} {texts.reference('message-1')}"


@pytest.mark.parametrize(
    "message", [outgoing(item(title="ü€" * 900)), outgoing(item(url="https://h/" + "x" * 400)), bundle(9)]
)
def test_an_sms_fits_into_two_parts(message):
    text = texts.sms(message)
    assert len(text) <= texts.LONGEST_SMS
    assert set(text) <= texts.GSM
    assert text.endswith(texts.reference("message-1"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Größe “x” \N{EN DASH} 5 €", 'Größe "x" - 5 EUR'),
        ("[ł] {Š}~", "(?) (S)-"),
        ("漢字 🙂", "?? ?"),
        ("e\u0301", "é"),
        ("a\nb", "a b"),
    ],
)
def test_an_sms_has_only_characters_that_every_telephone_shows(text, expected):
    assert texts.gsm(texts.one_line(text)) == expected


def test_a_moment_is_told_in_the_organisations_zone():
    assert texts.moment(NOW, outgoing()) == "13:00 on Tuesday, 10 November 2026 (Europe/Berlin)"
