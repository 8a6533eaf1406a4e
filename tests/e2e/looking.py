"""What the browser tests do with a page."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Response, expect

from accounts.models import Organization
from tests.slos.worlds_to_show import add, invoice

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}  # all that a theme changes
POLL = "**/part/overview"


def violations(page: Page, rules: object = RULES) -> list[Any]:
    """What axe finds, and what it leaves to a reviewer unless that has been reviewed."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    run = "rules => axe.run({runOnly: rules, resultTypes: ['violations', 'incomplete']})"
    found = page.evaluate(run, rules)
    assert found["passes"]  # it has looked at something
    doubtful = [(one["id"], node) for one in found["incomplete"] for node in one["nodes"]]
    return [(one["id"], node["html"]) for one in found["violations"] for node in one["nodes"]] + [
        (rule, node["html"]) for rule, node in doubtful if not reviewed(page, rule, node)
    ]


def reviewed(page: Page, rule: str, node: dict[str, Any]) -> bool:
    """Contrasts that axe cannot compute: the shapes beside the words of a state, texts inside a chart, an icon of
    Django's administration beside a word, and what might lie upon something else: test_every_page looks at that."""
    if rule != "color-contrast":
        return False
    why = node["any"][0]["data"]["messageKey"]
    in_chart = node["html"].startswith(("<text", "<tspan"))
    icon = why == "bgImage" and "/admin/" in page.url
    return in_chart or icon or why in {"nonBmp", "bgOverlap", "elmPartiallyObscured", "elmPartiallyObscuring"}


def draw(page: Page) -> None:
    page.locator(".plot").scroll_into_view_if_needed()
    expect(page.locator("#budget-chart[data-drawn]")).to_be_visible()


def draw_all(page: Page, charts: int) -> None:
    """Scroll to each of the charts of a page."""
    plots = page.locator(".plot:not(.empty)")
    expect(plots).to_have_count(charts)
    for plot in plots.all():
        plot.scroll_into_view_if_needed()
        expect(plot).to_have_attribute("data-drawn", "true")


def until(page: Page, expression: str, arg: object = None) -> None:
    """What `wait_for_function` is for: that has the page itself evaluate text from its second look on, which our
    content policy forbids."""
    for _ in range(600):
        if page.evaluate(expression, arg):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"Never true: {expression}")


def poll(page: Page) -> Response:
    with page.expect_response(POLL) as answer:
        page.evaluate("document.body.dispatchEvent(new CustomEvent('tick'))")
    answer.value.finished()
    return answer.value


def one_more_late(organization: Organization, name: str = "late") -> None:
    """Changes figures and neither a state nor the order of the objectives."""
    now = datetime.now(UTC)
    add(organization, [invoice(name, now - timedelta(hours=7), late=True)], now)


def switch_range(page: Page, name: str) -> None:
    """By its link: the address changes, the focus stays on it and nothing moves."""
    page.wait_for_load_state("networkidle")
    page.evaluate("window.same = true; seen.shift = 0; moved.length = 0")
    link = page.get_by_role("link", name=name, exact=True)
    link.click()
    expect(link).to_have_attribute("aria-current", "true")
    expect(link).to_be_focused()
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.same"), "the page was loaded anew"
    assert page.evaluate("seen.shift") <= 0.001, page.evaluate("moved")
