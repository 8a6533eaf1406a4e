"""What people do about their own accounts: password, sessions, and the organisation they look at."""

import pytest
from django.test import Client

from accounts.models import AuditEntry, Membership, Organization, User
from tests.calling import an_organization

pytestmark = pytest.mark.django_db
PASSWORD, NEW = "sesame-open-1", "another-word-2"


@pytest.fixture
def vera():
    user = User.objects.create_user("vera", password=PASSWORD, is_staff=True)
    for name, role in (("ours", "viewer"), ("second", "admin")):
        Membership.objects.create(user=user, organization=an_organization(name), role=role)
    an_organization("theirs")
    return user


@pytest.fixture
def client(vera):
    return browser()


def browser(password=PASSWORD):
    found = Client()
    found.post("/login/", {"username": "vera", "password": password})
    return found


def is_in(client):
    return client.get("/").status_code == 200


def change(client, old=PASSWORD, new=NEW):
    return client.post("/account/password/", {"old_password": old, "new_password1": new, "new_password2": new})


def test_the_account_page_says_who_one_is_where(client):
    text = client.get("/account/").content.decode()
    for said in ("vera", "Ours", "Second", "Viewer", "Admin", "the password is enough"):
        assert said in text
    assert "Theirs" not in text


@pytest.mark.parametrize("page", ["", "password/", "two-step/"])
def test_a_stranger_has_no_account_page(page):
    answer = Client().get(f"/account/{page}")
    assert answer["Location"] == f"/login/?next=/account/{page}"


def test_a_new_password_ends_every_other_session(client):
    other = browser()
    assert is_in(other)
    assert change(client).status_code == 302
    assert is_in(client)
    assert not is_in(other)
    assert is_in(browser(NEW))
    assert not is_in(browser())
    assert AuditEntry.objects.get(action="password_changed").actor_name == "vera"


def test_a_password_is_changed_only_with_the_old_one_and_not_guessed_there(client):
    answers = [change(client, "wrong").content.decode() for _ in range(6)]
    assert "incorrect" in answers[4]
    assert "Too many attempts" in answers[5]
    assert "Too many attempts" in change(client).content.decode()
    assert "too common" in change(browser(), new="password1234").content.decode() or is_in(browser())
    assert User.objects.get().check_password(PASSWORD)


def test_a_password_that_is_easily_guessed_is_refused(client):
    assert "too common" in change(client, new="password1234").content.decode()
    assert "too short" in change(client, new="x7z").content.decode()
    assert User.objects.get().check_password(PASSWORD)


def test_signing_out_everywhere_ends_all_sessions(client):
    other = browser()
    assert client.post("/account/sessions/end/")["Location"] == "/login/"
    assert not is_in(client)
    assert not is_in(other)
    assert is_in(browser())
    assert AuditEntry.objects.filter(action="sessions_ended", actor_name="vera").exists()


def test_a_deactivated_user_is_out_and_stays_out_when_active_again(client, vera):
    root = Client()
    root.force_login(User.objects.create_superuser("root"))
    page = f"/admin/accounts/user/{vera.pk}/change/"
    form = root.get(page).context["adminform"].form
    sent = {name: form[name].value() or "" for name in form.fields}
    formset = root.get(page).context["inline_admin_formsets"][0].formset
    for inline in (formset.management_form, *formset.forms):
        sent |= {inline[name].html_name: inline[name].value() or "" for name in inline.fields}
    for active in (False, True):
        given = {key: value for key, value in sent.items() if value is not False and key != "is_active"}
        assert root.post(page, {**given, **({"is_active": "on"} if active else {})}).status_code == 302
        assert User.objects.get(pk=vera.pk).is_active == active
        assert not is_in(client)
    assert is_in(browser())


# --- organisations ---------------------------------------------------------------------------------------


def switch(client, slug, goal="/account/"):
    return client.post("/account/organization/", {"organization": slug, "next": goal})


def seen(client):
    return client.get("/api/v1/metrics/slos/definitions").json()["data"]["definitions"][0]["id"]


def test_a_user_of_several_organisations_switches(client):
    first = seen(client)
    assert switch(client, "second")["Location"] == "/account/"
    assert Organization.objects.get(slug="second").slos.filter(pk=seen(client)).exists()
    assert seen(client) != first
    assert '<option value="second" selected>' in client.get("/").content.decode()
    assert '<option value="second" selected>' in client.get("/admin/").content.decode()
    switch(client, "ours")
    assert seen(client) == first


@pytest.mark.parametrize("slug", ["theirs", "nowhere", "", "\0"])
def test_nobody_switches_to_where_they_do_not_belong(client, slug):
    before = seen(client)
    assert switch(client, slug).status_code == 302
    assert seen(client) == before
    assert "theirs" not in client.get("/account/").content.decode()


def test_a_superuser_switches_anywhere(vera):
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    switch(client, "theirs")
    assert Organization.objects.get(slug="theirs").slos.filter(pk=seen(client)).exists()


@pytest.mark.parametrize("goal", ["//evil.example", "https://evil.example", "javascript:alert(1)", "/\\evil"])
def test_a_switch_leads_to_no_other_host(client, goal):
    assert switch(client, "second", goal)["Location"] == "/"


def test_who_has_one_organisation_is_offered_no_switch(client, vera):
    assert "switch-organization" not in client.get("/account/").content.decode()
    assert 'name="organization"' in client.get("/account/").content.decode()
    vera.memberships.filter(organization__slug="second").delete()
    assert 'name="organization"' not in client.get("/account/").content.decode()


def test_acts_need_a_post_and_the_token_of_the_page(vera):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(vera)
    for page in ("sessions/end/", "organization/", "two-step/set-up/", "two-step/codes/", "two-step/remove/"):
        assert strict.get(f"/account/{page}").status_code == 405, page
        assert strict.post(f"/account/{page}").status_code == 403, page
