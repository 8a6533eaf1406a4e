"""The overview as a person meets it: in a browser, from the server of production."""

from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.looking import draw, poll, until, violations
from tests.slos.worlds_to_show import STATES

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


# --- for everybody ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_axe_finds_nothing_in_an_open_table_and_after_a_wrong_password(open_page, width, scheme):
    page = open_page(width=width, color_scheme=scheme)
    draw(page)
    page.locator("#budget-table summary").click()
    assert violations(page) == []
    page = open_page("/login/", user=None, width=width, color_scheme=scheme)
    page.fill("#id_username", "vera")
    page.fill("#id_password", "wrong")
    page.locator("button.main").click()
    expect(page.get_by_role("alert")).to_be_focused()
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


def test_a_phone_loads_no_chart_until_it_is_scrolled_to(open_page):
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
    page.locator("#menu summary").click()
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
    until(page, "seen.violations.length > 0")


def test_the_chart_has_a_line_and_a_label_for_each_objective(open_page):
    page = open_page()
    draw(page)
    assert page.locator("#budget-chart .scatterlayer .trace").count() == len(STATES)
    labels = page.locator("#budget-chart .annotation-text").all_text_contents()
    assert set(labels) == set(STATES) - {"Exception Resolution Time"}  # no data, no line end
    boxes = sorted(label.bounding_box()["y"] for label in page.locator("#budget-chart .annotation-text").all())
    assert all(below - above >= 12 for above, below in pairwise(boxes))  # none covers another
