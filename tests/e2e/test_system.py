"""The system page in a browser: read by everybody, drawn, and still while it loads."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from accounts.models import User
from monitoring import recorded
from monitoring.models import Process
from tests.alerts.alerting import a_sent_message
from tests.e2e.looking import violations

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
COMPONENTS = ("web", "worker", "beat", "database")


@pytest.fixture
def operator(organization):
    """Of a portal whose last three hours are recorded, but for half an hour in which it was down."""
    now = datetime.now(UTC)
    for minute in (*range(180, 90, -3), *range(60, -1, -3)):
        at = now - timedelta(minutes=minute)
        for k, component in enumerate(COMPONENTS):
            figures = {"memory_bytes": (k + 1) * 60e6 + minute * 1e5, "cpu_percent": 5 + k * 3 + minute % 7}
            seen = {"seen_at": at - timedelta(seconds=100 if component == "beat" else 2), "measured_at": at}
            Process.objects.update_or_create(component=component, place="a 1", defaults={**figures, **seen})
        a_sent_message(organization, minute % 5 + 1, now=at)
        recorded.tick.took(organization, 0.2 + minute % 9 / 10)
        recorded.record(minute % 11, now=at)
    return User.objects.create_superuser("operator")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_axe_finds_nothing_and_every_figure_is_drawn(open_page, operator, width, scheme):
    page = open_page("/system/?range=6h", user=operator, width=width, height=800, color_scheme=scheme)
    answer = page.locator("[data-answer]")
    assert "beat" in answer.inner_text()
    assert answer.bounding_box()["y"] < 740
    for key in ("memory", "cpu", "took", "queue", "size"):
        page.locator(f"#{key}-plot").scroll_into_view_if_needed()
        expect(page.locator(f"#{key}-plot[data-drawn]")).to_be_visible()
    assert page.evaluate("seen.shift") <= 0.001
    page.locator("#queue-table summary").click()
    assert violations(page) == []
    assert page.problems == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
