"""Signing in and one's own account, in a browser: for everybody, and within the content policy."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from playwright.sync_api import expect

from accounts import invitations, second_factor, totp
from accounts.models import Membership
from tests.calling import an_organization
from tests.e2e.looking import violations
from tests.slos.worlds_to_show import member

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
looks = pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])


@pytest.fixture
def many(viewer):
    """Vera in a second organisation with a long name: the frame has its switch."""
    other = an_organization("second")
    other.name = "Second Foods and Beverages of Northern Europe"
    other.save()
    Membership.objects.create(user=viewer, organization=other, role="admin")
    return viewer


def fits(page, width):
    return page.evaluate("document.documentElement.scrollWidth") <= width


def next_code(user):
    user.refresh_from_db()
    return totp.code_of(second_factor.secret_of(user), int(datetime.now(UTC).timestamp()) // 30)


@looks
def test_axe_finds_nothing_in_what_the_pages_of_an_account_answer(open_page, many, width, scheme):
    page = open_page(None, width=width, color_scheme=scheme)
    page.goto("/account/password/")
    page.fill("#id_old_password", "wrong")
    page.fill("#id_new_password1", "x")
    page.fill("#id_new_password2", "y")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("alert")).to_be_focused()
    assert violations(page) == []
    page.goto("/account/tokens/")
    page.get_by_label("Name").fill("importer")
    page.get_by_role("button", name="Make it").click()
    assert page.get_by_label("importer").input_value().startswith("slo_")
    assert violations(page) == []
    page.goto("/account/tokens/")
    assert violations(page) == []
    assert fits(page, width)
    assert page.evaluate("seen.violations") == []
    assert page.problems == []


@looks
def test_a_second_factor_is_set_up_and_asked_for(open_page, viewer, width, scheme):
    viewer.password = PBKDF2PasswordHasher().encode("sesame", "salt")  # the server does not know that of the tests
    viewer.save()
    page = open_page("/account/two-step/", width=width, color_scheme=scheme)
    page.get_by_role("button", name="Set it up").click()
    assert violations(page) == []
    assert fits(page, width)
    assert page.locator(".qr svg").bounding_box()["width"] > 150
    page.get_by_label("Code from the app").fill(next_code(viewer))
    page.get_by_role("button", name="Take it into use").click()
    expect(page.locator(".codes li")).to_have_count(10)
    assert violations(page) == []
    recovery = page.locator(".codes li").first.inner_text()
    page.goto("/account/two-step/")
    assert violations(page) == []
    page.locator("#menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.fill("#id_username", viewer.username)
    page.fill("#id_password", "sesame")
    page.locator("button.main").click()
    page.get_by_label("Code", exact=True).fill("000000")
    page.locator("button.main").click()
    expect(page.get_by_role("alert")).to_be_focused()
    assert violations(page) == []
    assert fits(page, width)
    page.get_by_label("Code", exact=True).fill(recovery)
    page.locator("button.main").click()
    page.wait_for_url("**/")
    assert page.evaluate("seen.violations") == []
    assert page.problems == []


@looks
def test_axe_finds_nothing_at_the_door(open_page, organization, width, scheme):
    boss = member(organization, "boss")
    _, link = invitations.invite(organization, "new@example.com", "operator", by=boss, now=datetime.now(UTC))
    page = open_page(f"/join/{link.rstrip('/').rpartition('/')[2]}/", user=None, width=width, color_scheme=scheme)
    assert page.url.endswith("/join/")
    assert violations(page) == []
    assert fits(page, width)
    page.goto("/login/")
    for _ in range(6):
        page.fill("#id_username", "nobody")
        page.fill("#id_password", "wrong")
        page.locator("button.main").click()
    expect(page.get_by_role("alert")).to_contain_text("Too many attempts. Try again in")
    assert violations(page) == []
    page.goto("/join/")
    page.fill("#id_username", "newcomer")
    page.fill("#id_password1", "sesame-open-1")
    page.fill("#id_password2", "sesame-open-1")
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_role("status").first).to_contain_text("Welcome to")
    assert violations(page) == []


def test_the_organisation_is_switched_in_the_frame_and_in_the_administration(open_page, many):
    many.is_staff = True
    many.save()
    page = open_page("/account/")
    page.get_by_label("Organisation", exact=True).select_option("second")
    page.get_by_role("button", name="Switch").click()
    assert page.url.endswith("/account/")
    assert page.get_by_label("Organisation", exact=True).input_value() == "second"
    page.goto("/admin/")
    assert page.get_by_label("Organisation", exact=True).input_value() == "second"


def test_static_files_carry_the_headers_of_pages(open_page):
    page = open_page("/login/", user=None)
    address = page.locator("link[rel=stylesheet]").get_attribute("href")
    found = page.request.get(address).headers
    assert found["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in found["content-security-policy"]
