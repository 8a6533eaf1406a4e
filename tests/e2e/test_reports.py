"""Reports in a browser: made without scripts, readable for everybody, printed on paper."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from kpis.params import Span
from slo_portal.reports import writing
from tests.alerts.alerting import an_alert
from tests.e2e.looking import violations

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def test_one_is_made_without_javascript_and_axe_finds_nothing(open_page, organization, viewer):
    now = datetime.now(UTC)
    an_alert(organization, now=now - timedelta(hours=3), title="a-title-without-any-place-to-break-it-" * 5)
    writing.write(organization, Span(now - timedelta(days=20), now), {"vendor": "W" * 200}, by=viewer, now=now)
    viewer.memberships.update(role="operator")
    page = open_page("/reports/", java_script_enabled=False, width=360)
    page.get_by_text("Make a report of any range").click()
    page.get_by_label("From").fill(f"{now - timedelta(days=6):%Y-%m-%d}")
    page.get_by_label("Until, not included").fill("soon")
    page.get_by_role("button", name="Make the report").click()
    expect(page.get_by_text("Must be an ISO 8601 time")).to_be_visible()
    expect(page.get_by_label("From")).not_to_have_value("")
    page.get_by_label("Until, not included").fill(f"{now + timedelta(days=1):%Y-%m-%d}")
    page.get_by_role("button", name="Make the report").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Report: ")
    expect(page.locator("[data-answer]")).to_contain_text("objectives met")
    made = page.url
    page.get_by_role("table", name="Objectives").get_by_role("link", name="bad for").first.click()
    expect(page.locator("[data-answer]")).to_contain_text("bad of")
    for scheme, width in (("light", 1280), ("dark", 360)):
        page = open_page(None, width=width, color_scheme=scheme)
        for path in ("/reports/", "/reports/?kind=daily", made):
            page.goto(path)
            assert violations(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert page.evaluate("[seen.violations, seen.shift]") == [[], 0], path
        assert page.problems == []
    page.get_by_role("link", name="To print or keep").click()
    assert violations(page) == []
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 794, "height": 1123})  # A4
    assert page.evaluate("document.documentElement.scrollWidth") <= 794
