"""What a page costs a reader who comes for the first time, and what it costs to leave it open."""

from collections.abc import Iterator
from statistics import median
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Page

from accounts.models import Organization
from tests.e2e import places
from tests.e2e.looking import draw_all, until
from tests.e2e.places import House, Place

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
KB = 1024
LOADS = 5
POLLS = 5
PAINT = """
window.painted = 0;
new PerformanceObserver((list) => { for (const e of list.getEntries()) window.painted = e.startTime; })
    .observe({type: "largest-contentful-paint", buffered: true});
"""
# Milliseconds until the largest text or picture stands there, and the bytes that have come by then.
PAINTED = """() => {
    const parts = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    const before = parts.filter((one) => one.responseEnd <= painted);
    return [painted, before.reduce((sum, one) => sum + one.transferSize, 0)];
}"""


class Weight(NamedTuple):
    """Of a first visit. `before` are the bytes that the largest paint had to wait for, at most."""

    requests: int
    bytes: int
    before: int
    paint: float  # milliseconds

    @property
    def words(self) -> str:
        return f"{self.requests} requests, {self.bytes / KB:.0f} KB, {self.before / KB:.0f} KB before the paint"


@pytest.fixture
def house(organization: Organization) -> House:
    return places.furnish(organization)


def kinds(house: House) -> Iterator[Place]:
    yield from places.portal(house)
    yield Place("login", "/login/", None)


def weigh(open_page: Any, place: Place) -> Weight:
    page: Page = open_page(None, place.who)  # with nothing in its cache
    page.add_init_script(PAINT)
    sizes: list[int] = []
    cdp = page.context.new_cdp_session(page)
    cdp.send("Network.enable")
    cdp.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    page.goto(place.path)
    until(page, "() => window.painted > 0")
    paint, before = page.evaluate(PAINTED)
    draw_all(page, place.charts)
    page.context.close()
    return Weight(len(sizes), sum(sizes), before, paint)


def too_heavy(place: Place, one: Weight) -> bool:
    requests, most = (12, 450 * KB) if place.charts else (10, 60 * KB)
    return one.requests > requests or one.bytes > most or one.before > 40 * KB


def test_a_first_visit_costs_few_requests_and_bytes(open_page, house):
    found = {place: weigh(open_page, place) for place in kinds(house)}
    assert {place.name: one.words for place, one in found.items() if too_heavy(place, one)} == {}
    assert all(one.bytes > 5_000 and one.before > 2_000 and one.requests > 3 for one in found.values())
    assert any(one.bytes > 300 * KB for one in found.values())  # Plotly has been counted


def test_a_page_that_is_left_open_is_answered_with_nothing(open_page, house):
    answers: dict[str, list[tuple[int, int]]] = {}
    for place in places.portal(house):
        if place.name not in {"overview", "objectives", "objective", "inbox", "alert", "incident"}:
            continue
        page = open_page(place.path, place.who)
        answers[place.name] = found = []
        for _ in range(POLLS):
            with page.expect_response("**/part/**") as answer:
                page.evaluate("document.body.dispatchEvent(new CustomEvent('tick'))")
            found.append((answer.value.status, int(answer.value.headers.get("content-length", 0))))
        page.context.close()
    assert answers == {name: [(304, 0)] * POLLS for name in answers}
    assert len(answers) == 6


@pytest.mark.long
def test_how_long_until_the_largest_paint(open_page, house, capsys):
    """Prints the medians; a machine under load paints late, so nothing is asserted of the time."""
    with capsys.disabled():
        print(f"\n{'page':24} paint ms  requests  KB  KB before")  # noqa: T201
        for place in kinds(house):
            loads = [weigh(open_page, place) for _ in range(LOADS)]
            one = loads[-1]
            sizes = f"{one.requests:8} {one.bytes / KB:4.0f} {one.before / KB:5.0f}"
            print(f"{place.name:24} {median(load.paint for load in loads):8.0f} {sizes}")  # noqa: T201
