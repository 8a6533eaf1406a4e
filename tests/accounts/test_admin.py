"""Users, memberships and tokens in the admin: nobody gets further than their role."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from accounts import tokens
from accounts.models import ApiToken, Membership, User
from tests.admin_world import address, errors, filled, listed, member, text

pytestmark = pytest.mark.django_db
NO_MEMBERSHIPS = {
    "memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0,
    "memberships-MIN_NUM_FORMS": 0, "memberships-MAX_NUM_FORMS": 1000,
}  # fmt: skip
NEW_USER = {
    "username": "newcomer",
    "usable_password": "true",
    "password1": "sesame-open-1",
    "password2": "sesame-open-1",
}


def wanted(house, **changed):
    person = house.people["operator"]
    return {"user": person.pk, "organization": house.ours.pk, "name": "importer", "scope": "write", **changed}


def make(house, client, **changed):
    answer = client.post(address(ApiToken, "add"), wanted(house, **changed), follow=True)
    return answer, ApiToken.objects.filter(name="importer").first()


def test_a_new_token_is_shown_once_and_works(house):
    client = house.client("admin")
    answer, token = make(house, client)
    secret = text(answer).partition('class="secret" value="')[2].partition('"')[0]
    assert tokens.find(secret, now=timezone.now()) == token
    assert "no-store" in answer["Cache-Control"]
    for page in ("changelist", "change", "history"):
        shown = text(client.get(address(ApiToken, page, *([token.pk] if page != "changelist" else []))))
        assert token.prefix in shown or page == "history"
        assert secret not in shown
        assert token.digest not in shown


def test_the_secret_is_in_no_cookie_and_no_session(house):
    client = house.client("admin")
    answer, token = make(house, client)
    secret = text(answer).partition('class="secret" value="')[2].partition('"')[0]
    assert secret.startswith("slo_")
    kept = (
        f"{answer.cookies.output()} {client.cookies.output()} {dict(client.session)} {list(answer.context['messages'])}"
    )
    assert secret[len(token.prefix) :] not in kept
    assert "_auth_user_id" in kept
    assert not LogEntry.objects.filter(object_repr__contains=secret[len(token.prefix) :]).exists()


REFUSED: list[tuple[dict[str, str], str, str]] = [
    ({"scope": "admin"}, "scope", "reaches no further than “write”"),
    ({"scope": "everything"}, "scope", "Select a valid choice"),
    ({"name": ""}, "name", "required"),
    ({"expires_at": "2020-01-01T00:00:00"}, "expires_at", "over already"),
    ({"expires_at": "soon"}, "expires_at", "valid date/time"),
]


def test_a_token_that_makes_no_sense_is_refused(house):
    for changed, field, says in REFUSED:
        answer, token = make(house, house.client("admin"), **changed)
        assert says in errors(answer)[field][0], changed
        assert token is None


def test_a_token_needs_a_membership(house):
    answer, token = make(house, house.client("root"), user=house.stranger.pk)
    assert "no member of Ours" in errors(answer)["user"][0]
    assert token is None


def test_nothing_of_a_token_is_edited_but_it_is_revoked(house):
    client = house.client("admin")
    _, token = make(house, client, expires_at=(timezone.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S"))
    assert client.post(address(ApiToken, "change", token.pk), {"name": "mine"}).status_code == 403
    act(client, ApiToken, "revoke", token)
    token.refresh_from_db()
    assert (token.name, token.revoked_at is None) == ("importer", False)
    assert listed(client, ApiToken, state="revoked") == [str(token.pk)]
    assert str(token.pk) not in listed(client, ApiToken, state="usable")
    assert listed(client, ApiToken, state="expired") == []


def act(client, model, action, *chosen):
    sent = {"action": action, "_selected_action": [one.pk for one in chosen]}
    return client.post(address(model, "changelist"), sent, follow=True)


def test_another_organization_keeps_its_tokens(house):
    theirs = house.theirs.api_tokens.get()
    act(house.client("admin"), ApiToken, "revoke", theirs)
    theirs.refresh_from_db()
    assert theirs.revoked_at is None
    act(house.client("root"), ApiToken, "revoke", theirs)
    theirs.refresh_from_db()
    assert theirs.revoked_at is not None


def test_an_admin_adds_a_user_to_the_organization(house):
    client = house.client("admin")
    alone = client.post(address(User, "add"), {**NEW_USER, **NO_MEMBERSHIPS})
    assert "Add a membership" in text(alone)
    assert not User.objects.filter(username="newcomer").exists()
    membership = {"memberships-0-organization": house.ours.pk, "memberships-0-role": "operator"}
    answer = client.post(
        address(User, "add"), {**NEW_USER, **NO_MEMBERSHIPS, "memberships-TOTAL_FORMS": 1, **membership}
    )
    assert answer.status_code == 302
    assert Membership.objects.get(user__username="newcomer").role == "operator"


def test_a_user_is_not_added_to_another_organization(house):
    membership = {"memberships-0-organization": house.theirs.pk, "memberships-0-role": "admin"}
    sent = {**NEW_USER, **NO_MEMBERSHIPS, "memberships-TOTAL_FORMS": 1, **membership}
    assert "valid choice" in text(house.client("admin").post(address(User, "add"), sent))
    assert not User.objects.filter(username="newcomer").exists()


def test_an_admin_makes_no_superuser(house):
    client, viewer = house.client("admin"), house.people["viewer"]
    sent = {**filled(client, User, viewer.pk), **NO_MEMBERSHIPS, "is_superuser": "on", "first_name": "Vera"}
    own = viewer.memberships.get()
    sent |= {"memberships-TOTAL_FORMS": 1, "memberships-INITIAL_FORMS": 1, "memberships-0-id": own.pk}
    sent |= {
        "memberships-0-user": viewer.pk,
        "memberships-0-organization": house.ours.pk,
        "memberships-0-role": "viewer",
    }
    assert client.post(address(User, "change", viewer.pk), sent).status_code == 302
    viewer.refresh_from_db()
    assert (viewer.first_name, viewer.is_superuser) == ("Vera", False)


@pytest.mark.parametrize("who", ["of both organizations", "superuser"])
def test_an_admin_does_not_take_over_a_user_who_reaches_further(house, who):
    person = member(house.ours, "shared", "viewer")
    if who == "superuser":
        person.is_superuser = True
        person.save()
    else:
        Membership.objects.create(user=person, organization=house.theirs, role="viewer")
    client = house.client("admin")
    page = text(client.get(address(User, "change", person.pk)))
    assert 'name="_save"' not in page
    assert person.password not in page
    for url in (address(User, "change", person.pk), f"{address(User, 'changelist')}{person.pk}/password/"):
        assert client.post(url, {"password1": "sesame-open-1", "password2": "sesame-open-1"}).status_code == 403
    own = f"{address(User, 'changelist')}{house.people['viewer'].pk}/password/"
    changed = {"usable_password": "true", "password1": "sesame-open-1", "password2": "sesame-open-1"}
    assert client.post(own, changed).status_code == 302


def test_a_role_is_changed_only_where_one_is_admin(house):
    client = house.client("admin")
    own, foreign = house.people["viewer"].memberships.get(), house.stranger.memberships.get()
    for membership in (own, foreign):
        client.post(address(Membership, "change", membership.pk), {"role": "operator"})
        membership.refresh_from_db()
    assert (own.role, foreign.role) == ("operator", "admin")


def test_nobody_deletes_themselves(house):
    client = house.client("root")
    assert client.get(address(User, "delete", house.root.pk)).status_code == 403
    assert client.get(address(User, "delete", house.stranger.pk)).status_code == 200
