"""Mail as it arrives, and the mailbox that takes its place where there is no server."""

import email
import email.policy
import re
from base64 import b64encode
from email.message import EmailMessage

import pytest
from django.core import mail as django_mail
from django.core.mail import send_mail
from django.template import TemplateDoesNotExist

from alerts import transports
from alerts.models import Mail
from alerts.transports import DeliveryError, mail
from tests.alerts.messages import NOW, URL, item, outgoing, send
from tests.facts import firm

EVIL = "\"'><script>alert(1)</script>{{ 7|add:7 }}\r\nBcc: x@evil.example"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9


def received(sink) -> EmailMessage:
    return email.message_from_string(sink.ledger.entries()[-1].body, policy=email.policy.default)  # type: ignore[return-value]


def part(message, kind):
    return message.get_body([kind]).get_content()


def test_a_mail_has_text_and_html_and_says_that_it_is_automatic(sink):
    send("email", sink, outgoing(item(title="Größe: 5 €", slo_url=f"{URL}objective")))
    message = received(sink)
    assert message["Subject"] == "[critical] Größe: 5 €"
    assert message["To"] == "ops@example.com"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-SLO-Portal-Key"] == "message-1"
    assert f"See: {URL}" in part(message, "plain")
    assert f'href="{URL}"' in part(message, "html")
    assert f'href="{URL}objective"' in part(message, "html")


def test_mails_about_one_alert_are_one_thread(sink):
    for message in (outgoing(), outgoing(item(reason="resolved"), key="message-2")):
        send("email", sink, message)
    first, second = (entry.headers for entry in sink.ledger.entries())
    assert first["Message-ID"] != second["Message-ID"]
    assert first["References"] == second["References"] == second["In-Reply-To"]
    send("email", sink, outgoing(item(alert_id="other"), key="message-3"))
    assert sink.ledger.entries()[-1].headers["References"] != first["References"]


def test_nothing_in_a_name_adds_a_header_or_a_recipient(sink):
    send("email", sink, outgoing(item(title=EVIL, slo_name=EVIL, message=EVIL), organization=EVIL))
    message = received(sink)
    assert message["Bcc"] is None
    assert "Bcc: x@evil.example" in message["Subject"]
    assert [entry.target for entry in sink.ledger.entries()] == ["ops@example.com"]


@pytest.mark.parametrize(
    "target", ["a@b.example\r\nBcc: x@evil.example", "a@b.example>, <x@evil.example", "a b@c.example"]
)
def test_an_address_that_is_none_is_refused_for_good(sink, target):
    with pytest.raises(DeliveryError) as caught:
        transports.send("email", {}, target, outgoing(), now=NOW)
    assert caught.value.permanent
    assert sink.ledger.entries() == []


def test_nothing_in_a_name_is_code_in_html(sink):
    send("email", sink, outgoing(item(title=EVIL, slo_name=EVIL, message=EVIL), organization=EVIL))
    html = part(received(sink), "html")
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "{{ 7|add:7 }}" in html


@pytest.mark.parametrize("count", [2, 25, 26, 300])
def test_html_names_and_links_every_alert_of_a_bundle(count):
    items = [item(title=f"Objective {n:04} is late", url=f"{URL}{n:04}/") for n in range(count)]
    [(html, _)] = mail.build("a@b.example", outgoing(*items)).alternatives
    assert set(re.findall(r"Objective (\d{4}) is", html)) == {f"{n:04}" for n in range(count)}
    assert set(re.findall(rf'href="{URL}(\d{{4}})/"', html)) == {f"{n:04}" for n in range(count)}


def test_html_loads_nothing():
    [(html, _)] = mail.build("a@b.example", outgoing()).alternatives
    assert re.findall(r"href=", html)
    assert not re.search(r"\bsrc=|url\(|@import|<link|<script", html)


