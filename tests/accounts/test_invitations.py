"""Inviting people: the link opens one organisation, once, for a week, and exists nowhere but with them."""

import re
from datetime import UTC, datetime, timedelta
from smtplib import SMTPException

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client

from accounts import invitations
from accounts.models import AuditEntry, Invitation, Membership, User
from tests.admin_world import address, errors, member, text
from tests.calling import an_organization

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
PASSWORD = "sesame-open-1"
NEW = {"username": "newcomer", "password1": PASSWORD, "password2": PASSWORD}


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def ours():
    return an_organization("ours")


@pytest.fixture
def boss(ours):
    return member(ours, "boss", "admin")


def a_link(ours, boss, role="viewer", email="new@example.com"):
    _, link = invitations.invite(ours, email, role, by=boss, now=NOW)
    return link.partition("127.0.0.1:8000")[2]


def invite(boss, ours, **changed):
    client = Client()
    client.force_login(boss)
    sent = {"organization": ours.pk, "email": "new@example.com", "role": "operator", **changed}
    return client.post(address(Invitation, "add"), sent)


def shown_link(answer):
    return re.search(r'class="secret" value="([^"]+)"', text(answer))[1]


# --- made ------------------------------------------------------------------------------------------------


def test_an_admin_invites_and_the_link_is_in_the_mail_and_shown_once(ours, boss):
    answer = invite(boss, ours)
    link = shown_link(answer)
    [sent] = mail.outbox
    assert sent.to == ["new@example.com"]
    assert link in sent.body
    assert "boss invites you to Ours" in sent.body
    assert "on its way" in text(answer)
    assert "no-store" in answer["Cache-Control"]
    secret = link.rstrip("/").rpartition("/")[2]
    assert secret not in str(list(Invitation.objects.values())) + str(list(AuditEntry.objects.values()))
    assert AuditEntry.objects.get(action="invited").changes["role"] == [None, "operator"]


def test_a_mail_that_cannot_be_sent_leaves_the_link_to_hand_over(ours, boss, settings):
    settings.EMAIL_BACKEND = "tests.accounts.test_invitations.BrokenMail"
    answer = invite(boss, ours)
    assert "Hand the link over yourself" in text(answer)
    assert Client().get(shown_link(answer)).status_code == 302


class BrokenMail:
    def __init__(self, **given):
        pass

    def send_messages(self, messages):
        raise SMTPException("secret server words")


def test_without_a_mail_server_the_mail_is_in_the_mailbox_of_the_organisation(ours, boss, settings):
    settings.EMAIL_BACKEND = "alerts.mailbox.MailboxBackend"
    invite(boss, ours)
    stored = ours.mails.get() if hasattr(ours, "mails") else ours.mail_set.get()
    assert stored.target == "new@example.com"


def test_nobody_invites_into_an_organisation_of_others(ours, boss):
    theirs = an_organization("theirs")
    assert "organization" in errors(invite(boss, theirs))
    assert invite(member(ours, "editor", "editor"), ours).status_code == 403
    assert not Invitation.objects.exists()
    assert not mail.outbox


@pytest.mark.parametrize("email", ["nobody", "a@b\nBcc: c@d.example", "", "x" * 300 + "@example.com"])
def test_what_is_no_address_is_refused(ours, boss, email):
    assert "email" in errors(invite(boss, ours, email=email))
    assert not mail.outbox


def test_the_name_of_an_organisation_cannot_break_the_mail(ours, boss):
    ours.name = "Ours\r\nBcc: evil@example.com"
    ours.save()
    invite(boss, ours)
    assert "\n" not in mail.outbox[0].subject
    assert mail.outbox[0].recipients() == ["new@example.com"]


# --- accepted --------------------------------------------------------------------------------------------


