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


@pytest.mark.parametrize("query", ["?severity=loud", "?slo=7", "?slo=%00", "?type=x", "?age=ripe"])
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


@pytest.mark.parametrize(
    ("age", "titles"),
    [("hour", {"new"}), ("day", {"new", "a day"}), ("over-day", {"old", "older"}), ("over-week", {"older"})],
)
def test_alerts_are_chosen_by_their_age(web, organization, age, titles):
    ages = {"new": 60, "a day": 24 * 60, "old": 24 * 60 + 1, "older": 7 * 24 * 60 + 1}
    for n, (title, minutes) in enumerate(ages.items()):
        an_alert(organization, None, now=ago(minutes), subject=str(n), title=title)
    assert set(re.findall(r'<a href="/alerts/[\w-]+/">([^<]+)</a>', page(web, f"?age={age}"))) == titles


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
    with django_assert_num_queries(10):
        assert len(listed(page(web))) == 3 + more


def shown_by(text: str) -> str:
    return "?shown=" + re.search(r'name="shown" value="([^"]*)"', text)[1]


def test_what_comes_while_one_reads_is_told_and_moves_nothing(web, organization, known, clock):
    text = page(web)
    tag, shown = tag_of(text), shown_by(text)
    assert poll(web, tag, shown).status_code == 304
    new = an_alert(organization, None, now=NOW, subject="c", severity="incident", title="Brand new")
    recover(known["incident"], now=NOW)
    answer = poll(web, tag, shown)
    told = answer.content.decode()
    assert listed(told) == listed(text)  # in their old places, one of them over
    assert "its condition has gone" in told
    assert "1 new alert." in told
    assert "Brand new" not in told
    assert 'id="show-new" href="?" hx-get="/part/alerts?"' in told
    assert listed(poll(web, "", "").content.decode())[0] == str(new.pk)


def test_a_page_that_is_full_tells_of_what_belongs_on_it_only(web, organization):
    for n in range(60):
        an_alert(organization, None, now=ago(n), subject=str(n), severity="critical")
    text = page(web)
    assert poll(web, tag_of(text), shown_by(text)).status_code == 304
    an_alert(organization, None, now=NOW, subject="mild", severity="warning")
    assert "new alert" not in poll(web, "", shown_by(text)).content.decode()
    an_alert(organization, None, now=NOW, subject="bad", severity="incident")
    assert "1 new alert." in poll(web, "", shown_by(text)).content.decode()


@pytest.mark.parametrize("shown", ["x", "AAAA", "%00", "AAAAAAAAAAAAAAAAAAAAAA==", "A" * 3000])
def test_keys_that_are_none_break_nothing(web, known, shown):
    assert len(listed(poll(web, "", f"?shown={shown}").content.decode())) == 3


def test_what_was_taken_on_and_left_alone_comes_back_to_the_top(web, known, dana, clock):
    clock.shift(timedelta(hours=24))
    web.force_login(dana)
    texts = page(web)
    assert listed(texts)[0] == str(known["taken"].pk)
    assert texts.count("Forgotten?") == 1
    assert counts(texts)[:2] == [4, 1]  # the snooze is over by now
    omar = By(User.objects.get(username="omar"), "web")
    lifecycle.note(known["taken"], by=omar, now=NOW + timedelta(hours=23), text="Still on it")
    assert "Forgotten?" not in page(web)


def test_rows_stand_as_close_as_the_cookie_says(web, known):
    assert "data-density" not in page(web)
    web.cookies["density"] = "compact"
    assert 'data-density="compact"' in page(web)


# --- one act for several ---------------------------------------------------------------------------------


def several(web: Client, act: str, *alerts: SLOAlert, note: str = "", status: int = 200, **more: str) -> str:
    chosen = [f"{alert.pk}:{alert.version}" for alert in alerts]
    asked = {"act": act, "alert": chosen, "note": note, "next": "/alerts/?q=a", **more}
    answer = web.post("/alerts/several", asked)
    assert answer.status_code == status
    assert 'href="/alerts/?q=a">Back to the list' in answer.content.decode()
    return answer.content.decode()


