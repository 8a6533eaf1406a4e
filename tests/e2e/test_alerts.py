"""The pages about alerts in a browser: answered by click and without scripts, by two people, while they are polled."""

import re
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import transaction
from playwright.sync_api import Page, Response, Route, expect

from accounts.models import Organization, User
from alerts import incidents, lifecycle
from alerts.lifecycle import By
from alerts.models import Message, SLOAlert
from tests.alerts.alerting import a_channel, a_member, an_alert, tell, worsen
from tests.e2e.conftest import session_of
from tests.e2e.looking import violations

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
LONG = (
    "37 of 260 invoices were not ready within 5 minutes since 09:10. That is 12 % of this month's allowance; 88 of 312 "
    "are left, and at this pace they run out on Thursday at about 14:00. Most are from Acme GmbH (22 of the 37)."
)


def ago(minutes: float) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


@pytest.fixture
def dana(organization: Organization) -> User:
    return a_member(organization, "dana")


@pytest.fixture
def omar(organization: Organization) -> User:
    return a_member(organization, "omar")


@pytest.fixture
def alert(organization: Organization) -> SLOAlert:
    """An incident with all that a page can show of one."""
    channel = a_channel(organization)
    made = an_alert(organization, now=ago(12), severity="critical", title="37 invoices late since 09:10", message=LONG)
    worsen(made, now=ago(10), severity="incident", title="37 invoices late since 09:10: Time-to-Ready")
    made.slo.runbook = "# OCR queue\n\n- [ ] Look at the *queue*\n- [ ] Ask [them](https://example.com)"
    made.slo.save()
    incidents.open_for(made, now=ago(10))
    tell(made, channel, now=ago(9))
    tell(made, channel, now=ago(8), state=Message.State.FAILED, error="550 no such user")
    return made


def poll(page: Page, part: str) -> Response:
    with page.expect_response(f"**/part/{part}**") as answer:
        page.evaluate("document.body.dispatchEvent(new CustomEvent('tick'))")
    answer.value.finished()
    return answer.value


def row(page: Page, alert: SLOAlert):
    return page.locator(f"#alert-{alert.pk}")


# --- for everybody ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_axe_finds_nothing_in_a_conflict(open_page, alert, dana, omar, width, scheme):
    page = open_page("/alerts/", user=dana, width=width, color_scheme=scheme)
    lifecycle.acknowledge(alert, by=By(omar, "web"), now=ago(1))
    row(page, alert).get_by_role("button", name="Acknowledge").click()
    expect(row(page, alert).get_by_role("alert")).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_answer_stands_in_the_first_screen_of_a_phone(open_page, alert, dana):
    for path, answer in ((f"/alerts/{alert.pk}/", "[data-answer]"), ("/alerts/", ".alert .title")):
        box = open_page(path, user=dana, width=360, height=740).locator(answer).first.bounding_box()
        assert box["y"] + box["height"] <= 740, path


# --- acts ------------------------------------------------------------------------------------------------


def test_an_alert_is_acknowledged_by_click_and_taken_back(open_page, alert, dana):
    page = open_page("/alerts/", user=dana)
    here = row(page, alert)
    here.get_by_placeholder("Note").fill("On it")
    here.get_by_role("button", name="Acknowledge").click()
    expect(here).to_contain_text("Acknowledged by you")
    expect(here).to_contain_text("dana: “On it”")
    expect(here).to_be_focused()
    expect(page.locator("#notice")).to_be_empty()
    here.get_by_role("button", name="Undo").click()
    expect(here.get_by_role("button", name="Acknowledge")).to_be_visible()
    alert.refresh_from_db()
    assert alert.state == "open"


def test_five_keys_lead_to_an_acknowledgement(open_page, alert, dana):
    page = open_page("/alerts/", user=dana)
    row(page, alert).get_by_placeholder("Note").focus()
    for key in ("O", "K", "Enter"):
        page.keyboard.press(key)
    expect(row(page, alert)).to_contain_text("Acknowledged by you")
    expect(row(page, alert)).to_contain_text("“OK”")


def test_an_alert_is_resolved_on_its_page(open_page, alert, dana):
    page = open_page(f"/alerts/{alert.pk}/", user=dana)
    page.get_by_label("Note").fill("Restarted OCR")
    page.get_by_role("button", name="Resolve").click()
    expect(page.locator("#alert")).to_contain_text("Resolved by you")
    expect(page.locator(".timeline")).to_contain_text("Restarted OCR")
    expect(page.get_by_label("Note")).to_have_value("")
    page.get_by_role("button", name="Reopen").click()
    expect(page.get_by_role("button", name="Acknowledge")).to_be_visible()


