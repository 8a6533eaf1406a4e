"""The pages about the API, in a browser."""

import pytest
from playwright.sync_api import expect

from tests.e2e.looking import violations

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_axe_finds_nothing_in_the_page_about_the_api(open_page, width, scheme):
    page = open_page("/docs", width=width, height=740, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('.docs details').forEach((one) => { one.open = true; })")
    assert violations(page) == []
    assert page.problems == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_api_can_be_tried_in_the_browser_with_nothing_from_elsewhere(open_page, portal, scheme):
    page = open_page("/docs/try", color_scheme=scheme)
    operation = page.locator("#operations-slos-get_definitions")
    operation.locator("button.opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    with page.expect_response("**/slos/definitions*") as answer:
        operation.get_by_role("button", name="Execute").click()
    assert answer.value.status == 200
    expect(operation.locator(".live-responses-table")).to_contain_text("definitions")
    assert page.problems == []
    assert page.evaluate("seen.violations") == []
    assert {url.split("/")[2] for url in page.requests if url.startswith("http")} == {portal.split("/")[2]}
