"""The second factor: nobody gets around it, no code is good twice, and who must set it up sees nothing before."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from accounts import second_factor, tokens, totp
from accounts.models import AuditEntry, Membership, Organization, RecoveryCode, User
from tests.calling import an_organization

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
PASSWORD = "sesame-open-1"
PAGE = "/account/two-step/"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def vera():
    user = User.objects.create_user("vera", password=PASSWORD, is_staff=True)
    Membership.objects.create(user=user, organization=an_organization(), role="admin")
    return user


@pytest.fixture
def recovery(vera):
    """Vera with a second factor, set up a minute ago: her recovery codes."""
    second_factor.begin(vera)
    return second_factor.confirm(vera, code(vera, -60), now=NOW - timedelta(minutes=1))


def code(user, seconds=0):
    user.refresh_from_db()
    return totp.code_of(second_factor.secret_of(user), (int(datetime.now(UTC).timestamp()) + seconds) // 30)


def password(client, where="/"):
    return client.post("/login/", {"username": "vera", "password": PASSWORD, "next": where})


def give(client, typed, where="/login/code/"):
    return client.post(where, {"code": typed})


def is_in(client, page="/"):
    return client.get(page).status_code == 200


# --- setting up ------------------------------------------------------------------------------------------


def test_setting_up_shows_a_picture_takes_a_code_and_gives_recovery_codes(vera):
    client, other = Client(), Client()
    password(client)
    password(other)
    page = client.post(f"{PAGE}set-up/").content.decode()
    vera.refresh_from_db()
    assert "<svg" in page
    assert second_factor.secret_of(vera) in page
    assert "wrong or used" in give(client, "000000", f"{PAGE}set-up/").content.decode()
    assert not User.objects.get().totp_since
    answer = give(client, code(vera), f"{PAGE}set-up/")
    assert len(re.findall(r"<li>\w{5}-\w{5}</li>", answer.content.decode())) == 10
    assert "no-store" in answer["Cache-Control"]
    assert is_in(client)
    assert not is_in(other)  # what was signed in by the password alone
    assert AuditEntry.objects.filter(action="second_factor_on", actor_name="vera").count() == 1


def test_the_secret_and_the_codes_are_not_in_the_clear_in_the_database(vera, recovery):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_jsonb(t)::text FROM accounts_user t UNION SELECT to_jsonb(t)::text FROM accounts_recoverycode t"
        )
        rows = str(cursor.fetchall())
    assert str(vera.pk) in rows
    assert second_factor.secret_of(vera) not in rows
    assert not any(totp.plain(one) in rows or one in rows for one in recovery)


def test_a_secret_that_is_in_use_is_not_replaced_or_shown_again(vera, recovery, clock):
    before = second_factor.secret_of(vera)
    client = signed_in(vera, clock)
    assert client.post(f"{PAGE}set-up/").status_code == 302
    vera.refresh_from_db()
    assert second_factor.secret_of(vera) == before
    assert before not in client.get(PAGE).content.decode()


def signed_in(user, clock):
    clock.shift(timedelta(seconds=60))
    client = Client()
    password(client)
    assert give(client, code(user)).status_code == 302
    return client


# --- signing in ------------------------------------------------------------------------------------------


def test_the_password_alone_opens_nothing(vera, recovery):
    client = Client()
    answer = password(client, "/admin/")
    assert answer["Location"] == "/login/code/?next=%2Fadmin%2F"
    for page in ("/", "/admin/", "/account/", PAGE):
        assert not is_in(client, page)
    assert client.get("/api/v1/metrics/slos/definitions").status_code == 401
    answer = client.post("/login/code/?next=/admin/", {"code": code(vera)})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    assert is_in(client, "/admin/")


def test_a_code_is_good_once(vera, recovery):
    used = code(vera)
    first = Client()
    assert give(first, used).status_code == 302
    assert not is_in(first)  # without a password it is worth nothing, and is not used up
    password(first)
    give(first, used)
    assert is_in(first)
    password(second := Client())
    assert "wrong or used" in give(second, used).content.decode()
    assert not is_in(second)


def test_an_older_code_is_no_good_after_a_newer_one(vera, recovery):
    older, newer = code(vera), code(vera, 30)
    password(first := Client())
    give(first, newer)
    assert is_in(first)
    password(second := Client())
    give(second, older)
    assert not is_in(second)


def test_a_recovery_code_is_good_once(vera, recovery):
    for expected in (True, False):
        password(client := Client())
        give(client, f" {recovery[0].upper()} ")
        assert is_in(client) == expected
    assert RecoveryCode.objects.count() == 9


def test_codes_are_tried_five_times_and_then_one_waits(vera, recovery, clock):
    password(client := Client())
    answers = [give(client, f"{k:06}") for k in range(8)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 3
    assert answers[-1]["Retry-After"] == "300"
    assert give(client, recovery[0]).status_code == 429
    assert not is_in(client)
    assert AuditEntry.objects.filter(action="sign_in_failed", note="wrong code").count() == 5


@pytest.mark.parametrize("change", ["late", "password", "deactivated"])
def test_a_right_password_does_not_wait_for_its_code_for_ever(vera, recovery, clock, change):
    password(client := Client())
    if change == "late":
        clock.shift(timedelta(minutes=5))
    elif change == "password":
        vera.set_password("another-one-1")
        vera.save()
    else:
        User.objects.update(is_active=False)
    assert give(client, code(vera))["Location"] == "/login/"
    assert not is_in(client)


def test_api_tokens_go_on(vera, recovery):
    organization = Organization.objects.get()
    organization.require_totp = True
    organization.save()
    _, secret = tokens.issue(vera, organization, name="job", scope="read")
    bearer = {"authorization": f"Bearer {secret}"}
    assert Client().get("/api/v1/metrics/slos/definitions", headers=bearer).status_code == 200


# --- where it is required --------------------------------------------------------------------------------


@pytest.fixture
def required(vera):
    client = Client()
    password(client)
    assert is_in(client)
    Organization.objects.update(require_totp=True)
    return client


def test_who_must_set_it_up_sees_nothing_before(vera, required):
    for page in ("/", "/admin/", "/admin/slos/slodefinition/", "/account/", "/account/password/"):
        answer = required.get(page)
        assert (answer.status_code, answer["Location"]) == (302, PAGE), page
    assert required.get("/part/overview", headers={"HX-Request": "true"}).status_code == 401
    for header in ({}, {"authorization": ""}):
        answer = required.get("/api/v1/metrics/slos/definitions", headers=header)
        assert answer.status_code == 403
        assert "second factor" in answer.json()["detail"]
    assert "asks for a second factor" in required.get(PAGE).content.decode()
    required.post(f"{PAGE}set-up/")
    give(required, code(vera), f"{PAGE}set-up/")
    for page in ("/", "/admin/"):
        assert is_in(required, page)


def test_it_is_required_of_superusers_wherever_it_is_required(vera, required):
    root = User.objects.create_superuser("root", password=PASSWORD)
    client = Client()
    client.force_login(root)
    assert client.get("/admin/")["Location"] == PAGE
    Organization.objects.update(require_totp=False)
    assert is_in(client, "/admin/")


def test_who_must_set_it_up_can_still_sign_out(required):
    assert required.post("/logout/").status_code == 302


# --- removing --------------------------------------------------------------------------------------------


def test_it_is_removed_by_password_and_code_only(vera, recovery, clock):
    client = signed_in(vera, clock)
    for sent in ({"password": "wrong", "code": recovery[0]}, {"password": PASSWORD, "code": "000000"}, {}):
        client.post(f"{PAGE}remove/", sent)
        assert User.objects.get().totp_since
    client.post(f"{PAGE}remove/", {"password": PASSWORD, "code": recovery[1]})
    vera.refresh_from_db()
    assert (vera.totp_since, vera.totp_secret, RecoveryCode.objects.count()) == (None, "", 0)
    assert is_in(client)
    assert AuditEntry.objects.filter(action="second_factor_off").count() == 1


def test_it_is_not_removed_where_it_is_required(vera, recovery, clock):
    client = signed_in(vera, clock)
    Organization.objects.update(require_totp=True)
    answer = client.post(f"{PAGE}remove/", {"password": PASSWORD, "code": recovery[0]})
    assert "cannot be removed" in answer.content.decode()
    assert User.objects.get().totp_since


def test_the_secret_key_can_be_changed(vera, recovery, settings, clock):
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another-key-0123456789-abcdefghijklmnopqrstuvwxyz"
    settings.SECRET_KEY_FALLBACKS = [old]
    assert second_factor.check(vera, recovery[0], now=NOW)
    assert second_factor.check(vera, code(vera), now=NOW)
    settings.SECRET_KEY_FALLBACKS = []
    assert second_factor.check(vera, code(vera, 30), now=NOW)  # sealed anew by its last use


def test_the_command_line_helps_the_last_superuser_who_lost_the_telephone(vera, recovery):
    with pytest.raises(CommandError, match="no user 'nobody'"):
        call_command("remove_second_factor", "nobody")
    call_command("remove_second_factor", "vera")
    assert not User.objects.get().totp_since
    assert AuditEntry.objects.get(action="second_factor_off").note == "by the command line"
    with pytest.raises(CommandError, match="has no second factor"):
        call_command("remove_second_factor", "vera")


def test_new_recovery_codes_replace_the_old_ones(vera, recovery, clock):
    client = signed_in(vera, clock)
    answer = client.post(f"{PAGE}codes/", {"code": recovery[0]})
    new = re.findall(r"<li>(\w{5}-\w{5})</li>", answer.content.decode())
    assert len(new) == RecoveryCode.objects.count() == 10
    assert not set(new) & set(recovery)
    assert not second_factor.check(vera, recovery[1], now=NOW)
    assert second_factor.check(vera, new[0], now=NOW)
