"""The inbox: which alerts stand in which list, what a row says, and how it is polled."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from accounts.models import Organization, User
from alerts import lifecycle
from alerts.lifecycle import By
from alerts.models import Silence, SLOAlert
from slos.models import EngineState
from tests.alerts.alerting import a_member, an_alert, recover, worsen
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
    EngineState.objects.create(organization=organization, ticked_at=NOW)
    return organization


@pytest.fixture
def dana(organization: Organization) -> User:
    return a_member(organization, "dana")


@pytest.fixture
def web(dana: User, client: Client) -> Client:
    client.force_login(dana)
    return client


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def page(web: Client, query: str = "") -> str:
    answer = web.get(f"/alerts/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def listed(text: str) -> list[str]:
    return re.findall(r'<li id="alert-([0-9a-f-]{36})"', text)


def counts(text: str) -> list[int]:
    return [int(count) for count in re.findall(r'<span class="count">(\d+)', text)]


@pytest.fixture
def known(organization: Organization, dana: User) -> dict[str, SLOAlert]:
    """One for each list, and two open ones."""
    omar = a_member(organization, "omar")
    found = {
        "warning": an_alert(organization, now=ago(5), title="A warning"),
        "incident": an_alert(organization, None, now=ago(60), severity="incident", subject="a"),
        "taken": an_alert(organization, "approval_latency", now=ago(90)),
        "snoozed": an_alert(organization, "validation_pass_rate", now=ago(80)),
        "resolved": an_alert(organization, "duplicate_recall", now=ago(70)),
        "mine": an_alert(organization, None, now=ago(50), subject="b"),
    }
    lifecycle.acknowledge(found["taken"], by=By(omar, "web"), now=ago(40))
    lifecycle.snooze(found["snoozed"], by=By(omar, "web"), now=ago(40), until=NOW + timedelta(hours=1))
    lifecycle.assign(found["mine"], by=By(omar, "web"), now=ago(40), to=dana)
    recover(found["resolved"], now=ago(30))
    return {name: SLOAlert.objects.get(pk=alert.pk) for name, alert in found.items()}


@pytest.mark.parametrize(
    ("tab", "expected"),
    [
        ("", ["incident", "warning", "mine"]), ("?tab=open", ["incident", "warning", "mine"]),
        ("?tab=acknowledged", ["taken"]), ("?tab=snoozed", ["snoozed"]), ("?tab=resolved", ["resolved"]),
        ("?tab=mine", ["mine"]), ("?tab=%00", ["incident", "warning", "mine"]), ("?severity=incident", ["incident"]),
        ("?type=stale_feed", ["incident", "mine"]), ("?severity=critical", []),
    ],
)  # fmt: skip
def test_each_list_holds_its_alerts_the_worst_first(web, known, tab, expected):
    text = page(web, tab)
    assert listed(text) == [str(known[name].pk) for name in expected]
    assert counts(text) == [3, 1, 1, 1, 1]


def test_the_filter_by_objective_is_what_the_overview_links_to(web, known):
    assert listed(page(web, f"?slo={known['warning'].slo_id}")) == [str(known["warning"].pk)]


@pytest.mark.parametrize("query", ["?severity=loud", "?slo=7", "?slo=%00", "?type=x"])
def test_a_filter_that_is_not_known_is_left_out_and_said(web, known, query):
    text = page(web, query)
    assert "was left out" in text
    assert len(listed(text)) == 3


def test_a_snooze_that_is_over_is_open_again(web, known, clock):
    clock.shift(3601)
    assert str(known["snoozed"].pk) in listed(page(web))


def test_a_row_says_what_since_when_and_who_has_it(web, known):
    text = page(web)
    assert "▲</span> Warning" in text
    assert "A warning" in text
    assert "10 Nov, 12:57" in text  # in Berlin
    assert "nobody has it" in text
    assert "assigned to dana" in text
    assert "Acknowledged by omar" in page(web, "?tab=acknowledged")
    assert "its condition has gone" in page(web, "?tab=resolved")


def test_the_last_note_and_a_silence_stand_in_the_row(web, organization, dana):
    alert = an_alert(organization, now=ago(5))
    lifecycle.note(alert, by=By(dana, "web"), now=ago(4), text="first")
    lifecycle.note(alert, by=By(dana, "web"), now=ago(3), text="<b>second</b>")
    Silence.objects.create(
        organization=organization, reason="Supplier moves", owner=dana, start=ago(10), end=NOW + timedelta(hours=1)
    )
    text = page(web)
    assert "dana: “&lt;b&gt;second&lt;/b&gt;”" in text
    assert "first" not in text
    assert "silenced: Supplier moves" in text


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("?q=a+WARN", {"A warning"}),
        ("?q=duplicate&tab=resolved", {"resolved"}),
        ("?q=omar&tab=acknowledged", {"taken"}),
        ("?q=100%25", set()),
        ("?owner=nobody", {"A warning", "incident"}),
        ("?owner=me", {"mine"}),
        ("?owner=somebody", {"mine"}),
    ],
)
def test_alerts_are_searched_and_chosen_by_who_has_them(web, known, query, titles):
    found = listed(page(web, query))
    ids = {str(alert.pk): alert.title if name == "warning" else name for name, alert in known.items()}
    assert {ids[one] for one in found} == titles


def test_another_list_keeps_the_filter(web, known):
    assert 'href="?tab=resolved&amp;q=a%26b&amp;severity=critical"' in page(web, "?q=a%26b&severity=critical")


def test_who_may_only_read_gets_no_buttons(organization, known, client):
    client.force_login(a_member(organization, "vera", "viewer"))
    text = page(client)
    assert len(listed(text)) == 3
    assert "<button name=" not in text
    assert 'class="pick"' not in text


def test_an_empty_list_says_so(web):
    assert "nothing needs you" in page(web)
    assert "No alert is yours" in page(web, "?tab=mine")
    assert "matches the filter" in page(web, "?severity=info")


def test_nothing_of_another_organisation_is_listed(web, organization):
    an_alert(firm("other"), now=NOW, title="Secret")
    assert "Secret" not in page(web)
    assert counts(page(web)) == [0] * 5


def test_long_lists_are_leafed_through_without_gap_or_repetition(web, organization):
    made = {
        str(an_alert(organization, None, now=ago(n // 3), subject=str(n), severity=("warning", "critical")[n % 2]).pk)
        for n in range(120)
    }
    seen, query = [], ""
    for _ in range(3):
        text = page(web, query)
        seen += listed(text)
        older = re.search(r'href="(\?[^"]*)" rel="next"', text)
        query = older[1].replace("&amp;", "&") if older else ""
    assert not query
    assert len(seen) == 120
    assert set(seen) == made


@pytest.mark.parametrize("cursor", ["x", "9~99999999999999999~zz", "1~99999999999999999~" + "0" * 36, "%00"])
def test_a_cursor_that_is_none_breaks_nothing(web, known, cursor):
    page(web, f"?after={cursor}")


# --- polls -----------------------------------------------------------------------------------------------


def poll(web: Client, tag: str, query: str = ""):
    return web.get(f"/part/alerts{query}", headers={"HX-Request": "true", "HX-PTag": tag})


def tag_of(text: str) -> str:
    return re.search(r'hx-ptag="(\w+)"', text)[1]


def test_a_poll_is_answered_304_while_nothing_happens_however_time_passes(web, organization, known, clock):
    tag = tag_of(page(web))
    clock.shift(600)
    EngineState.objects.update(ticked_at=NOW + timedelta(minutes=10))
    answer = poll(web, tag)
    assert (answer.status_code, answer.content, answer["Open-Alerts"]) == (304, b"", "3")


def test_a_poll_brings_what_the_page_itself_would_show(web, known):
    tag = tag_of(page(web))
    worsen(known["warning"], now=NOW)
    answer = poll(web, tag)
    assert answer.status_code == 200
    assert "✖</span> Critical" in answer.content.decode()
    assert poll(web, answer["HX-PTag"]).status_code == 304


def test_a_poll_of_an_ended_session_says_so(web, known):
    web.logout()
    assert poll(web, "x").status_code == 401


def test_the_navigation_counts_what_nobody_has_taken_on(web, known):
    for address in ("/", "/alerts/", f"/alerts/{known['taken'].pk}/", "/nothing-here"):
        text = web.get(address).content.decode()
        assert '<span id="open-alerts" class="count some">3</span>' in text, address
        assert "<title>(3) " in text


@pytest.mark.parametrize("more", [0, 45])
def test_the_number_of_queries_does_not_grow(web, organization, known, more, django_assert_num_queries):
    for n in range(more):
        an_alert(organization, None, now=ago(n), subject=f"more {n}")
    with django_assert_num_queries(12):
        assert len(listed(page(web))) == 3 + more


# --- one act for several ---------------------------------------------------------------------------------


def several(web: Client, act: str, *alerts: SLOAlert, note: str = "") -> str:
    chosen = [f"{alert.pk}:{alert.version}" for alert in alerts]
    answer = web.post("/alerts/several", {"act": act, "alert": chosen, "note": note, "next": "/alerts/"}, follow=True)
    assert answer.redirect_chain[0][1] == 302
    return answer.content.decode()


def test_several_are_acknowledged_with_one_note_and_each_failure_is_named(web, known, dana):
    worsen(SLOAlert.objects.get(pk=known["incident"].pk), now=NOW, severity="incident", title="Even worse")
    text = several(web, "acknowledge", known["warning"], known["taken"], known["incident"], note="All mine")
    assert "1 of 3 alerts acknowledged." in text
    assert "omar acknowledged this first" in text
    assert "It has changed since you looked" in text
    event = known["warning"].events.get(kind="acknowledged")
    assert (event.actor, event.channel, event.note) == (dana, "web", "All mine")


def test_several_are_resolved(web, known):
    assert "2 of 2 alerts resolved." in several(web, "resolve", known["warning"], known["taken"])


def test_nothing_selected_does_nothing(web, known):
    assert "select alerts first" in several(web, "acknowledge")
    assert "select alerts first" in several(web, "reopen", known["warning"])


def test_what_is_sent_for_several_may_be_nonsense(web, organization, known):
    foreign = an_alert(firm("other"), now=NOW)
    answer = web.post("/alerts/several", {"act": "resolve", "alert": ["x", "", f"{foreign.pk}:1"], "next": "//evil"})
    assert (answer.status_code, answer["Location"]) == (302, "/alerts/")
    foreign.refresh_from_db()
    assert foreign.state == "open"


def test_viewers_cannot_act_on_several(organization, known, client):
    client.force_login(a_member(organization, "vera", "viewer"))
    assert "Your role reads" in several(client, "acknowledge", known["warning"])
    assert SLOAlert.objects.get(pk=known["warning"].pk).state == "open"
