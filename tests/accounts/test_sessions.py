"""How long a session lasts, what every answer carries, and which refusals are noted."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.models import AuditEntry
from tests.calling import a_caller

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
PART = "/part/overview"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def caller():
    found = a_caller(role="viewer")
    found.user.set_password("sesame-open-1")
    found.user.save()
    return found


@pytest.fixture
def browser(caller):
    client = Client()
    client.post("/login/", {"username": caller.user.username, "password": "sesame-open-1"})
    assert is_in(client)
    return client


def is_in(client):
    return client.get("/").status_code == 200


def poll(client):
    return client.get(PART, headers={"HX-Request": "true"}).status_code


def test_a_session_that_was_left_alone_ends(browser, clock):
    clock.shift(timedelta(hours=7, minutes=59))
    assert is_in(browser)
    clock.shift(timedelta(hours=8))
    assert not is_in(browser)
    assert Session.objects.count() == 0


def test_a_page_that_brings_itself_up_to_date_does_not_keep_a_session_alive(browser, clock):
    for _ in range(7):
        clock.shift(timedelta(hours=1))
        assert poll(browser) == 200
    clock.shift(timedelta(hours=1))
    assert poll(browser) == 401


def test_a_session_ends_after_a_week_however_much_it_is_used(browser, clock):
    for _ in range(7 * 4 - 1):
        clock.shift(timedelta(hours=6))
        assert is_in(browser)
    clock.shift(timedelta(hours=6))
    assert not is_in(browser)


def test_both_limits_can_be_set(browser, clock, settings):
    settings.SESSION_IDLE_MINUTES = 10
    clock.shift(timedelta(minutes=9))
    assert is_in(browser)
    clock.shift(timedelta(minutes=10))
    assert not is_in(browser)


def test_using_a_page_writes_to_the_session_once_a_minute_at_most(browser, clock, django_assert_num_queries):
    def writes():
        before = Session.objects.get().session_data
        browser.get("/")
        return Session.objects.get().session_data != before

    clock.shift(timedelta(seconds=59))
    assert not writes()
    clock.shift(timedelta(seconds=1))
    assert writes()


def test_signing_in_gives_the_session_a_new_key(caller):
    client = Client()
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    client.cookies["sessionid"] = session.session_key
    client.post("/login/", {"username": caller.user.username, "password": "sesame-open-1"})
    assert client.cookies["sessionid"].value != session.session_key
    assert not Session.objects.filter(session_key=session.session_key).exists()


def test_a_sign_in_clears_away_sessions_that_are_over(browser, caller, clock):
    other = Client()
    other.post("/login/", {"username": caller.user.username, "password": "sesame-open-1"})
    assert Session.objects.count() == 2
    clock.shift(timedelta(days=8))
    other.post("/login/", {"username": caller.user.username, "password": "sesame-open-1"})
    assert Session.objects.count() == 1


# --- every answer ----------------------------------------------------------------------------------------


def test_every_answer_has_an_id_of_its_own(browser):
    ids = {browser.get(path)["X-Request-ID"] for path in ("/", "/", "/nothing", "/api/nothing", "/static/portal.css")}
    assert len(ids) == 5


def test_pages_of_somebody_signed_in_are_kept_nowhere(browser):
    for path in ("/", PART, "/nothing", "/admin/", "/api/v1/metrics/slos/definitions"):
        assert "no-store" in browser.get(path)["Cache-Control"], path


def test_a_refusal_is_noted_once_a_minute_with_who_and_where(browser, caller, clock):
    for _ in range(3):
        assert browser.get("/admin/login/").status_code == 403
    answer = caller.post("slos/initialize")
    assert answer.status_code == 403
    found = AuditEntry.objects.filter(action="refused").order_by("id")
    assert [entry.note for entry in found] == ["GET /admin/login/", "POST /api/v1/metrics/slos/initialize"]
    assert {(entry.actor_name, entry.organization) for entry in found} == {(caller.user.username, caller.organization)}
    assert found.last().request_id == answer["X-Request-ID"]
    clock.shift(timedelta(minutes=1))
    browser.get("/admin/login/")
    assert found.all().count() == 3


def test_nobody_fills_the_table_with_refusals(browser, caller):
    for k in range(40):
        caller.post(f"alerts/{uuid.UUID(int=k)}/acknowledge")
    assert AuditEntry.objects.filter(action="refused").count() == 30


def test_a_stranger_fills_no_table_with_refusals(caller):
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/login/", {"username": "a", "password": "b"}).status_code == 403
    assert Client().get("/api/v1/metrics/slos/definitions").status_code == 401
    assert not AuditEntry.objects.exists()


def test_an_address_with_a_nul_is_noted_without_it(browser):
    browser.raise_request_exception = False
    assert browser.post("/admin/login/%00").status_code < 500
    assert browser.get("/admin/slos/slodefinition/%00/change/").status_code < 500