def test_several_are_acknowledged_with_one_note_and_of_each_it_is_said_what_came_of_it(web, known, dana):
    worsen(SLOAlert.objects.get(pk=known["incident"].pk), now=NOW, severity="incident", title="Even worse")
    text = several(web, "acknowledge", known["warning"], known["taken"], known["incident"], note="All mine")
    assert "1 of 3 alerts acknowledged." in text
    assert "1 already omar&#x27;s, 1 failed." in text
    assert "omar acknowledged this first" in text
    assert "It has changed since you looked" in text
    assert "<q>All mine</q>" in text
    event = known["warning"].events.get(kind="acknowledged")
    assert (event.actor, event.channel, event.note) == (dana, "web", "All mine")
    again = re.search(r'name="alert" value="([^"]+)"', text)[1]
    assert again.startswith(str(known["incident"].pk))
    text = web.post("/alerts/several", {"act": "acknowledge", "alert": again, "note": "All mine"}).content.decode()
    assert "1 of 1 alert acknowledged." in text
    assert "Retry failed" not in text


def test_several_are_resolved(web, known):
    assert "2 of 2 alerts resolved." in several(web, "resolve", known["warning"], known["taken"])


def test_nothing_selected_does_nothing(web, known):
    assert "select alerts first" in several(web, "acknowledge", status=422)
    assert "choose what to do" in several(web, "reopen", known["warning"], status=422)


def test_all_that_match_are_acknowledged_but_for_what_came_or_changed_since(web, organization, known, dana):
    many = [
        an_alert(organization, None, now=ago(n), subject=f"feed {n}", severity="critical", title=f"{n} waits")
        for n in range(10, 70)
    ]
    text = page(web, "?severity=critical&q=waits")
    moment = re.search(r'name="every" value="([^"]+)"> All 60 that match', text)[1]
    come = NOW + timedelta(seconds=1)
    late = an_alert(organization, None, now=come, subject="later", severity="critical", title="waits")
    worsen(many[0], now=NOW + timedelta(seconds=2), title="still waits")
    text = several(web, "acknowledge", note="Supplier is down", every=moment, list="tab=open&severity=critical&q=waits")
    assert "59 of 59 alerts acknowledged." in text
    open_ones = SLOAlert.objects.filter(severity="critical", acknowledged_at=None)
    assert set(open_ones) == {many[0], late}
    assert SLOAlert.objects.get(pk=known["warning"].pk).state == "open"
    assert many[1].events.get(kind="acknowledged").note == "Supplier is down"


@pytest.mark.parametrize(
    "asked",
    [{"every": "x", "list": ""}, {"every": "2026-11-10", "list": ""}, {"every": NOW.isoformat(), "list": "slo=7"}],
)
def test_a_list_that_cannot_be_read_is_not_acted_on(web, known, asked):
    assert "Load the page again" in several(web, "resolve", status=422, **asked)
    assert SLOAlert.objects.unresolved().count() == 5


def test_what_is_sent_for_several_may_be_nonsense(web, organization, known):
    foreign = an_alert(firm("other"), now=NOW)
    answer = web.post("/alerts/several", {"act": "resolve", "alert": ["x", "", f"{foreign.pk}:1"], "next": "//evil"})
    assert "0 of 1 alert resolved." in answer.content.decode()
    assert 'href="/alerts/">Back to the list' in answer.content.decode()
    foreign.refresh_from_db()
    assert foreign.state == "open"


def test_viewers_cannot_act_on_several(organization, known, client):
    client.force_login(a_member(organization, "vera", "viewer"))
    assert "Your role reads" in several(client, "acknowledge", known["warning"])
    assert SLOAlert.objects.get(pk=known["warning"].pk).state == "open"


def test_whoever_had_to_sign_in_again_while_acting_on_several_comes_to_the_list(web):
    assert web.get("/alerts/several", follow=True).redirect_chain == [("/alerts/", 302)]
