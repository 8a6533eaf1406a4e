"""The life of a token: what it opens, and from when on it opens nothing."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client

from accounts import tokens
from accounts.models import ApiToken, Membership, Organization, User
from tests.calling import API, PROBLEM, Caller, a_caller, an_organization, checked, data

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
READ = "slos/definitions"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def api() -> Caller:
    return a_caller(scope="admin")


def refused(caller: Caller, header: str | None = None, path: str = READ) -> bool:
    """The answer to a stranger is always the same kind, and names the way in."""
    answer = caller.get(path, authorization=f"Bearer {caller.token}" if header is None else header)
    if answer.status_code != 401:
        return False
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert caller.token not in answer.content.decode()
    return True


def test_a_token_opens_its_organisation_and_its_use_is_noted_once_a_minute(api: Caller, clock) -> None:
    def used() -> datetime | None:
        return ApiToken.objects.get().last_used_at

    assert used() is None
    assert data(api.get(READ))["count"] == 7
    assert used() == NOW
    clock.shift(timedelta(seconds=30))
    api.get(READ)
    assert used() == NOW
    clock.shift(timedelta(seconds=31))
    api.get(READ)
    assert used() == NOW + timedelta(seconds=61)


def test_only_a_hash_of_it_is_stored(api: Caller) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(t)::text FROM accounts_apitoken t")
        (row,) = cursor.fetchone()
    assert api.token[:10] in row
    assert api.token[10:] not in row
    assert len(api.token) >= 50


def test_a_revoked_token_is_refused_from_the_next_request_on(api: Caller) -> None:
    assert not refused(api)
    tokens.revoke(ApiToken.objects.get(), now=NOW)
    assert refused(api)


def test_an_expired_token_is_refused(api: Caller, clock) -> None:
    ApiToken.objects.update(expires_at=NOW + timedelta(hours=1))
    assert not refused(api)
    clock.shift(timedelta(hours=1))
    assert refused(api)


@pytest.mark.parametrize(
    "change",
    [
        lambda: User.objects.update(is_active=False),
        lambda: Organization.objects.update(is_active=False),
        lambda: Membership.objects.all().delete(),
    ],
    ids=["user disabled", "organisation closed", "no member any more"],
)
def test_a_token_is_no_more_than_its_owner(api: Caller, change) -> None:
    assert not refused(api)
    change()
    assert refused(api)


BAD_HEADERS = {
    "another secret with its checksum": lambda token: f"Bearer {_forged(token)}",
    "a wrong checksum": lambda token: f"Bearer {token[:-1]}{'0' if token[-1] != '0' else '1'}",
    "cut": lambda token: f"Bearer {token[:-1]}",
    "no secret": lambda token: "Bearer ",
    "only the scheme": lambda token: "Bearer",
    "another scheme": lambda token: f"Basic {token}",
    "no scheme": lambda token: token,
    "twice in one header": lambda token: f"Bearer {token}, Bearer {token}",
    "the scheme doubled": lambda token: f"Bearer Bearer {token}",
    "not ASCII": lambda token: f"Bearer {token}é",
    "a NUL": lambda token: f"Bearer {token}\0",
    "a megabyte": lambda token: f"Bearer slo_{'x' * 1_000_000}",
    "nothing": lambda token: "",
}


def _forged(token: str) -> str:
    body = token[:20] + "AAAA" + token[24:-8]
    return body + tokens._checksum(body)


@pytest.mark.parametrize("make", BAD_HEADERS.values(), ids=BAD_HEADERS)
def test_what_is_not_quite_a_token_opens_nothing(api: Caller, make) -> None:
    assert refused(api, make(api.token))


@pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "BEARER  {} "])
def test_the_scheme_is_read_as_http_has_it(api: Caller, header: str) -> None:
    assert api.get(READ, authorization=header.format(api.token)).status_code == 200


@pytest.mark.parametrize("name", ["token", "access_token", "authorization"])
def test_a_token_in_the_address_is_no_token(api: Caller, name: str) -> None:
    assert refused(api, "", f"{READ}?{name}={api.token}")


SCOPES = {"read": {"read"}, "write": {"read", "write"}, "admin": {"read", "write", "admin"}}
ROLES = {"viewer": "read", "operator": "write", "editor": "write", "admin": "admin"}
NEEDS = {
    "read": ("GET", READ),
    "write": ("POST", "measurements/calculate?period=daily"),
    "admin": ("POST", "slos/initialize"),
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("scope", SCOPES)
def test_a_token_reaches_as_far_as_its_scope_and_its_owners_role_both_do(scope: str, role: str) -> None:
    api = a_caller(scope=scope, role=role)
    for needed, (method, path) in NEEDS.items():
        answer = api.request(method, path)
        allowed = needed in SCOPES[scope] and needed in SCOPES[ROLES[role]]
        assert answer.status_code in ((200, 202) if allowed else (403,)), (needed, answer.content)
        if not allowed:
            assert f"`{needed}`" in answer.json()["detail"]


def test_what_another_organisation_has_is_not_there(api: Caller) -> None:
    other = a_caller(an_organization("other"), scope="admin")
    theirs = other.organization.slos.first()
    assert theirs is not None
    path = f"slos/{theirs.pk}/measurements"
    assert other.get(path).status_code == 200
    assert api.get(path).status_code == 404
    ids = {entry["id"] for entry in data(api.get(READ))["definitions"]}
    assert ids.isdisjoint({entry["id"] for entry in data(other.get(READ))["definitions"]})


def test_a_signed_in_browser_reads_and_writes_only_with_its_csrf_token(api: Caller) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(api.user)
    assert checked(client.get(API + READ), API + READ).status_code == 200

    path = API + "slos/initialize"
    assert checked(client.post(path), path).status_code == 403
    client.cookies["csrftoken"] = "x" * 32
    token = {"x-csrftoken": "x" * 32}
    assert checked(client.post(path, headers=token), path).status_code == 202
    path = API + "invoices"
    stored = client.post(path, {"invoice_id": "1"}, "application/json", headers=token)
    assert data(checked(stored, path))["created"] == 1


def test_a_signed_in_stranger_to_every_organisation_is_told_so() -> None:
    client = Client()
    client.force_login(User.objects.create_user("nobody"))
    answer = client.get(API + READ)
    assert (answer.status_code, answer["Content-Type"]) == (403, PROBLEM)
    assert "no organisation" in answer.json()["detail"]


def test_a_bad_token_is_refused_even_beside_a_good_session(api: Caller) -> None:
    api.client.force_login(api.user)
    assert api.get(READ, authorization="").status_code == 200
    assert refused(api, "Bearer slo_wrong")