def test_the_checklist_of_an_incident_is_ticked(open_page, alert, dana):
    page = open_page(f"/alerts/{alert.pk}/", user=dana)
    page.get_by_role("button", name="Take it").click()
    expect(page.locator("#alert")).to_contain_text("dana has it")
    page.get_by_role("button", name="Done: Look at the queue").click()
    expect(page.locator("#item-1")).to_contain_text("done by dana")


def test_an_alert_of_the_overview_is_acknowledged_there(open_page, alert, dana):
    page = open_page("/", user=dana)
    expect(page.locator("#open-alerts")).to_have_text("1")
    expect(page).to_have_title("(1) Overview of Shown Foods · SLO portal")
    row(page, alert).get_by_role("button", name="Acknowledge").click()
    expect(row(page, alert)).to_contain_text("Acknowledged by you")
    poll(page, "overview")
    expect(row(page, alert)).to_have_count(0)
    expect(page.locator("#open-alerts")).to_have_text("0")
    expect(page).to_have_title("Overview of Shown Foods · SLO portal")


def test_several_are_acknowledged_at_once(open_page, organization, alert, dana):
    other = an_alert(organization, None, now=ago(5))
    page = open_page("/alerts/", user=dana)
    page.get_by_label("All shown").check()
    page.get_by_placeholder("Note for all selected").fill("All mine")
    page.get_by_role("button", name="Acknowledge selected").click()
    expect(page.get_by_role("heading", name="2 of 2 alerts acknowledged.")).to_be_visible()
    expect(page.locator("#outcomes")).to_be_focused()
    expect(page.get_by_placeholder("Note for all selected")).to_have_value("")
    expect(row(page, other)).to_contain_text("Acknowledged by you")  # in its place
    assert [one.events.get(kind="acknowledged").note for one in (alert, other)] == ["All mine"] * 2


def test_what_the_database_could_not_do_is_named_and_tried_again(open_page, organization, alert, dana):
    other = an_alert(organization, None, now=ago(5))
    page = open_page("/alerts/", user=dana)
    page.get_by_label("All shown").check()
    page.get_by_placeholder("Note for all selected").fill("All mine")
    with transaction.atomic():
        SLOAlert.objects.select_for_update().get(pk=other.pk)  # somebody else holds it
        page.get_by_role("button", name="Acknowledge selected").click()
        expect(page.get_by_role("heading", name="1 of 2 alerts acknowledged.")).to_be_visible()
    expect(page.locator("#outcomes")).to_contain_text("The database was busy with it.")
    expect(page.get_by_label("Note for those that failed")).to_have_value("All mine")
    assert violations(page) == []
    page.get_by_role("button", name="Retry failed").click()
    expect(page.get_by_role("heading", name="1 of 1 alert acknowledged.")).to_be_visible()
    assert other.events.get(kind="acknowledged").note == "All mine"


def test_all_that_match_are_acknowledged_also_without_scripts(open_page, organization, alert, dana):
    for n in range(53):
        an_alert(organization, None, now=ago(60 + n), subject=f"feed {n}")
    page = open_page("/alerts/?severity=warning", user=dana, java_script_enabled=False)
    page.get_by_label("All 53 that match").check()
    page.get_by_role("button", name="Acknowledge selected").click()
    expect(page.get_by_role("heading", name="53 of 53 alerts acknowledged.")).to_be_visible()
    page.get_by_role("link", name="Back to the list").click()
    expect(page).to_have_url(re.compile(r"/alerts/\?severity=warning$"))
    alert.refresh_from_db()
    assert alert.state == "open"


def test_at_most_six_keys_lead_from_the_loaded_page_to_the_second_acknowledgement(open_page, organization, alert, dana):
    other = an_alert(organization, None, now=ago(5))
    page = open_page("/alerts/", user=dana)
    for key, expected in (("j", None), ("a", alert), ("j", None), ("a", other)):  # four of them
        page.keyboard.press(key)
        if expected:
            expect(row(page, expected)).to_contain_text("Acknowledged by you")
            expect(row(page, expected)).to_be_focused()


