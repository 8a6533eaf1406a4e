"""The overview as time goes by and as things go wrong."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from slos.models import EngineState
from slos.tick import tick
from tests.e2e.looking import POLL, draw, one_more_late, poll, until
from tests.slos.worlds_to_show import STATES

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


# --- as time goes by -------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1280, 360])
def test_nothing_moves_while_it_loads_and_when_figures_change(open_page, organization, width):
    page = open_page(width=width, height=740)
    page.wait_for_load_state("networkidle")
    one_more_late(organization)
    assert poll(page).status == 200
    expect(page.locator("table.cards")).to_contain_text("11 invoices too many")
    draw(page)
    one_more_late(organization, "later")
    assert poll(page).status == 200
    expect(page.locator("table.cards")).to_contain_text("12 invoices too many")
    assert page.evaluate("seen.shift") <= 0.001


def test_a_move_would_be_noticed(open_page):
    page = open_page()
    page.evaluate("document.querySelector('main').prepend(document.querySelector('table').cloneNode(true))")
    until(page, "seen.shift > 0.001")


def test_a_changed_poll_keeps_focus_open_details_and_the_chart(open_page, organization):
    page = open_page()
    draw(page)
    summary = page.locator("#budget-table summary")
    summary.click()
    summary.focus()
    page.evaluate("document.getElementById('budget-chart').mine = true")
    one_more_late(organization)
    poll(page)
    expect(page.locator("table.cards")).to_contain_text("11 invoices too many")
    expect(summary).to_be_focused()
    expect(page.locator("#budget-table")).to_have_attribute("open", "")
    assert page.evaluate("document.getElementById('budget-chart').mine") is True
    ends = "document.getElementById('budget-chart').data.map((trace) => trace.y.at(-1))"
    until(page, f"Math.min(...{ends}.filter(Number)) < -100")


def test_idle_polls_are_answered_304_and_tell_how_far_the_figures_reach(open_page, organization):
    page = open_page()
    first = page.locator("#freshness").get_attribute("data-through")
    for _ in range(3):
        tick(organization, now=EngineState.objects.get().ticked_at + timedelta(milliseconds=700))
        assert poll(page).status == 304
    until(page, "first => document.getElementById('freshness').dataset.through > first", first)
    assert page.problems == []


def test_the_first_calculation_is_noticed(open_page, organization):
    EngineState.objects.all().delete()
    page = open_page()
    expect(page.locator("#freshness")).to_contain_text("Nothing has been calculated yet")
    tick(organization, now=datetime.now(UTC))
    poll(page)
    expect(page.locator("#freshness")).to_contain_text("Data up to")


def test_the_page_asks_every_half_minute_but_not_while_it_is_hidden(open_page):
    page = open_page(None)
    page.clock.install()
    page.goto("/")
    asked = lambda: sum("/part/overview" in url for url in page.requests)  # noqa: E731
    with page.expect_response(POLL):
        page.clock.run_for(31_000)
    assert asked() == 1
    hide(page, True)
    page.clock.run_for(600_000)
    assert asked() == 1
    with page.expect_response(POLL):
        hide(page, False)
        page.clock.run_for(100)
    assert asked() == 2


def hide(page: Page, hidden: bool) -> None:
    page.evaluate(
        """hidden => {
            Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


# --- when things go wrong --------------------------------------------------------------------------------


def test_a_server_that_does_not_answer_is_said_and_asked_less_often(open_page):
    page = open_page(None)
    page.clock.install()
    page.goto("/")
    before = page.locator("table.cards").inner_text()
    page.route(POLL, lambda route: route.abort())
    notice = page.locator("#notice")
    page.clock.run_for(31_000)
    expect(notice).to_contain_text("Not updated: the server did not answer. Trying again in 60 s.")
    page.clock.run_for(61_000)
    expect(notice).to_contain_text("Trying again in 120 s.")
    assert page.locator("table.cards").inner_text() == before
    page.unroute(POLL)
    with page.expect_response(POLL):
        page.get_by_role("button", name="Retry now").click()
    expect(notice).to_be_empty()
    expect(page.locator("#main")).to_be_focused()


@pytest.mark.parametrize("status", [500, 403])
def test_an_error_of_the_server_leaves_the_figures_in_place(open_page, status):
    page = open_page()
    page.route(POLL, lambda route: route.fulfill(status=status, body="<h1>Broken</h1>"))
    poll(page)
    expect(page.locator("#notice")).to_contain_text(f"error {status}")
    expect(page.locator("table.cards tbody tr")).to_have_count(len(STATES))
    expect(page.get_by_text("Broken")).to_have_count(0)


def test_an_ended_session_is_said_with_the_way_back(open_page):
    page = open_page()
    page.context.clear_cookies()
    assert poll(page).status == 401
    link = page.get_by_role("link", name="Sign in again")
    expect(link).to_have_attribute("href", "/login/?ended=1&next=%2F")
    expect(page.locator("table.cards tbody tr")).to_have_count(len(STATES))
    link.click()
    expect(page.get_by_text("Your session has ended")).to_be_visible()


def test_figures_grow_stale_even_when_nobody_answers(open_page):
    page = open_page(None)
    page.clock.install()
    page.goto("/")
    page.route(POLL, lambda route: route.abort())
    expect(page.locator("#freshness")).not_to_have_class("freshness is-stale")
    page.clock.run_for(150_000)
    expect(page.locator("#freshness")).to_have_class("freshness is-stale")
    expect(page.locator("#freshness")).to_contain_text("Stale: data only up to")


# --- the switch ------------------------------------------------------------------------------------------


def test_the_theme_is_switched_kept_and_reaches_the_chart(open_page):
    page = open_page(color_scheme="light")
    draw(page)
    paper = "getComputedStyle(document.body).backgroundColor"
    ink = "document.querySelector('#budget-chart .xtick text').style.fill"
    light, dark_on_light = page.evaluate(paper), page.evaluate(ink)
    page.locator("#menu summary").click()
    page.locator("#theme").click()
    page.locator("#theme").click()
    expect(page.locator("#theme")).to_have_text("Theme: dark")
    assert page.evaluate(paper) != light
    until(page, f"old => {ink} !== old", dark_on_light)
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate(paper) != light


def test_the_password_can_be_shown(open_page):
    page = open_page("/login/", user=None)
    page.fill("#id_password", "sesame")
    page.get_by_role("button", name="Show password").click()
    expect(page.locator("#id_password")).to_have_attribute("type", "text")
    page.get_by_role("button", name="Hide password").click()
    expect(page.locator("#id_password")).to_have_attribute("type", "password")
