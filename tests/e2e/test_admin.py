"""Every page of the admin in a browser: nothing breaks the content policy, and everybody can use it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from accounts.models import ApiToken
from slos.models import SLODefinition
from tests.admin_world import World, address, listed, models, world
from tests.e2e.looking import until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()


@pytest.fixture
def house(transactional_db):
    return world()


def pages(house: World) -> Iterator[str]:
    """All that a superuser can open, one row of each list."""
    client = house.client("root")
    yield "/admin/"
    yield "/admin/password_change/"
    for model in models():
        key = listed(client, model)[0]
        opened = [
            address(model, "changelist"),
            *(address(model, page, key) for page in ("change", "history", "delete")),
        ]
        opened.append(address(model, "add"))
        yield from (url for url in opened if client.get(url, follow=True).status_code == 200)
    slo = SLODefinition.objects.first()
    yield f"{address(SLODefinition, 'history', slo.pk)}{slo.history.first().pk}/"
    yield f"/admin/accounts/organization/{house.theirs.pk}/configuration/"
    yield f"/admin/accounts/user/{house.stranger.pk}/password/"


def barriers(page: Page) -> list[str]:
    """What axe finds in the light, and which colours it finds too faint in the dark."""
    page.evaluate(AXE)
    found = page.evaluate("() => axe.run()")
    assert len(found["passes"]) > 10  # it has looked at something
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate("() => axe.run({runOnly: ['color-contrast']})")
    page.emulate_media(color_scheme="light")
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found["violations"] + dark["violations"]]


def complaints(page: Page) -> list[str]:
    found = [*page.evaluate("seen.violations"), *page.problems]  # type: ignore[attr-defined]
    return [*found, *barriers(page)]


def test_every_page_keeps_to_the_policy_and_has_no_barrier(open_page, house):
    opened = list(pages(house))
    assert len(opened) > 50
    page, wrong = open_page(None, house.root, color_scheme="light", reduced_motion="reduce"), {}
    for url in opened:
        page.problems.clear()
        page.goto(url)
        if found := complaints(page):
            wrong[url] = found
    assert wrong == {}
    page.problems.clear()
    secret = make_token(page, "their-admin")
    assert complaints(page) == []
    assert secret not in str(page.context.cookies())
    page.get_by_role("link", name="back to the list").click()
    page.get_by_text(secret[:10]).wait_for()
    assert secret not in page.content()
    host = page.url.partition("/admin/")[0]
    assert [url for url in page.requests if not url.startswith((host, "data:"))] == []


def make_token(page: Page, user: str) -> str:
    page.goto(address(ApiToken, "add"))
    page.get_by_label("User").select_option(label=user)
    page.get_by_label("Organization").select_option(label="Theirs")
    page.get_by_label("Name").fill("importer")
    page.get_by_label("Expires at").fill("2099-01-01T00:00:00")
    page.get_by_role("button", name="Save").click()
    secret = page.get_by_label("Token “importer”").input_value()
    assert secret.startswith("slo_")
    return secret


def test_a_violation_would_be_seen(open_page, house):
    page = open_page("/admin/", house.root)
    page.evaluate("document.body.setAttribute('style', 'color: red')")
    page.evaluate("document.head.appendChild(document.createElement('script')).text = 'window.planted = 1'")
    until(page, "seen.violations.length > 1")
    assert page.evaluate("window.planted") is None


def test_the_theme_of_the_portal_is_that_of_the_admin(open_page, house):
    page = open_page("/admin/", house.root, color_scheme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    for _ in range(2):  # as the system has it, light, dark
        page.locator(".theme-toggle").click()
    dark = page.evaluate(background)
    assert dark != light
    page.goto("/admin/slos/slodefinition/")
    assert page.evaluate(background) == dark
    page.goto("/")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