def test_without_scripts_alerts_are_acknowledged_and_resolved(open_page, alert, dana):
    page = open_page("/alerts/", user=dana, java_script_enabled=False)
    row(page, alert).get_by_placeholder("Note").fill("On it")
    row(page, alert).get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("status").filter(has_text="Acknowledged.")).to_be_visible()
    expect(row(page, alert)).to_contain_text("Acknowledged by you")
    row(page, alert).get_by_role("link").click()
    page.get_by_label("Note").fill("Restarted")
    page.get_by_role("button", name="Resolve").click()
    expect(page.locator("#alert")).to_contain_text("Resolved by you")
    expect(page.locator(".timeline")).to_contain_text("Restarted")


# --- two people ------------------------------------------------------------------------------------------


def test_who_comes_second_keeps_the_typed_text_and_may_leave_it_as_a_note(open_page, alert, dana, omar):
    first, second = open_page("/alerts/", user=omar), open_page("/alerts/", user=dana)
    row(first, alert).get_by_role("button", name="Acknowledge").click()
    expect(row(first, alert)).to_contain_text("Acknowledged by you")
    here = row(second, alert)
    here.get_by_placeholder("Note").fill("It is the scanner")
    here.get_by_role("button", name="Acknowledge").click()
    expect(here.get_by_role("alert")).to_contain_text("omar acknowledged this first")
    expect(here.get_by_placeholder("Note")).to_have_value("It is the scanner")
    expect(second.locator("#notice")).to_be_empty()
    here.get_by_role("button", name="Add it as a note").click()
    expect(here).to_contain_text("dana: “It is the scanner”")
    expect(here.get_by_placeholder("Note")).to_have_value("")
    assert alert.events.filter(kind="acknowledged").count() == 1


def test_what_got_worse_is_not_acknowledged_unseen(open_page, organization, dana):
    mild = an_alert(organization, now=ago(5))
    page = open_page("/alerts/", user=dana)
    worsen(mild, now=ago(1))
    row(page, mild).get_by_role("button", name="Acknowledge").click()
    expect(row(page, mild).get_by_role("alert")).to_contain_text("it is critical and open now")
    expect(row(page, mild)).to_contain_text("Critical")
    row(page, mild).get_by_role("button", name="Acknowledge").click()
    expect(row(page, mild)).to_contain_text("Acknowledged by you")


# --- as time goes by, and as things go wrong -------------------------------------------------------------


def test_a_poll_keeps_focus_typed_text_and_ticks(open_page, organization, alert, dana):
    page = open_page("/alerts/", user=dana)
    note = row(page, alert).get_by_placeholder("Note")
    row(page, alert).get_by_role("checkbox").check()
    note.press_sequentially("Looking at")
    place = note.bounding_box()
    page.evaluate("seen.shift = 0; moved.length = 0")
    newer = an_alert(organization, None, now=ago(0), severity="incident", title="A new one above")
    assert poll(page, "alerts").status == 200
    expect(page.locator("#news")).to_have_text("1 new alert.")
    expect(row(page, newer)).to_have_count(0)
    assert note.bounding_box() == place
    expect(note).to_be_focused()
    expect(note).to_have_value("Looking at")
    expect(row(page, alert).get_by_role("checkbox")).to_be_checked()
    expect(page.locator("#open-alerts")).to_have_text("2")
    assert poll(page, "alerts").status == 304
    assert page.evaluate("seen.shift") <= 0.001, page.evaluate("moved")
    page.get_by_role("link", name="Show", exact=True).click()
    expect(row(page, newer)).to_be_visible()
    expect(page.locator("#news")).to_be_empty()
    expect(note).to_have_value("Looking at")
    expect(page.locator("#inbox")).to_be_focused()


def test_rows_stand_closer_once_that_is_chosen_and_on_the_next_page_too(open_page, alert, dana):
    page = open_page("/alerts/", user=dana)
    high = row(page, alert).bounding_box()["height"]
    page.locator("#menu summary").click()
    page.get_by_role("button", name="Rows: roomy").click()
    expect(page.get_by_role("button", name="Rows: compact")).to_be_visible()
    page.reload()
    assert row(page, alert).bounding_box()["height"] < high
    assert violations(page) == []


def test_a_poll_of_one_alert_keeps_typed_text(open_page, alert, dana, omar):
    page = open_page(f"/alerts/{alert.pk}/", user=dana)
    page.get_by_label("Note").press_sequentially("Looking at")
    lifecycle.note(alert, by=By(omar, "web"), now=ago(0), text="Me too")
    assert poll(page, f"alerts/{alert.pk}").status == 200
    expect(page.locator(".timeline")).to_contain_text("Me too")
    expect(page.get_by_label("Note")).to_have_value("Looking at")
    expect(page.get_by_label("Note")).to_be_focused()


