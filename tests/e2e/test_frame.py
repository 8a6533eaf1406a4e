"""What stands around every page, in a browser: the keys, the menu, the clock, the count in title and icon."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from alerts.models import SLOAlert
from tests.alerts.alerting import a_member, an_alert
from tests.e2e.looking import violations

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def ago(minutes: float) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


@pytest.fixture
def alerts(organization) -> list[SLOAlert]:
    """The worst first."""
    severities = ("incident", "critical", "warning")
    return [
        an_alert(organization, None, now=ago(9), subject=one, severity=one, title=f"The {one}") for one in severities
    ]


def test_six_keys_lead_from_the_page_to_the_second_alert_acknowledged_and_more_to_the_rest(
    open_page, organization, alerts
):
    page = open_page("/alerts/", user=a_member(organization, "dana"))
    rows = [page.locator(f"#alert-{alert.pk}") for alert in alerts]
    for key in ("j", "j", "a"):
        page.keyboard.press(key)
    expect(rows[1]).to_contain_text("Acknowledged by you")
    expect(rows[1]).to_be_focused()
    expect(page.locator("#open-alerts")).to_have_text("3")  # until the next poll
    page.keyboard.press("u")
    expect(rows[1].get_by_role("button", name="Acknowledge")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(rows[2].get_by_role("checkbox")).to_be_checked()
    page.keyboard.press("n")
    page.keyboard.type("ajar")  # letters in a field are text
    expect(rows[2].get_by_placeholder("Note")).to_have_value("ajar")
    page.keyboard.press("Escape")
    expect(rows[2]).to_be_focused()
    page.keyboard.press("r")
    expect(rows[2]).to_contain_text("Resolved by you")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("The critical")
    page.keyboard.press("a")
    expect(page.locator("#alert")).to_contain_text("Acknowledged by you")
    assert page.problems == []


def test_the_list_of_keys_is_shown_and_switches_them_off(open_page, organization, alerts):
    page = open_page("/alerts/", user=a_member(organization, "dana"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page) == []
    page.get_by_label("Keys are on").uncheck()
    page.get_by_role("button", name="Close").click()
    page.reload()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.locator("#menu summary").click()
    assert violations(page) == []
    page.locator("#show-keys").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def test_the_clock_of_the_browser_and_the_count_in_title_and_icon(open_page, organization):
    page = open_page("/", timezone_id="Asia/Tokyo")
    expect(page.locator("#freshness")).to_contain_text("times in Europe/Berlin")
    page.locator("#menu summary").click()
    page.locator("#zone").click()
    expect(page.locator("#freshness")).to_contain_text("times in Asia/Tokyo")
    assert "alert" not in page.locator("#icon").get_attribute("href")
    an_alert(organization, now=ago(1))
    page.evaluate("document.body.dispatchEvent(new CustomEvent('tick'))")
    expect(page).to_have_title("(1) Overview of Shown Foods · SLO portal")
    expect(page.locator("#icon")).to_have_attribute("href", re.compile("favicon-alert"))
    expect(page.locator("#notice")).to_have_text("1 more open alert.")
