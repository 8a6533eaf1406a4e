"""One alert on its page: why it fired, what became of it, and what people do with it, with and without scripts."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest
import time_machine
from django.test import Client

from accounts.models import Organization, User
from alerts import incidents, lifecycle
from alerts.lifecycle import By
from alerts.models import Mail, Message, SLOAlert
from tests.alerts.alerting import a_channel, a_member, an_alert, recover, tell, worsen
from tests.facts import firm

NOW = datetime(2026, 11, 10, 12, 2, 30, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def organization(clock) -> Organization:
    organization = firm("default", time_zone="Europe/Berlin")
    organization.refresh_from_db()
    return organization


@pytest.fixture
def dana(organization: Organization) -> User:
    return a_member(organization, "dana")


@pytest.fixture
def web(dana: User, client: Client) -> Client:
    client.force_login(dana)
    return client


@pytest.fixture
def alert(organization: Organization) -> SLOAlert:
    return an_alert(organization, now=NOW - timedelta(minutes=5), title="7 late <b>")


def page(web: Client, alert: SLOAlert) -> str:
    answer = web.get(f"/alerts/{alert.pk}/")
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(
    ("fields", "start", "end"),
    [
        ({}, "2026-11-09T11:55:00Z", "2026-11-10T11:57:30.000001Z"),
        ({"alert_type": "error_budget_exhausted"}, "2026-10-11T11:55:00Z", "2026-11-10T11:57:30.000001Z"),
    ],
)
def test_it_leads_to_the_rows_that_its_condition_looked_at(web, organization, fields, start, end):
    alert = an_alert(organization, now=NOW - timedelta(minutes=5), **fields)
    link = re.search(r'href="(/invoices/[^"]+)">Invoices behind this alert', page(web, alert))
    assert link
    address = urlsplit(unescape(link[1]))
    assert dict(parse_qsl(address.query)) == {"slo": str(alert.slo_id), "outcome": "bad", "start": start, "end": end}
    assert web.get(unescape(link[1])).status_code == 200
    feed = an_alert(organization, None, now=NOW)
    assert "behind this alert" not in page(web, feed)


def post(web: Client, alert: SLOAlert, act: str, *, htmx: bool = True, **fields: str):
    headers = {"HX-Request": "true"} if htmx else {}
    return web.post(f"/alerts/{alert.pk}/", {"act": act, **fields}, headers=headers)


def plain(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_it_says_why_it_fired_and_what_happened_since(web, organization, alert, dana):
    worsen(alert, now=NOW - timedelta(minutes=3))
    lifecycle.acknowledge(alert, by=By(dana, "api"), now=NOW, note="Looking\ninto it")
    tell(alert, a_channel(organization), now=NOW, state=Message.State.FAILED, error="refused: 550", attempt=4)
    text = page(web, alert)
    assert "<b>" not in text
    said = plain(text)
    assert "Burn rate 2.4 against a threshold of 1.5" in said
    assert "Look-back 1 d" in said
    assert "Bad events 7 of 20" in said
    assert "95 % within 5 minutes" in said
    assert "Acknowledged by dana API · 10 Nov 2026, 13:02:30 (12:02:30 UTC)" in said
    assert "warning became critical" in said
    assert "Looking into it" in said
    assert "Failed for good refused: 550 4" in said
    assert said.index("Acknowledged by dana API") < said.index("Worsened") < said.index("Opened")


def test_earlier_ones_tell_what_helped(web, organization, dana):
    old = an_alert(organization, now=NOW - timedelta(days=2), title="An old one")
    lifecycle.resolve(old, by=By(dana, "web"), now=NOW - timedelta(days=1), note="Restarted OCR")
    said = plain(page(web, an_alert(organization, now=NOW)))
    assert "An old one 8 Nov 2026, resolved after 1 d by dana: “Restarted OCR”" in said


def test_the_runbook_is_shown_and_holds_no_script(web, organization, alert):
    organization.slos.filter(pk=alert.slo_id).update(
        runbook="# Scanner\n\n<script>alert(1)</script>\n\n[ask](javascript:alert(2)) [them](https://example.com)"
    )
    text = page(web, alert)
    assert ">Scanner</h3>" in text
    assert "<script>alert" not in text
    assert 'href="javascript' not in text
    assert 'href="https://example.com"' in text


# --- acts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("view", "whole"), [("row", False), ("brief", False), ("", True)])
def test_what_takes_the_place_of_the_form_is_the_row_or_the_whole_alert(web, alert, view, whole):
    answer = post(web, alert, "acknowledge", note="On it", version="1", view=view)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert ("Timeline" in text, f'id="alert-{alert.pk}"' in text) == (whole, not whole)
    assert "Acknowledged by you" in text
    assert "Undo" in text
    assert "<html" not in text


def test_every_act_can_be_done_from_the_page(web, organization, alert, dana):
    omar = a_member(organization, "omar")
    fields = {"snooze": {"for": "4"}, "assign": {"to": "omar"}, "note": {"note": "Aha"}}
    for act in ("acknowledge", "unacknowledge", "assign", "snooze", "unsnooze", "note", "resolve", "reopen"):
        assert post(web, alert, act, **fields.get(act, {})).status_code == 200, act
    alert.refresh_from_db()
    assert (alert.state, alert.assigned_to) == ("open", omar)
    kinds = list(alert.events.filter(actor=dana, channel="web").values_list("kind", flat=True))
    assert kinds == [
        *("acknowledged", "unacknowledged", "assigned", "snoozed", "unsnoozed", "noted", "resolved", "reopened")
    ]


@pytest.mark.parametrize(
    ("given", "until"), [("1", "2026-11-10T13:02:30"), ("tomorrow", "2026-11-11T08:00:00"), ("better", None)]
)
def test_a_snooze_ends_in_hours_tomorrow_morning_or_when_it_is_better(web, alert, given, until):
    assert post(web, alert, "snooze", **{"for": given}).status_code == 200
    alert.refresh_from_db()
    assert alert.snoozed_until_better is (until is None)
    assert (alert.snoozed_until and alert.snoozed_until.isoformat()[:19]) == until


def test_who_comes_second_is_told_so_and_may_leave_the_note(web, organization, alert):
    lifecycle.acknowledge(alert, by=By(a_member(organization, "omar"), "web"), now=NOW)
    for view in ("row", ""):
        answer = post(web, alert, "acknowledge", note="Me too", version="1", view=view)
        text = answer.content.decode()
        assert answer.status_code == 409
        assert "omar acknowledged this first, at 2026-11-10 13:02. Nothing was changed." in text
        assert "Add it as a note" in text
        assert 'role="alert"' in text


def test_what_got_worse_or_was_resolved_meanwhile_is_said(web, alert):
    worsen(alert, now=NOW)
    assert "it is critical and open now" in post(web, alert, "acknowledge", version="1").content.decode()
    recover(alert, now=NOW)
    answer = post(web, alert, "acknowledge", version="3")
    assert answer.status_code == 409
    assert "because it was over" in answer.content.decode()


def test_without_scripts_an_act_leads_back_and_a_conflict_keeps_what_was_typed(web, organization, alert):
    answer = post(web, alert, "acknowledge", htmx=False, note="On it", next="/alerts/?tab=open")
    assert (answer.status_code, answer["Location"]) == (302, "/alerts/?tab=open")
    assert "Acknowledged." in web.get("/alerts/").content.decode()
    other = an_alert(organization, "approval_latency", now=NOW)
    lifecycle.acknowledge(other, by=By(a_member(organization, "omar"), "web"), now=NOW)
    answer = post(web, other, "acknowledge", htmx=False, note="Typed <text>", next="/alerts/")
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "<html" in text
    assert "omar acknowledged this first" in text
    assert ">Typed &lt;text&gt;</textarea>" in text


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"act": "explode"}, "Choose what to do"),
        ({"act": ""}, "Choose what to do"),
        ({"act": "note", "note": "  "}, "Write something"),
        ({"act": "acknowledge", "note": "x" * 2001}, "2,000 characters"),
        ({"act": "acknowledge", "note": "a\0b"}, "2,000 characters"),
        ({"act": "snooze", "for": "9" * 400}, "Name a time"),
        ({"act": "assign", "to": "nobody"}, "member of the organisation"),
        ({"act": "assign", "to": "a\0"}, "member of the organisation"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(web, alert, fields, says):
    answer = post(web, alert, fields.pop("act"), **fields)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert alert.events.count() == 1


def test_a_viewer_reads_and_a_stranger_does_not(organization, alert, client):
    client.force_login(a_member(organization, "vera", "viewer"))
    assert "<button name=" not in page(client, alert)
    answer = post(client, alert, "acknowledge")
    assert answer.status_code == 403
    assert "Your role reads" in answer.content.decode()
    client.force_login(a_member(firm("other"), "oscar"))
    for answer in (client.get(f"/alerts/{alert.pk}/"), post(client, alert, "acknowledge")):
        assert answer.status_code == 404
        assert "7 late" not in answer.content.decode()
    client.logout()
    assert client.get(f"/alerts/{alert.pk}/")["Location"].startswith("/login/")
    assert post(client, alert, "acknowledge").status_code == 401
    assert alert.events.count() == 1


def test_a_form_without_its_token_is_refused(organization, alert):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(a_member(organization, "dana2"))
    assert post(strict, alert, "acknowledge").status_code == 403
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w{64})"', page(strict, alert))[1]
    assert post(strict, alert, "acknowledge", csrfmiddlewaretoken=token).status_code == 200


# --- incident --------------------------------------------------------------------------------------------


def test_the_checklist_of_an_incident_is_worked_off(web, organization, alert, dana):
    organization.slos.filter(pk=alert.slo_id).update(runbook="- [ ] Look\n- [ ] Restart")
    alert.refresh_from_db()
    incident = incidents.open_for(alert, now=NOW)
    said = plain(page(web, alert))
    assert "Nobody has it" in said
    assert post(web, alert, "take").status_code == 200
    assert post(web, alert, "check", item="2").status_code == 200
    said = plain(page(web, alert))
    assert "dana has it" in said
    assert "Restart done by dana, 10 Nov, 13:02" in said
    assert post(web, alert, "uncheck", item="2").status_code == 200
    assert post(web, alert, "close").status_code == 200
    incident.refresh_from_db()
    assert (incident.owner, incident.closed_at) == (dana, NOW)
    for item in ("7", "x", ""):
        assert "nothing was changed" not in post(web, alert, "check", item=item).content.decode().lower()


# --- polls, mailbox --------------------------------------------------------------------------------------


def test_a_poll_is_answered_304_until_something_happens(web, alert, dana):
    tag = re.search(r'hx-ptag="(\w+)"', page(web, alert))[1]
    path, headers = f"/part/alerts/{alert.pk}", {"HX-Request": "true", "HX-PTag": tag}
    assert web.get(path, headers=headers).status_code == 304
    lifecycle.note(alert, by=By(dana, "web"), now=NOW, text="Seen")
    answer = web.get(path, headers=headers)
    assert answer.status_code == 200
    assert "Seen" in answer.content.decode()


def test_the_page_takes_few_queries(web, organization, alert, django_assert_num_queries):
    for _ in range(20):
        tell(alert, a_channel(organization, f"c{Message.objects.count()}"), now=NOW)
    with django_assert_num_queries(11):
        page(web, alert)


def test_the_local_mailbox_is_for_admins_and_warns(organization, web, client, settings):
    Mail.objects.create(key="1", organization=organization, target="ops@example.com", subject="7 late", text="<b>")
    Mail.objects.create(key="2", organization=firm("other"), target="x@example.com", subject="Secret", text="")
    Mail.objects.create(key="3", organization=None, target="x@example.com", subject="An invitation", text="")
    assert web.get("/mailbox/").status_code == 404
    client.force_login(a_member(organization, "ada", "admin"))
    text = client.get("/mailbox/").content.decode()
    assert "7 late" in text
    assert "&lt;b&gt;" in text
    assert "Secret" not in text
    assert "An invitation" not in text
    assert "nobody gets this mail" in text
    settings.SMTP_URL = "smtp://mail.example.com"
    assert "nobody gets this mail" not in client.get("/mailbox/").content.decode()