def test_a_newcomer_chooses_name_and_password_and_is_in(ours, boss):
    client, path = Client(), a_link(ours, boss, "operator")
    answer = client.get(path, follow=True)
    assert answer.redirect_chain == [("/join/", 302)]  # the secret leaves the address
    assert "Join Ours" in text(answer)
    assert client.post("/join/", NEW)["Location"] == "/"
    assert client.get("/").status_code == 200
    user = User.objects.get(username="newcomer")
    assert (user.email, user.memberships.get().role, user.is_staff) == ("new@example.com", "operator", False)
    assert AuditEntry.objects.get(action="joined").actor_name == "newcomer"
    again = Client()
    assert "not open any more" in text(again.get(path, follow=True))
    assert again.post("/join/", {**NEW, "username": "second"}).status_code == 404
    assert not User.objects.filter(username="second").exists()


@pytest.mark.parametrize("role", ["editor", "admin"])
def test_who_works_in_the_administration_gets_in_there(ours, boss, role):
    client = Client()
    client.get(a_link(ours, boss, role))
    client.post("/join/", NEW)
    assert client.get("/admin/").status_code == 200


def test_who_has_an_account_signs_in_and_just_joins(ours, boss):
    elsewhere = an_organization("elsewhere")
    user = member(elsewhere, "vera", "viewer")
    user.set_password(PASSWORD)
    user.save()
    client = Client()
    client.get(a_link(ours, boss))
    client.post("/login/", {"username": "vera", "password": PASSWORD, "next": "/join/"})
    page = text(client.get("/join/"))
    assert "signed in as <strong>vera" in page
    assert "password1" not in page
    client.post("/join/")
    assert {(one.organization.slug, one.role) for one in user.memberships.all()} == {
        ("elsewhere", "viewer"), ("ours", "viewer")
    }  # fmt: skip
    assert '<option value="ours" selected>' in text(client.get("/"))


def test_an_invitation_lowers_nobodys_role(ours, boss):
    client = Client()
    client.force_login(boss)
    client.get(a_link(ours, boss, "viewer"))
    client.post("/join/")
    assert boss.memberships.get().role == "admin"


@pytest.mark.parametrize("end", ["a week", "taken back", "a newer one", "the organisation is closed"])
def test_an_invitation_ends(ours, boss, clock, end):
    client, path = Client(), a_link(ours, boss)
    client.get(path)
    assert client.get("/join/").status_code == 200
    if end == "a week":
        clock.shift(timedelta(days=7))
    elif end == "taken back":
        admin = Client()
        admin.force_login(boss)
        chosen = {"action": "take_back", "_selected_action": [Invitation.objects.get().pk]}
        admin.post(address(Invitation, "changelist"), chosen)
    elif end == "a newer one":
        a_link(ours, boss, email="NEW@example.com")
    else:
        ours.is_active = False
        ours.save()
    assert client.post("/join/", NEW).status_code == 404
    assert not User.objects.filter(username="newcomer").exists()


@pytest.mark.parametrize("path", ["/join/", "/join/nonsense/", "/join/%00/", "/join/" + "x" * 3000 + "/"])
def test_a_link_that_never_was_opens_nothing(path):
    answer = Client().get(path, follow=True)
    assert answer.status_code == 404
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"username": "boss"}, "already exists"),
        ({"password2": "x"}, "match"),
        ({"password1": "password", "password2": "password"}, "too common"),
        ({"username": ""}, "required"),
    ],
)
def test_a_name_or_password_that_will_not_do_is_told(ours, boss, changed, says):
    client = Client()
    client.get(a_link(ours, boss))
    assert says in text(client.post("/join/", {**NEW, **changed}))
    assert Invitation.objects.get().accepted_at is None


def test_two_who_open_it_at_once_do_not_both_join(ours, boss):
    invitation, _ = invitations.invite(ours, "a@example.com", "viewer", by=boss, now=NOW)
    users = [User.objects.create_user(name) for name in ("first", "second")]
    assert [invitations.accept(invitation, user, now=NOW) for user in users] == [True, False]
    assert list(Membership.objects.filter(user__in=users).values_list("user__username", flat=True)) == ["first"]
