"""Signing in: who has used up their tries waits, briefly, and nobody can make others wait for ever."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
import time_machine
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, Membership, Organization, Throttle, User

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
PASSWORD = "sesame-open-1"
WAIT = "Too many attempts. Try again in"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def vera():
    user = User.objects.create_user("vera", password=PASSWORD)
    organization = Organization.objects.create(name="Ours", slug="ours")
    Membership.objects.create(user=user, organization=organization, role="viewer")
    return user


def sign_in(client, password=PASSWORD, name="vera", address="198.51.100.1", door="/login/", **headers):
    return client.post(door, {"username": name, "password": password}, REMOTE_ADDR=address, headers=headers)


def waits(answer):
    assert answer.status_code in {200, 302, 429}, answer
    assert (WAIT in answer.content.decode()) == (answer.status_code == 429)
    return answer.status_code == 429


def test_after_five_wrong_passwords_a_name_waits_from_whatever_address(vera):
    answers = [sign_in(Client(), "wrong", address=f"198.51.100.{k}") for k in range(100)]
    assert [waits(answer) for answer in answers] == [False] * 5 + [True] * 95
    assert answers[-1]["Retry-After"] == "300"
    assert f"{WAIT} 5 minutes." in answers[-1].content.decode()
    assert waits(sign_in(Client()))  # also with the right one
    assert not waits(sign_in(Client(), name="another"))


def test_an_invented_forwarded_address_gives_no_more_tries(vera):
    tries = [sign_in(Client(), "wrong", name=f"user-{k}", **{"X-Forwarded-For": f"192.0.2.{k}"}) for k in range(100)]
    assert sum(map(waits, tries)) == 80


def test_behind_a_trusted_proxy_each_caller_has_tries_of_its_own(vera, settings):
    settings.TRUSTED_PROXIES = [ip_network("198.51.100.1/32")]
    for k in range(100):
        assert not waits(sign_in(Client(), "wrong", name=f"user-{k}", **{"X-Forwarded-For": f"192.0.2.{k}"}))


def test_an_unknown_name_is_answered_as_a_known_one(vera):
    known = [sign_in(Client(), "wrong") for _ in range(8)]
    unknown = [sign_in(Client(), "wrong", name="nobody", address="198.51.100.2") for _ in range(8)]
    assert [answer.status_code for answer in known] == [200] * 5 + [429] * 3
    for one, other in zip(known, unknown, strict=True):
        assert one.status_code == other.status_code
        assert text_of(one) == text_of(other)


def text_of(answer):
    text = answer.content.decode()
    return text.partition('role="alert"')[2].partition("</div>")[0]


def test_known_and_unknown_names_cost_one_hash_and_the_same_queries(vera, monkeypatch):
    hashed, encode = [], MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda *given: hashed.append(1) or encode(*given))
    cost = []
    for name in ("vera", "nobody"):
        hashed.clear()
        with CaptureQueriesContext(connection) as queries:
            sign_in(Client(), "wrong", name=name)
        cost.append((len(hashed), len(queries)))
    assert cost[0] == cost[1]
    assert cost[0][0] == 1


def test_the_wait_is_told_and_ends(vera, clock):
    for _ in range(6):
        sign_in(Client(), "wrong")
    clock.shift(timedelta(minutes=4, seconds=30))
    assert f"{WAIT} 30 seconds." in sign_in(Client()).content.decode()
    clock.shift(timedelta(seconds=30))
    assert sign_in(Client()).status_code == 302
    assert not waits(sign_in(Client(), "wrong"))  # all is forgiven


def test_a_clock_that_is_put_back_makes_nobody_wait_for_days(vera, clock):
    for _ in range(6):
        sign_in(Client(), "wrong")
    clock.shift(timedelta(days=-3))
    assert sign_in(Client())["Retry-After"] == "300"


def test_whoever_signed_in_from_a_browser_before_is_not_locked_out_by_others(vera):
    known = Client()
    assert sign_in(known).status_code == 302
    known.post("/logout/")
    for _ in range(10):
        sign_in(Client(), "wrong", address="192.0.2.9")
    assert waits(sign_in(Client()))
    assert sign_in(known).status_code == 302


def test_a_known_browser_has_no_more_tries_than_others_and_none_for_other_names(vera):
    known = Client()
    sign_in(known)
    known.post("/logout/")
    assert [waits(sign_in(known, "wrong")) for _ in range(7)] == [False] * 5 + [True] * 2
    User.objects.create_user("other", password=PASSWORD)
    for _ in range(5):
        sign_in(Client(), "wrong", name="other")
    assert waits(sign_in(known, name="other"))


def test_good_sign_ins_cost_an_address_nothing_and_forgive_it_nothing(vera):
    for _ in range(30):
        assert sign_in(Client()).status_code == 302
    for k in range(19):
        sign_in(Client(), "wrong", name=f"user-{k}")
    assert sign_in(Client()).status_code == 302
    assert not waits(sign_in(Client(), "wrong", name="user-19"))
    assert waits(sign_in(Client()))


@pytest.mark.parametrize("name", ["Vera", "VERA", "\uff56\uff45\uff52\uff41"])
def test_another_spelling_of_a_name_gives_no_more_tries(vera, name):
    for _ in range(5):
        sign_in(Client(), "wrong", name=name)
    assert waits(sign_in(Client()))


def test_counters_that_are_over_are_cleared_away(vera, clock):
    for k in range(10):
        sign_in(Client(), "wrong", name=f"user-{k}")
    assert Throttle.objects.count() == 11
    clock.shift(timedelta(hours=1))
    sign_in(Client(), "wrong")
    assert Throttle.objects.count() == 2


def test_no_name_and_no_password_is_kept_in_the_clear(vera):
    sign_in(Client(), "hunter2-wrong", name="my-password-typed-here")
    kept = str(list(Throttle.objects.values())) + str(list(AuditEntry.objects.values()))
    assert "account:" in kept
    assert "my-password" not in kept
    assert "hunter2" not in kept


# --- one door --------------------------------------------------------------------------------------------


def test_the_administration_has_no_door_of_its_own(vera):
    answer = Client().get("/admin/slos/", follow=True)
    assert answer.redirect_chain[-1][0] == "/login/?next=/admin/slos/"
    client = Client()
    for door in ("/admin/login/", "/admin/", "/admin/login/?next=/admin/"):
        sign_in(client, door=door)
    assert "_auth_user_id" not in client.session


def test_whoever_is_not_staff_is_told_so_instead_of_being_sent_in_circles(vera):
    client = Client()
    sign_in(client)
    answer = client.get("/admin/", follow=True)
    assert answer.status_code == 403
    assert "You may not do this" in answer.content.decode()


@pytest.mark.parametrize(
    "goal", ["//evil.example", "/\\evil.example", "https:evil.example", "javascript:alert(1)", "https://evil.example/"]
)
def test_a_sign_in_leads_to_no_other_host(vera, goal):
    client = Client()
    answer = client.post("/login/", {"username": "vera", "password": PASSWORD, "next": goal})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/login/", {"next": goal})["Location"] == "/"
    assert client.post("/logout/", {"next": goal})["Location"] == "/login/"


# --- what is noted ---------------------------------------------------------------------------------------


def noted():
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def test_sign_ins_failures_and_locks_are_in_the_audit_trail(vera):
    client = Client()
    for _ in range(7):
        sign_in(client, "wrong", address="192.0.2.1")
    sign_in(client, "wrong", name="nobody")
    sign_in(known := Client(), address="203.0.113.4")
    assert noted() == ["sign_in_failed"] * 5 + ["locked_out", "sign_in_failed"]
    Throttle.objects.all().delete()
    sign_in(known, address="203.0.113.4")
    known.post("/logout/")
    assert noted()[-2:] == ["signed_in", "signed_out"]
    first, entry = AuditEntry.objects.order_by("id").first(), AuditEntry.objects.get(action="signed_in")
    assert (first.object_label, first.actor_name, first.address) == ("vera", "", "192.0.2.1")
    assert (entry.actor_name, entry.address, entry.organization.slug) == ("vera", "203.0.113.4", "ours")
    assert entry.at == NOW
    assert len(entry.request_id) == 32
    unknown = AuditEntry.objects.get(note="unknown user name")
    assert (unknown.object_label, unknown.organization) == ("", None)
