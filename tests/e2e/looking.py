"""What the browser tests do with a page."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Response, expect

from accounts.models import Organization
from tests.slos.worlds_to_show import add, invoice

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
    in_chart = node["html"].startswith(("<text", "<tspan"))
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