@pytest.mark.parametrize(
    ("path", "field", "name"),
    [
        ("/alerts/", "note-{}", "Acknowledge"),
        ("/alerts/{}/", "note", "Resolve"),
        ("/alerts/{}/", "incident-note", "Close the incident"),
    ],
)
def test_what_was_not_saved_is_said_the_text_stays_and_it_can_be_tried_again(open_page, alert, dana, path, field, name):
    path, field = path.format(alert.pk), field.format(alert.pk)
    page = open_page(path, user=dana)
    notice, note = page.locator("#notice"), page.locator(f"#{field}")
    button = page.locator("form").filter(has=note).get_by_role("button", name=name)
    note.fill("On it")
    refused = {
        None: "the server did not answer.Retry", 500: "the server answered with error 500.Retry",
        403: "you may not do this, or the page is too old.Load it again", 401: "your session has ended.Sign in again",
        404: "it does not exist any more.",
    }  # fmt: skip
    for status, says in refused.items():
        answer = (lambda route: route.abort()) if status is None else partial(refuse, status)
        page.route(f"**/alerts/{alert.pk}/", answer)
        button.click()
        expect(notice).to_contain_text(says)
        expect(notice).to_have_text(re.compile("^Not saved"))
        expect(note).to_have_value("On it")
        expect(button).to_be_enabled()
        expect(page.get_by_text("Broken")).to_have_count(0)
        page.unroute(f"**/alerts/{alert.pk}/")
    page.route(f"**/alerts/{alert.pk}/", lambda route: route.abort())
    button.click()
    poll(page, "alerts")
    expect(notice).to_contain_text("the server did not answer.")  # a poll that works takes nothing back
    assert alert.events.filter(actor=dana).count() == 0
    page.unroute(f"**/alerts/{alert.pk}/")
    notice.get_by_role("button", name="Retry").click()
    expect(notice).to_be_empty()
    assert "On it" in alert.events.get(actor=dana).note


def refuse(status: int, route: Route) -> None:
    route.fulfill(status=status, body="<h1>Broken</h1>")


def test_what_was_typed_is_there_again_after_signing_in_again(open_page, portal, alert, dana):
    page = open_page("/alerts/", user=dana)
    page.context.clear_cookies(name="sessionid")
    row(page, alert).get_by_placeholder("Note").fill("It is the scanner")
    row(page, alert).get_by_role("button", name="Acknowledge").click()
    page.get_by_role("link", name="Sign in again").click()
    expect(page.get_by_text("Your session has ended")).to_be_visible()
    page.context.add_cookies([{"name": "sessionid", "value": session_of(dana), "url": portal}])
    page.goto("/alerts/")
    expect(row(page, alert).get_by_placeholder("Note")).to_have_value("It is the scanner")
    row(page, alert).get_by_role("button", name="Acknowledge").click()
    expect(row(page, alert)).to_contain_text("dana: “It is the scanner”")
    page.reload()
    expect(row(page, alert)).to_contain_text("Acknowledged by you")


def test_a_slow_server_is_waited_for_and_the_button_rests_meanwhile(open_page, alert, dana):
    held: list[Route] = []
    page = open_page(None, user=dana)
    page.clock.install()
    page.goto("/alerts/")
    page.route(f"**/alerts/{alert.pk}/", lambda route: held.append(route))
    button = row(page, alert).get_by_role("button", name="Acknowledge")
    button.click()
    page.clock.run_for(4_100)
    expect(page.locator("#notice")).to_have_text("Still waiting: the server has not answered yet.")
    expect(button).to_be_disabled()
    held[0].continue_()
    expect(row(page, alert)).to_contain_text("Acknowledged by you")
    expect(page.locator("#notice")).to_be_empty()


def test_nothing_moves_while_it_loads_and_when_an_alert_is_acknowledged(open_page, alert, dana):
    page = open_page("/alerts/", user=dana)
    page.wait_for_load_state("networkidle")
    row(page, alert).get_by_role("button", name="Acknowledge").click()
    expect(row(page, alert)).to_contain_text("Acknowledged by you")
    assert page.evaluate("seen.shift") <= 0.001
