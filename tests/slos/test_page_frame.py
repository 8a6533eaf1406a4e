"""The frame of the pages: who sees what, what is said when there is little to show, errors."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Membership
from slos import figures
from slos.models import EngineState, SLODefinition
from tests.slos.worlds_to_show import NOW, Rows, member, page, show

pytestmark = pytest.mark.django_db


# --- who sees what ---------------------------------------------------------------------------------------


def test_a_stranger_is_sent_to_sign_in_and_back(organization, client):
    answer = client.get("/")
    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/")
    answer = client.post(
        "/login/?next=/", {"username": member(organization).username, "password": "sesame", "next": "/"}
    )
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert len(Rows(page(client)).found) == 7


def test_a_wrong_password_is_told_without_telling_more(organization, client):
    answer = client.post("/login/", {"username": member(organization).username, "password": "wrong"})
    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()
    assert "sesame" not in answer.content.decode()


def test_a_poll_of_an_ended_session_never_brings_the_sign_in_form_into_the_page(organization, client):
    answer = client.get("/part/overview", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.content) == (401, b"")


def test_signing_out_needs_a_post_and_ends_the_session(viewer):
    assert viewer.get("/logout/").status_code == 405
    assert viewer.post("/logout/").status_code == 302
    assert viewer.get("/").status_code == 302


def test_nothing_of_another_organisation_is_shown(viewer, clock):
    other = show(NOW, slug="other")
    SLODefinition.objects.filter(organization=other).update(slos_owner="Secret Team")
    figures.refresh(other, now=NOW)
    for address in ("/", "/part/overview"):
        text = viewer.get(address).content.decode()
        assert "Secret Team" not in text
        assert not any(str(pk) in text for pk in other.slos.values_list("pk", flat=True))
    viewer.force_login(member(other, "oscar"))
    assert "Secret Team" in page(viewer)


def test_somebody_without_an_organisation_is_told_so(client, organization):
    client.force_login(member(None, "nobody"))
    answer = client.get("/")
    assert answer.status_code == 403
    assert "You belong to no organisation yet" in answer.content.decode()


def test_only_staff_is_led_to_the_admin(viewer, organization):
    assert 'href="/admin/"' not in page(viewer)
    viewer.force_login(member(organization, "stan", is_staff=True))
    assert 'href="/admin/"' in page(viewer)


def test_a_page_is_not_kept_by_the_browser_after_signing_out(viewer):
    assert "no-store" in viewer.get("/")["Cache-Control"]


@pytest.mark.parametrize("address", ["/", "/part/overview"])
def test_pages_are_read_only(viewer, address):
    assert viewer.post(address).status_code == 405
    assert viewer.head(address).status_code == 200


# --- the frame -------------------------------------------------------------------------------------------


def test_before_the_first_invoice_the_page_says_what_to_do(client, clock):
    organization = show(NOW, slug="bare")
    organization.slos.all().delete()
    client.force_login(member(organization))
    assert "No objectives yet" in page(client)


def test_a_new_portal_shows_a_check_list(client, clock):
    organization = show(NOW, slug="empty")
    SLODefinition.objects.filter(organization=organization).exclude(sli_type="exception_resolution_time").delete()
    client.force_login(member(organization))
    text = page(client)
    assert "Waiting for the first invoice" in text
    assert "import_invoices" in text
    assert "The calculation is running" in text
    clock.shift(timedelta(minutes=3))
    assert "The calculation is not running" in page(client)


def test_before_the_first_calculation_the_page_says_so(viewer):
    EngineState.objects.all().delete()
    text = page(viewer)
    assert "Nothing has been calculated yet" in text
    assert 'data-through=""' in text
    assert viewer.get("/part/overview")["Data-Through"] == ""


def test_a_switched_off_calculation_is_said_on_every_page(viewer, settings):
    assert "METRICS_ENABLED" not in page(viewer)
    settings.METRICS_ENABLED = False
    assert "METRICS_ENABLED is false" in page(viewer)
    assert "METRICS_ENABLED is false" in viewer.get("/nothing-here").content.decode()


def test_the_support_contact_stands_on_the_page(viewer, settings):
    settings.SUPPORT_CONTACT = "slo-team@example.com"
    assert "slo-team@example.com" in page(viewer)


@pytest.mark.parametrize(("cookie", "theme"), [("dark", "dark"), ("light", "light"), ('"><script>', None), ("", None)])
def test_the_theme_of_the_switch_is_in_the_first_frame(viewer, cookie, theme):
    viewer.cookies["theme"] = cookie
    found = re.search(r'<html lang="en"(?: data-theme="(\w+)")?>', page(viewer))
    assert found
    assert found[1] == theme


def test_errors_say_what_happened_and_where_to_go(viewer):
    answer = viewer.get("/nothing-here")
    assert answer.status_code == 404
    assert "This page does not exist" in answer.content.decode()
    assert reverse("overview") in answer.content.decode()
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/login/", {"username": "a", "password": "b"})
    assert answer.status_code == 403
    assert "The form was out of date" in answer.content.decode()


def test_the_page_of_a_server_error_needs_nothing_that_may_be_broken(viewer, organization, monkeypatch):
    viewer.raise_request_exception = False
    Membership.objects.update(role="unheard-of")
    answer = viewer.get("/")
    assert answer.status_code == 500
    assert "The portal made an error" in answer.content.decode()
    assert "<script" not in answer.content.decode()
    assert answer["X-Request-ID"] in answer.content.decode()


def test_no_script_or_style_stands_in_a_page(viewer, organization):
    figures.refresh(organization, now=NOW)
    text = page(viewer)
    assert not re.search(r"<[^>]+\s(style|on\w+)=", text)
    scripts = re.findall(r"<script([^>]*)>([^<]*)", text)
    assert any(body.strip() for _, body in scripts)  # the figure's data, which no browser runs
    assert all("application/json" in attributes for attributes, body in scripts if body.strip())
    assert "unsafe" not in viewer.get("/")["Content-Security-Policy"]
