"""The page of one objective as a person meets it: in a browser, from the server of production."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Organization
from slos.models import SLODefinition
from tests.alerts.alerting import an_alert
from tests.e2e.looking import switch_range, until, violations
from tests.slos.worlds_to_show import add, invoice

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
CHARTS = ["budget", "sli", "burn", "volume", "spread"]
VENDORS = ("Kestrel Paper", "Oak & Sons", "Northwind")


@pytest.fixture
def slo(organization: Organization) -> SLODefinition:
    """Something has gone wrong lately, somebody was told, and the target was another one."""
    now = datetime.now(UTC)
    rows = [
        {**invoice(f"new-{k}", now - timedelta(hours=1 + 2 * k), late=k % 9 < 2), "vendor": VENDORS[k % 9 % 3]}
        for k in range(80)
    ]
    add(organization, rows, now)
    an_alert(organization, now=now - timedelta(hours=30), title="Time to ready burns 2.4 times too fast")
    found = organization.slos.get(sli_type="time_to_ready")
    SLODefinition.history.filter(id=found.pk).update(history_date=now - timedelta(days=50))
    found.target_percentage = 80
    found.save()
    return found


def draw(page: Page) -> None:
    for name in CHARTS:
        page.locator(f"#{name}-plot").scroll_into_view_if_needed()
        expect(page.locator(f"#{name}-plot[data-drawn]")).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_axe_finds_nothing_and_nothing_moves_or_breaks_the_policy(open_page, organization, slo, width, scheme, portal):
    page = open_page(f"/slo/{slo.pk}/", width=width, height=740, color_scheme=scheme)
    draw(page)
    assert page.evaluate("seen") == {"shift": 0, "violations": []}
    page.locator("#volume-table summary").click()
    page.locator("#as-yaml summary").click()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    empty = organization.slos.get(sli_type="exception_resolution_time")
    page.goto(f"/slo/{empty.pk}/?range=fortnight")
    expect(page.locator(".plot.empty")).to_have_count(5)
    assert violations(page) == []
    page.goto("/slos/?q=time-to")
    expect(page.locator("table.cards tbody tr")).to_have_count(1)
    assert violations(page) == []
    assert [url for url in page.requests if not url.startswith(portal)] == []
    assert [text for text in page.problems if "400" not in text] == []  # the range that could not be read


def test_figures_are_drawn_and_say_what_their_tables_say(open_page, slo):
    page = open_page(f"/slo/{slo.pk}/?range=7d", width=1280, height=800)
    box = page.locator("#budget-plot").bounding_box()
    assert box["y"] + box["height"] <= 800
    draw(page)
    for name in CHARTS:
        kind = "bars" if name in {"volume", "spread"} else "scatterlayer"
        assert page.locator(f"#{name}-plot .{kind} .trace, #{name}-plot .barlayer .trace").count() >= 2, name
    drawn = json.loads(page.locator("#volume-data").text_content())["data"]
    page.locator("#volume-table summary").click()
    rows = page.locator("#volume-table tbody tr").all()
    assert len(rows) == len(drawn[0]["x"])
    bad = [row.locator("td").nth(1).text_content() for row in rows]
    assert [float(text) for text in reversed(bad)] == drawn[1]["y"]
    first = next(row for row in rows if row.locator("a").count())
    first.locator("a").click()  # the second click: the invoices themselves
    expect(page.locator("main")).to_contain_text("new-")


def test_a_range_is_shared_by_its_address_and_the_way_back_works(open_page, slo):
    page = open_page(f"/slo/{slo.pk}/", java_script_enabled=False)
    page.get_by_role("link", name="7 days").click()
    assert page.url.endswith("?range=7d")
    expect(page.locator(".range [aria-current]")).to_have_text("7 days")
    page.go_back()
    expect(page.locator(".range [aria-current]")).to_have_text("30 days")
    page.locator("#sli-table summary").click()
    expect(page.locator("#sli-table table")).to_be_visible()


def test_a_changed_poll_redraws_and_keeps_what_is_open(open_page, organization, slo):
    page = open_page(f"/slo/{slo.pk}/?range=7d")
    draw(page)
    page.locator("#volume-table summary").click()
    page.locator("#volume-table summary").focus()
    before, shift = page.locator("#volume-data").text_content(), page.evaluate("seen.shift")
    now = datetime.now(UTC)
    add(organization, [invoice("later", now - timedelta(hours=7), late=True)], now)
    with page.expect_response("**/part/slo/**") as answer:
        page.evaluate("document.body.dispatchEvent(new CustomEvent('tick'))")
    assert answer.value.status == 200
    until(page, "before => document.getElementById('volume-data').textContent !== before", before)
    expect(page.locator("#volume-table table")).to_be_visible()
    expect(page.locator("#volume-table summary")).to_be_focused()
    assert page.evaluate("seen.shift") - shift <= 0.001
    assert page.evaluate("seen.violations") == []


@pytest.mark.parametrize("width", [1280, 360])
def test_another_range_is_shown_in_its_place_and_is_what_is_polled(open_page, organization, slo, width):
    page = open_page(f"/slo/{slo.pk}/", width=width, height=800)
    draw(page)
    page.evaluate("scrollTo(0, 0)")
    switch_range(page, "7 days")
    days = "document.getElementById('budget-plot').data[0].x"
    until(page, f"{days}.length > 100")  # hours
    with page.expect_response("**/part/slo/**") as answer:
        page.evaluate("document.body.dispatchEvent(new CustomEvent('tick'))")
    assert answer.value.status == 304
    assert answer.value.url.endswith("?range=7d")
    page.route("**/slo/*/?range=90d", lambda route: route.abort())
    page.get_by_role("link", name="90 days").click()
    expect(page.locator("#notice")).to_have_text("Not loaded: the server did not answer.Retry")
    expect(page.get_by_role("link", name="7 days")).to_have_attribute("aria-current", "true")
    page.unroute("**/slo/*/?range=90d")
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("link", name="90 days")).to_have_attribute("aria-current", "true")
    expect(page.locator("#notice")).to_be_empty()
    page.go_back()
    expect(page.get_by_role("link", name="7 days")).to_have_attribute("aria-current", "true")
    assert [text for text in page.problems if "ERR_FAILED" not in text and "htmx" not in text] == []
