"""Every kind of page as anybody meets it: light and dark, on a desk and on a phone, with large text and by keyboard."""

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from slos.models import EngineState
from tests.e2e import places
from tests.e2e.looking import COLOURS, RULES, draw_all, violations
from tests.e2e.places import House, Place

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
SCREENSHOTS = os.environ.get("SCREENSHOTS")  # a folder, for who wants to look at them
STILL = 0.001
FRESH = {"overview", "objectives", "objective", "inbox", "KPIs", "report"}  # they say how old their figures are
SETTLED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
UNLABELLED = """() => [...document.querySelectorAll(".plot:not(.empty)")].filter((plot) => {
    const figure = plot.closest("figure"), text = document.getElementById(plot.getAttribute("aria-labelledby"));
    return !text?.textContent.trim() || !figure.querySelector("figcaption") || !figure.querySelector("table td");
}).map((plot) => plot.id)"""
BEYOND = """width => [...document.querySelectorAll("main *")]
    .filter((one) => one.getBoundingClientRect().right > width).map((one) => one.outerHTML.slice(0, 120)).slice(-4)"""
# Of all that takes the focus: what then looks as before, and what something else covers.
WITHOUT_FOCUS = """() => {
    const look = (one) => {
        const {outline, outlineStyle, outlineWidth, boxShadow, borderColor} = getComputedStyle(one);
        return [outlineStyle === "none" || outlineWidth === "0px" ? "" : outline, boxShadow, borderColor].join();
    };
    const stops = "a[href], button, input, select, textarea, summary, [tabindex='0']";
    const found = [];
    for (const one of document.querySelectorAll(stops)) {
        if (one.disabled || one.type === "hidden" || !one.checkVisibility({visibilityProperty: true})) continue;
        one.blur();
        const before = look(one);
        one.focus({focusVisible: true});
        if (document.activeElement !== one) continue;
        if (look(one) === before) found.push(`no focus seen: ${one.outerHTML.slice(0, 120)}`);
        const {x, y, width, height} = one.getBoundingClientRect();
        const top = document.elementFromPoint(x + width / 2, y + height / 2);
        const known = [one, ...one.labels || []].some((own) => own.contains(top));
        if (width && top && !known && !top.contains(one))
            found.push(`covered: ${one.outerHTML.slice(0, 120)} by ${top.outerHTML.slice(0, 80)}`);
    }
    document.activeElement.blur();
    scrollTo(0, 0);
    return found;
}"""


@pytest.fixture
def house(organization) -> House:
    return places.furnish(organization)


class Walk:
    """Opens pages, each person in a window of her own, and notes what is wrong with them."""

    def __init__(self, open_page: Any, host: str) -> None:
        self.open_page, self.host = open_page, host
        self.windows: dict[str, Page] = {}
        self.wrong: dict[str, list[str]] = {}
        self.seen = 0

    def window(self, place: Place) -> Page:
        who = place.who.username if place.who else ""
        if who not in self.windows:
            self.windows[who] = self.open_page(None, place.who, reduced_motion="reduce")
        return self.windows[who]

    def through(self, found: Iterable[Place]) -> None:
        for place in found:
            page = self.window(place)
            self.visit(page, place)
            self.seen += 1
        assert not self.wrong, "\n".join(f"{where}\n    {'; '.join(what)}" for where, what in self.wrong.items())

    def visit(self, page: Page, place: Place) -> None:
        for width in (1280, 360):
            page.requests.clear()  # type: ignore[attr-defined]
            page.problems.clear()  # type: ignore[attr-defined]  # those that axe itself makes, too
            page.emulate_media(color_scheme="light")
            page.set_viewport_size({"width": width, "height": 740})
            answer = page.goto(place.path)
            assert answer is not None
            self.note(place, width, [] if answer.status == place.status else [f"status {answer.status}"])
            draw_all(page, place.charts)
            if page.evaluate("seen.shift") > STILL:  # an age may just have got another digit: look again
                page.reload()
                draw_all(page, place.charts)
            self.note(place, width, faults(page, width, self.host))
            self.note(place, width, [text for text in page.problems if f"status of {place.status}" not in text])  # type: ignore[attr-defined]
            for scheme, rules in (("light", RULES), ("dark", COLOURS)):
                page.emulate_media(color_scheme=scheme)
                page.evaluate(SETTLED)
                self.note(place, f"{width} {scheme}", [str(one) for one in violations(page, rules)])
                self.photograph(page, place, f"{width}-{scheme}")
        self.note(place, "320 px, 200 %", too_wide(page))

    def note(self, place: Place, where: object, found: list[str]) -> None:
        if found:
            self.wrong.setdefault(f"{place.name}: {where}", []).extend(found)

    def photograph(self, page: Page, place: Place, look: str) -> None:
        if SCREENSHOTS:
            name = "".join(letter if letter.isalnum() else "-" for letter in place.name)
            page.screenshot(path=Path(SCREENSHOTS) / f"{name}-{look}.png", full_page=True, caret="initial")


def faults(page: Page, width: int, host: str) -> list[str]:
    page.keyboard.press("Shift")  # so that the focus is shown as to who uses keys
    page.evaluate(SETTLED)
    seen, wide = page.evaluate("[seen, document.documentElement.scrollWidth]")
    found = [f"moves by {seen['shift']}: {page.evaluate('moved')}"] if seen["shift"] > STILL else []
    found += [f"forbidden: {one}" for one in seen["violations"]]
    found += [f"{wide} px wide"] if wide > width else []
    found += [f"asks {url}" for url in page.requests if not url.startswith((host, "data:"))]  # type: ignore[attr-defined]
    found += [f"a chart without words: {one}" for one in page.evaluate(UNLABELLED)]
    return found + page.evaluate(WITHOUT_FOCUS)


def too_wide(page: Page) -> list[str]:
    found = []
    for width, text in ((320, "100%"), (640, "200%")):
        page.set_viewport_size({"width": width, "height": 740})
        body = page.evaluate(
            """size => {
                document.documentElement.style.fontSize = size;
                return parseFloat(getComputedStyle(document.body).fontSize);
            }""",
            text,
        )
        assert body > 12 * int(text.rstrip("%")) / 100  # the text has really grown
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found.append(f"{wide} px wide at {width} px, text {text}: {page.evaluate(BEYOND, width)}")
    page.evaluate("document.documentElement.style.fontSize = ''")
    return found


@pytest.fixture
def walk(open_page, portal) -> Iterator[Walk]:
    walk = Walk(open_page, portal)
    yield walk
    assert walk.seen > 4  # it has been somewhere


def test_the_pages_of_the_portal(walk, house):
    walk.through(places.portal(house))


def test_the_pages_of_the_portal_while_figures_are_stale(walk, house):
    EngineState.objects.update(ticked_at=datetime.now(UTC) - timedelta(minutes=9))
    walk.through([one for one in places.portal(house) if one.name in FRESH])


def test_the_doors_and_the_errors(walk, house):
    walk.through(places.doors(house))


def test_the_administration(walk, house):
    walk.through(places.administration(house))


def test_the_pages_where_nothing_has_come_in_yet(walk, house):
    walk.through(places.nothing_yet())
