"""The overview as a person meets it: in a browser, from the server of production."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Response, expect

from accounts.models import Organization
from slos.models import EngineState, SLODefinition
from slos.tick import tick
from tests.slos.worlds_to_show import STATES, add, invoice, member

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
POLL = "**/part/overview"


def violations(page: Page) -> list[Any]:
    """What axe finds, and what it leaves to a reviewer unless that has been reviewed."""
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run({runOnly: rules})", RULES)
    assert len(found["passes"]) > 10  # it has looked at something
    doubtful = [(one["id"], node) for one in found["incomplete"] for node in one["nodes"]]
    return [(one["id"], node["html"]) for one in found["violations"] for node in one["nodes"]] + [
        (rule, node["html"]) for rule, node in doubtful if not reviewed(rule, node)
    ]


def reviewed(rule: str, node: dict[str, Any]) -> bool:
    """Contrasts that axe cannot compute: the shapes beside the words of a state, and texts inside a chart."""
    in_chart = node["html"].startswith("<text")
    return rule == "color-contrast" and (in_chart or node["any"][0]["data"]["messageKey"] == "nonBmp")


def draw(page: Page) -> None:
    page.locator(".plot").scroll_into_view_if_needed()
    expect(page.locator("#budget-chart[data-drawn]")).to_be_visible()


def poll(page: Page) -> Response:
    with page.expect_response(POLL) as answer:
        page.evaluate("document.body.dispatchEvent(new CustomEvent('tick'))")
    answer.value.finished()
    return answer.value


def one_more_late(organization: Organization, name: str = "late") -> None:
    """Changes figures and neither a state nor the order of the objectives."""
    now = datetime.now(UTC)
    add(organization, [invoice(name, now - timedelta(hours=7), late=True)], now)


# --- for everybody ---------------------------------------------------------------------------------------


def loaded(organization: Organization) -> None:
    pass


def stale(organization: Organization) -> None:
    EngineState.objects.update(ticked_at=datetime.now(UTC) - timedelta(minutes=9))


def empty(organization: Organization) -> None:
    SLODefinition.objects.filter(organization=organization).exclude(sli_type="exception_resolution_time").delete()


def paused(organization: Organization) -> None:
    SLODefinition.objects.filter(organization=organization).update(is_active=False)


@pytest.mark.parametrize("state", [loaded, stale, empty, paused])
@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_overview(open_page, organization, state, width, scheme):
    state(organization)
    page = open_page(width=width, height=740, color_scheme=scheme)
    if state is not paused:
        draw(page)
        page.locator("#budget-table summary").click()
    assert violations(page) == []
    assert page.problems == []


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_other_pages(open_page, width, scheme):
    page = open_page("/login/?ended=1", user=None, width=width, color_scheme=scheme)
    assert violations(page) == []
    page.fill("#id_username", "vera")
    page.fill("#id_password", "wrong")
    page.locator("button.main").click()
    expect(page.get_by_role("alert")).to_be_focused()
    assert violations(page) == []
    page = open_page("/nothing-here", width=width, color_scheme=scheme)
    assert violations(page) == []
    page = open_page("/", user=member(None, "nobody"), width=width, color_scheme=scheme)
    assert violations(page) == []


def test_a_missing_label_would_be_found(open_page):
    page = open_page()
    page.evaluate("document.body.append(document.createElement('input'))")
    assert [rule for rule, _ in violations(page)] != []


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (360, 740)])
def test_the_answer_stands_in_the_first_screen(open_page, width, height):
    box = open_page(width=width, height=height).locator("[data-answer]").bounding_box()
    assert box["y"] + box["height"] <= height
    assert box["x"] + box["width"] <= width


@pytest.mark.parametrize("path", ["/", "/login/", "/nothing-here"])
def test_nothing_has_to_be_scrolled_sideways_on_a_small_phone(open_page, viewer, path):
    page = open_page(path, user=None if path == "/login/" else viewer, width=320)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_everything_can_be_read_without_javascript(open_page):
    page = open_page(java_script_enabled=False)
    rows = page.locator("table.cards tbody tr")
    expect(rows).to_have_count(len(STATES))
    for row, (name, state) in zip(rows.all(), STATES.items(), strict=True):
        expect(row).to_contain_text(name)
        expect(row.locator(".state")).to_contain_text(state)
    page.locator("#budget-table summary").click()
    expect(page.locator("#budget-table table")).to_be_visible()


def test_the_skip_link_is_the_first_stop_of_the_keyboard(open_page):
    page = open_page()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


# --- what it costs, what it asks for ---------------------------------------------------------------------


def weigh(page: Page) -> dict[str, int]:
    """Requests and bytes on the wire from now on."""
    sizes: dict[str, int] = {"requests": 0, "bytes": 0}
    cdp = page.context.new_cdp_session(page)
    cdp.send("Network.enable")

    def finished(event: dict[str, Any]) -> None:
        sizes["requests"] += 1
        sizes["bytes"] += int(event["encodedDataLength"])

    cdp.on("Network.loadingFinished", finished)
    return sizes


def test_a_phone_loads_no_chart_until_it_is_scrolled_to(open_page, record_property):
    page = open_page(None, width=360, height=740)
    sizes = weigh(page)
    page.goto("/", wait_until="networkidle")
    assert not any("plotly" in url for url in page.requests)
    assert sizes["requests"] <= 10
    assert 5_000 < sizes["bytes"] <= 40 * 1024
    draw(page)
    assert sizes["requests"] <= 12
    assert 200_000 < sizes["bytes"] <= 450 * 1024


def test_nothing_comes_from_another_host_and_nothing_breaks_the_policy(open_page, portal):
    page = open_page()
    draw(page)
    page.locator("#theme").click()
    page.locator(".plot").hover()
    poll(page)
    assert len(page.requests) >= 8
    assert [url for url in page.requests if not url.startswith(portal)] == []
    assert page.evaluate("seen.violations") == []
    assert page.problems == []


def test_a_forbidden_style_would_be_noticed(open_page):
    page = open_page()
    page.evaluate("document.body.innerHTML += '<p style=\"color: red\">'")
    page.wait_for_function("seen.violations.length > 0")


def test_the_chart_has_a_line_and_a_label_for_each_objective(open_page):
    page = open_page()
    draw(page)
    assert page.locator("#budget-chart .scatterlayer .trace").count() == len(STATES)
    labels = page.locator("#budget-chart .annotation-text").all_text_contents()
    assert set(labels) == set(STATES) - {"Exception Resolution Time"}  # no data, no line end
    boxes = sorted(label.bounding_box()["y"] for label in page.locator("#budget-chart .annotation-text").all())
    assert all(below - above >= 12 for above, below in pairwise(boxes))  # none covers another


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
    page.wait_for_function("seen.shift > 0.001")


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
    page.wait_for_function(f"Math.min(...{ends}.filter(Number)) < -100")


def test_idle_polls_are_answered_304_and_tell_how_far_the_figures_reach(open_page, organization):
    page = open_page()
    first = page.locator("#freshness").get_attribute("data-through")
    for _ in range(3):
        tick(organization, now=EngineState.objects.get().ticked_at + timedelta(milliseconds=700))
        assert poll(page).status == 304
    page.wait_for_function("first => document.getElementById('freshness').dataset.through > first", arg=first)
    assert page.problems == []


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
    page.locator("#theme").click()
    page.locator("#theme").click()
    expect(page.locator("#theme")).to_have_text("Theme: dark")
    assert page.evaluate(paper) != light
    page.wait_for_function(f"old => {ink} !== old", arg=dark_on_light)
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
