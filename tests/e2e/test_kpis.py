"""The page about KPIs in a browser: read by everybody, drawn, and still while it loads."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Organization
from kpis import rollups
from kpis.models import InvoiceMetric
from slos.buckets import take_marks
from tests.e2e.looking import switch_range, until, violations

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
FIGURES = ("volume", "times", "touchless")  # no invoice of this world has an exception


@pytest.fixture
def counted(organization: Organization) -> Organization:
    rollups.note(organization, take_marks(organization))
    while rollups.refresh(organization, now=datetime.now(UTC)):
        pass
    return organization


def draw(page: Page) -> None:
    for key in FIGURES:
        page.locator(f"#{key}-plot").scroll_into_view_if_needed()
        expect(page.locator(f"#{key}-plot[data-drawn]")).to_be_visible()
        assert page.locator(f"#{key}-plot .trace").count() > 0


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_axe_finds_nothing_and_every_figure_is_drawn(open_page, counted, width, scheme):
    InvoiceMetric.objects.filter(invoice_id__endswith="7").update(vendor="Acme")
    page = open_page("/kpis/?by=vendor", width=width, height=800, color_scheme=scheme)
    answer = page.locator("[data-answer]").bounding_box()
    assert answer["y"] + answer["height"] <= 740
    draw(page)
    page.locator("#volume-table summary").click()
    page.locator("#range-custom summary").click()
    assert violations(page) == []
    assert page.problems == []
    assert page.evaluate("seen.violations") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_nothing_moves_and_a_range_is_chosen_without_scripts_too(open_page, counted):
    page = open_page("/kpis/")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("seen.shift") <= 0.001
    total = page.locator("[data-figure=total_invoices]")
    month = total.inner_text()
    page = open_page("/kpis/", java_script_enabled=False, width=320)
    assert page.locator(".tiles").bounding_box()["width"] <= 320
    page.get_by_role("link", name="7 days").click()
    expect(page.locator("[data-figure=total_invoices]")).not_to_have_text(month)
    page.locator("#range-custom summary").click()
    page.get_by_role("textbox", name="From").fill("2026-13-01")
    page.get_by_label("until, not included").fill("2026-02-01")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("alert")).to_contain_text("start: Must be")
    expect(page.get_by_role("textbox", name="From")).to_have_value("2026-13-01")


@pytest.mark.parametrize("width", [1280, 360])
def test_another_range_is_shown_in_its_place_and_the_way_back_leads_to_the_first(open_page, counted, width):
    page = open_page("/kpis/", width=width)
    total = page.locator("[data-figure=total_invoices]")
    month = total.inner_text()
    draw(page)
    page.evaluate("scrollTo(0, 0)")
    switch_range(page, "7 days")
    expect(page).to_have_url(re.compile(r"/kpis/\?range=7d$"))
    expect(total).not_to_have_text(month)
    until(page, "document.getElementById('volume-plot').data[0].x.length < 10")  # days
    page.go_back()
    expect(total).to_have_text(month)
    expect(page).to_have_url(re.compile(r"/kpis/$"))