def test_pictures_stand_beside_the_html_that_names_them(sink):
    chart = f'<p>Größe</p><img src="data:image/png;base64,{b64encode(PNG).decode()}" alt="All of it is left.">'
    send("email", sink, outgoing(item(reason="report", html=f"{chart} {chart}")))
    message = received(sink)
    related = message.get_body(["related"])
    html, picture = related.iter_parts()
    [cid] = set(re.findall(r'src="cid:([^"]+)"', html.get_content()))
    assert (picture["Content-ID"], picture.get_content_type(), picture.get_content()) == (f"<{cid}>", "image/png", PNG)
    assert picture.get_content_disposition() == "inline"
    assert "Größe" in html.get_content()
    assert "data:" not in html.get_content()
    assert "37 invoices were late" in part(message, "plain")
    assert [one.get_content_type() for one in message.iter_parts()] == ["text/plain", "multipart/related"]
    assert message["Subject"] == "[report] 37 invoices were late since 09:40"
    send("email", sink)
    assert "related" not in str(received(sink)["Content-Type"])


def test_a_line_that_begins_with_a_dot_arrives(sink):
    send("email", sink, outgoing(item(message="before\n.\n..two\nafter")))
    assert "before\n.\n..two\nafter" in part(received(sink), "plain").replace("\r\n", "\n")
    assert sink.ledger.entries()[-1].accepted


def test_a_broken_template_costs_the_layout_only(sink, settings, tmp_path, caplog):
    (tmp_path / "alerts" / "mail").mkdir(parents=True)
    (tmp_path / "alerts" / "mail" / "alerts.html").write_text("{% broken %}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    send("email", sink)
    message = received(sink)
    assert message.get_body(["html"]) is None
    assert "37 invoices were late" in part(message, "plain")
    assert "plain text" in caplog.text
    assert TemplateDoesNotExist.__name__ not in caplog.text


def test_user_and_password_are_given_to_the_server(sink, settings):
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "user", "hush-hush"
    assert send("email", sink).status.startswith("250")
    sink.smtp.script.play("*", "auth 535 5.7.8 no")
    with pytest.raises(DeliveryError, match="SMTP_URL") as caught:
        send("email", sink)
    assert not caught.value.permanent
    assert "hush" not in str(caught.value)


def test_one_bad_recipient_of_five_holds_up_nobody(sink):
    sink.smtp.script.always("nobody@example.com", "rcpt 550 5.1.1 no such user")
    told = []
    for name in ("a", "b", "nobody", "c", "d"):
        try:
            transports.send("email", {}, f"{name}@example.com", outgoing(key=name), now=NOW)
            told.append(name)
        except DeliveryError:
            assert name == "nobody"
    assert told == ["a", "b", "c", "d"]
    assert [entry.key for entry in sink.ledger.entries(accepted=True)] == told


@pytest.fixture
def mailbox(settings, db):
    settings.EMAIL_BACKEND = "alerts.mailbox.MailboxBackend"
    return firm()


def test_without_a_server_mail_is_kept_once(mailbox):
    message = outgoing(organization_slug=mailbox.slug)
    for _ in range(2):
        assert transports.send("email", {}, "ops@example.com", message, now=NOW).status == "stored"
    transports.send("email", {}, "other@example.com", message, now=NOW)
    assert set(Mail.objects.values_list("target", "organization")) == {
        ("ops@example.com", mailbox.pk), ("other@example.com", mailbox.pk)
    }  # fmt: skip
    assert Mail.objects.count() == 2
    kept = Mail.objects.first()
    assert kept.subject.startswith("[critical] 37")
    assert "37 invoices" in kept.text
    assert "<h1" in kept.html


def test_other_mail_of_the_portal_is_kept_too(mailbox):
    for _ in range(2):
        send_mail("Reset", "Follow the link", None, ["a@example.com"])
    assert list(Mail.objects.values_list("subject", "organization")) == [("Reset", None)] * 2
    assert not hasattr(django_mail, "outbox") or django_mail.outbox == []
