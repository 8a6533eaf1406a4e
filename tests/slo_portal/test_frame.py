"""What stands around every page: places to go, how fresh the figures are, whose clock, the manual."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import Organization
from slo_portal import manual
from slos.models import EngineState
from tests.alerts.alerting import an_alert
from tests.facts import firm
from tests.slos.worlds_to_show import member

NOW = datetime(2026, 11, 10, 12, 2, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def organization() -> Organization:
    found = firm(time_zone="Europe/Berlin")
    EngineState.objects.create(organization=found, ticked_at=NOW - timedelta(seconds=40))
    return found


@pytest.fixture
def web(organization: Organization, client: Client):
    client.force_login(member(organization))
    with time_machine.travel(NOW, tick=False):
        yield client


def text(web: Client, name: str = "alerts") -> str:
    return web.get(reverse(name)).content.decode()


def test_every_page_says_how_far_its_figures_reach_and_when_they_are_stale(web):
    for name in ("overview", "alerts", "account", "help"):
        assert 'class="freshness"' in text(web, name)
        assert "10 Nov, 13:01" in text(web, name)
    EngineState.objects.update(ticked_at=NOW - timedelta(minutes=9))
    assert 'class="freshness is-stale"' in text(web, "account")
    answer = web.get("/part/alerts")
    assert answer["Data-Through"] == "2026-11-10T11:53:00+00:00"


@pytest.mark.parametrize(
    ("cookie", "zone", "shown"),
    [
        ("Asia%2FTokyo", "Asia/Tokyo", "21:01"),
        ("../../etc/passwd", "Europe/Berlin", "13:01"),
        ("", "Europe/Berlin", "13:01"),
    ],
)
def test_times_are_those_of_the_organisation_or_of_the_browser(web, cookie, zone, shown):
    web.cookies["zone"] = cookie
    assert f"10 Nov, {shown}" in text(web)
    assert f"times in {zone}" in text(web)


def test_open_alerts_are_in_the_navigation_the_title_and_the_icon(web, organization):
    assert "favicon.svg" in re.findall(r'rel="icon"[^>]+href="([^"]+)"', text(web))[0]
    an_alert(organization, now=NOW)
    page = text(web, "account")
    assert "<title>(1) " in page
    assert 'class="count some">1<' in page
    assert "favicon-alert" in re.findall(r'rel="icon"[^>]+href="([^"]+)"', page)[0]


def test_the_help_of_a_page_is_the_how_to_that_goes_with_it(web):
    assert reverse("help", args=["answer-an-alert"]) in text(web, "alerts")
    assert "Answer an alert" in web.get(reverse("help", args=["answer-an-alert"])).content.decode()
    assert web.get(reverse("help", args=["nothing"])).status_code == 404


def test_every_page_of_the_manual_is_shown_and_its_links_lead_somewhere(web):
    assert len(manual.pages()) > 20
    for name in manual.pages():
        sheet = manual.read(name)
        assert sheet is not None
        assert "style=" not in sheet.html
        for link in re.findall(r'href="([^"]+)"', sheet.html):
            assert link.startswith(("https://", "http://", "mailto:", "/help/")), (name, link)
