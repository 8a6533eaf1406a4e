"""The explorer of invoices in a browser: for everybody, from the figure to one invoice, and without scripts."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from kpis.models import InvoiceMetric
from tests.e2e.looking import violations
from tests.facts import exception, slo
from tests.slos.worlds_to_show import add, invoice

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
LONG = "a-number-without-any-place-to-break-it-" * 4


@pytest.fixture
def paths(organization) -> list[str]:
    """One of each kind of page, with long and short words."""
    now = datetime.now(UTC)
    said = {
        "vendor": "Łódź Papier & Söhne GmbH",
        "channel": "email",
        "document_type": "credit note",
        "amount": "1234.5",
    }
    said |= {"currency": "EUR", "labels": {"cost centre": "4711"}}
    made = invoice(LONG, now - timedelta(hours=5), late=True, failed=True, duplicate=True)
    add(organization, [made | said, {"invoice_id": "waits", "uploaded_at": now}], now)
    exception(organization, "E-1", now=now, invoice_id=LONG, kind="price", severity="high", opened_at=now)
    key, objective = InvoiceMetric.objects.get(invoice_id=LONG).pk, slo(organization, "time_to_ready").pk
    return [
        "/invoices/", f"/invoices/?slo={objective}", f"/invoices/?slo={objective}&outcome=pending", "/exceptions/",
        "/invoices/?vendor=nobody&label=x", "/invoices/?start=yesterday", f"/invoices/{key}/",
    ]  # fmt: skip


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_axe_finds_nothing_and_nothing_has_to_be_scrolled_sideways(open_page, paths, width, scheme):
    page = open_page(None, width=width, height=740, color_scheme=scheme)
    for path in paths:
        page.goto(path)
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert page.evaluate("[seen.violations, seen.shift]") == [[], 0], path
        if "yesterday" not in path:
            box = page.locator("[data-answer]").bounding_box()
            assert box["y"] + box["height"] <= 740, path
    assert page.problems == ["Failed to load resource: the server responded with a status of 400 (Bad Request)"]


def test_the_rows_of_a_figure_lead_to_one_of_them_without_javascript(open_page, organization, paths):
    page = open_page("/invoices/", java_script_enabled=False, width=360)
    page.get_by_label("Objective").select_option("Time-to-Ready Processing")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("[data-answer]")).to_contain_text("21 bad of")
    expect(page.locator(".listed tbody tr")).to_have_count(21)
    page.get_by_role("link", name="I-19").click()
    expect(page.locator("[data-answer]")).to_have_text("Completed")
    expect(page.get_by_role("row", name="Time-to-Ready")).to_contain_text("Ready 1\N{NO-BREAK SPACE}min late")
    page.go_back()
    page.get_by_role("link", name="Objective: Time-to-Ready Processing").click()
    page.get_by_role("link", name="Next page").click()
    expect(page.locator(".listed tbody tr")).to_have_count(50)
    expect(page.get_by_role("link", name="First page")).to_be_visible()
