"""The editor of an objective in a browser: the preview follows what is typed, on every screen, for everybody."""

import pytest
from playwright.sync_api import Page, expect

from slos.models import SLODefinition
from tests.admin_world import address
from tests.e2e.looking import draw_all
from tests.e2e.test_admin import complaints

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

TRACES = "document.querySelector('#weeks-plot').data.map(({name, y}) => [name, y.some(Number.isFinite)])"


@pytest.fixture
def editor(viewer):
    viewer.is_staff = viewer.is_superuser = True
    viewer.save()
    return viewer


def form(organization) -> str:
    return address(SLODefinition, "change", organization.slos.get(name="Time-to-Ready Processing").pk)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 360), ("dark", 360)])
def test_the_preview_follows_the_form(open_page, organization, editor, scheme, width):
    page: Page = open_page(form(organization), editor, width=width, color_scheme=scheme, reduced_motion="reduce")
    preview = page.locator("#preview")
    expect(preview).to_contain_text("With 95\N{NO-BREAK SPACE}% within 5 minutes", timeout=60_000)
    page.get_by_label("Target value").fill("10")
    expect(preview).to_contain_text("within 10 minutes you would have kept it", timeout=60_000)
    expect(preview).to_contain_text("counted from the rows")
    page.get_by_label("Target percentage").fill("100")
    expect(preview).to_contain_text("No preview: mend this first.", timeout=60_000)
    page.get_by_label("Target percentage").fill("99.9")
    preview.get_by_role("button", name="over 30 days").click()
    expect(preview).to_contain_text("would have kept it", timeout=60_000)
    draw_all(page, 1)
    assert page.evaluate(TRACES) == [["as saved", True], ["as proposed", True]]
    preview.get_by_text("Show the data as a table").click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.problems[:] = [one for one in page.problems if "422" not in one]  # type: ignore[attr-defined]
    assert complaints(page) == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_an_act_asks_first_and_an_old_version_comes_back_as_a_form(open_page, organization, editor, scheme, width):
    seen = {"width": width, "color_scheme": scheme, "reduced_motion": "reduce"}
    page: Page = open_page(address(SLODefinition, "changelist"), editor, **seen)
    for box in page.locator("input.action-select").all()[:2]:
        box.check()
    page.get_by_label("Action:").select_option("archive")
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_role("heading", name="2 will change")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert complaints(page) == []
    expect(page.get_by_role("button", name="Archive 2 objectives")).to_be_visible()
    slo = organization.slos.get(name="Time-to-Ready Processing")
    slo.target_percentage = 97
    slo.save()
    page.goto(address(SLODefinition, "history", slo.pk))
    page.locator("#change-history a").last.click()
    expect(page.get_by_role("heading", name="Back to an old version")).to_be_visible()
    expect(page.get_by_label("Target percentage")).to_have_value("95")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert complaints(page) == []


def test_without_javascript_a_button_shows_it(open_page, organization, editor):
    page: Page = open_page(form(organization), editor, java_script_enabled=False)
    page.get_by_label("Target percentage").fill("99")
    page.get_by_role("button", name="Show what this would have meant").click()
    expect(page.get_by_role("heading", name="Preview")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("With 99")
