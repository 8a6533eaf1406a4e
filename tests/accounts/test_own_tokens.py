"""A user's own tokens: made, seen once, used, revoked; never further than the role reaches."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ApiToken, AuditEntry, Membership
from tests.calling import a_caller, an_organization

pytestmark = pytest.mark.django_db
PAGE = "/account/tokens/"


@pytest.fixture
def caller():
    return a_caller(role="operator")


@pytest.fixture
def client(caller):
    found = Client()
    found.force_login(caller.user)
    return found


def make(client, caller, **changed):
    sent = {"organization": caller.organization.pk, "name": "importer", "scope": "write", "days": "90", **changed}
    return client.post(PAGE, sent)


def test_a_token_is_made_shown_once_works_and_is_revoked(client, caller):
    answer = make(client, caller)
    secret = re.search(r'class="secret" value="([^"]+)"', answer.content.decode())[1]
    assert "no-store" in answer["Cache-Control"]
    token = ApiToken.objects.get(name="importer")
    assert timedelta(days=89) < token.expires_at - timezone.now() < timedelta(days=91)
    bearer = {"authorization": f"Bearer {secret}"}
    assert Client().get("/api/v1/metrics/slos/definitions", headers=bearer).status_code == 200
    page = client.get(PAGE).content.decode()
    assert token.prefix in page
    assert secret not in page
    assert client.post(f"{PAGE}{token.pk}/revoke/").status_code == 302
    assert Client().get("/api/v1/metrics/slos/definitions", headers=bearer).status_code == 401
    assert "importer" not in client.get(PAGE).content.decode()
    noted = list(AuditEntry.objects.filter(object_id=token.pk).order_by("id").values_list("action", flat=True))
    assert noted == ["token_made", "token_revoked"]
    assert secret[10:] not in str(list(AuditEntry.objects.values()))


def test_a_token_without_an_end_is_possible(client, caller):
    make(client, caller, days="")
    assert ApiToken.objects.get(name="importer").expires_at is None


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"scope": "admin"}, "reaches no further than"),
        ({"scope": "x"}, "valid choice"),
        ({"name": ""}, "required"),
        ({"days": "9999"}, "valid choice"),
        ({"user": "x", "name": "\0"}, "Null characters"),
    ],
)
def test_what_makes_no_sense_is_refused(client, caller, changed, says):
    assert says in make(client, caller, **changed).content.decode()
    assert ApiToken.objects.count() == 1


def test_nobody_makes_or_revokes_a_token_of_others(client, caller):
    other = a_caller(an_organization("other"))
    assert "valid choice" in make(client, caller, organization=other.organization.pk).content.decode()
    theirs = ApiToken.objects.get(user=other.user)
    assert client.post(f"{PAGE}{theirs.pk}/revoke/").status_code == 404
    assert theirs.prefix not in client.get(PAGE).content.decode().replace(caller.token[:10], "")
    assert "Other" not in client.get(PAGE).content.decode()
    make(client, caller, user=other.user.pk)
    assert ApiToken.objects.get(name="importer").user == caller.user


def test_who_is_in_no_organisation_makes_no_token(client, caller):
    Membership.objects.all().delete()
    assert client.get(PAGE).status_code == 200
    assert make(client, caller).status_code == 200
    assert not ApiToken.objects.filter(name="importer").exists()
