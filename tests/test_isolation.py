"""Every address x every method x every role: nothing of another organisation comes back, nothing of it is changed.

An address that is new has to say here whom it answers (POLICIES), or this fails.
"""

from collections import Counter

import pytest
from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.test import Client
from django.utils import timezone

from slo_portal import walls
from tests.isolation import ROLES, Address, Firm, a_firm, addresses, fingerprints

pytestmark = pytest.mark.django_db
NAMES = ("Quokka", "Numbat", "Bilby", "Potoroo", "Dunnart")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PUBLIC, MEMBERS, TOKEN, ADMIN = "public", "members", "token", "admin"
POLICIES = {  # by the beginning of a name, the longest that fits
    "api-": TOKEN,
    "admin:": ADMIN,
    "login": PUBLIC,
    "logout": PUBLIC,
    "sign-in-code": PUBLIC,
    "join": PUBLIC,
    "live": PUBLIC,
    "ready": PUBLIC,
    "detailed": PUBLIC,  # names no organisation
    "metrics": PUBLIC,  # of the token's organisation
    "overview": MEMBERS,
    "objective": MEMBERS,
    "objective-preview": ADMIN,
    "alert": MEMBERS,
    "mailbox": MEMBERS,
    "system": MEMBERS,  # superusers alone
    "invoice": MEMBERS,
    "exceptions": MEMBERS,
    "account": MEMBERS,
    "password": MEMBERS,
    "end-sessions": MEMBERS,
    "switch-organization": MEMBERS,
    "two-step": MEMBERS,
    "docs": MEMBERS,
    "help": MEMBERS,
    "kpi": MEMBERS,
    "report": MEMBERS,
    "own-tokens": MEMBERS,
    "revoke-own-token": MEMBERS,
}
SAYS_WHAT_IS_DOWN = {"detailed", "ready", "metrics"}  # there is no worker and no beat in this test
ENDS_THE_SESSION = {"logout", "end-sessions", "password"}  # asked by a client of its own


def policy(address: Address) -> str:
    fitting = [beginning for beginning in POLICIES if address.name.startswith(beginning)]
    assert fitting, f"say in POLICIES whom {address.name} answers"
    return POLICIES[max(fitting, key=len)]


@pytest.fixture
def firms() -> list[Firm]:
    now = timezone.now()
    return [a_firm(name, now) for name in NAMES]


def body(answer: HttpResponseBase) -> str:
    content = b"".join(answer) if answer.streaming else answer.content  # type: ignore[attr-defined, arg-type]
    return content.decode(errors="replace") + repr(dict(answer.items()))


def ask(client: Client, address: Address, method: str, firm: Firm, token: str) -> HttpResponseBase:
    if address.name in ENDS_THE_SESSION:
        client = Client()
    headers = {"authorization": f"Bearer {token}"} if policy(address) == TOKEN else {}
    content = b"{}" if policy(address) == TOKEN else b"note=seen&action=acknowledge"
    media = "application/json" if policy(address) == TOKEN else "application/x-www-form-urlencoded"
    return client.generic(method, address.url(firm), content if method != "GET" else b"", media, headers=headers)


def test_every_address_says_whom_it_answers():
    found = addresses()
    assert len(found) > 60
    assert {policy(address) for address in found} == {PUBLIC, MEMBERS, TOKEN, ADMIN}


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_nothing_of_others_comes_back_or_changes(firms, role):
    ours, others = firms[0], firms[1:]
    before = [fingerprints(firm) for firm in others]
    client, token = ours.client(role), ours.token(role)
    own: Counter[str] = Counter()
    for address in addresses():
        for method in METHODS if policy(address) != ADMIN else ("GET", "POST"):
            for firm in _whose(address, ours, others[0]):
                answer = ask(client, address, method, firm, token)
                assert answer.status_code < 500 or address.name in SAYS_WHAT_IS_DOWN, (address.name, method)
                shown = body(answer)
                for other in others:
                    assert _without_address(shown, address, other).count(other.canary) == 0, (address.name, method)
                own[policy(address)] += ours.canary in shown
                if firm is not ours and address.name != "join-link" and method != "OPTIONS":
                    assert answer.status_code >= 300, (address.name, method, answer.status_code)
    assert [fingerprints(firm) for firm in others] == before
    assert own[MEMBERS] >= 1
    assert own[TOKEN] >= 5
    assert own[ADMIN] >= 5


def _whose(address: Address, ours: Firm, other: Firm) -> list[Firm]:
    """Whose objects an address can name: there are two where it differs."""
    return [ours, other] if address.url(ours) != address.url(other) else [ours]


def _without_address(shown: str, address: Address, firm: Firm) -> str:
    """An answer may repeat the address that was asked for."""
    for want in address.wants:
        shown = shown.replace(str(firm.objects.get(want, "\0")), "")
    return shown


@pytest.mark.slow
def test_with_the_filters_taken_out_the_database_alone_keeps_them_apart(firms, monkeypatch):
    ours, others = firms[0], firms[1:]
    client, token = ours.client("admin"), ours.token("admin")
    before = [fingerprints(firm) for firm in others]
    original = QuerySet._filter_or_exclude

    def without_organization(self, negate, args, kwargs):
        kept = {name: value for name, value in kwargs.items() if not name.startswith("organization")}
        return original(self, negate, args, kept if self.model._meta.app_label in walls.APPS else kwargs)

    monkeypatch.setattr(QuerySet, "_filter_or_exclude", without_organization)
    shown = 0
    for address in addresses():
        if policy(address) in (MEMBERS, TOKEN):
            for firm in _whose(address, ours, others[0]):
                for method in ("GET", "POST"):
                    answer = ask(client, address, method, firm, token)
                    for other in others:
                        assert other.canary not in _without_address(body(answer), address, other), address.name
                    shown += ours.canary in body(answer) if not answer.streaming else 0
    assert [fingerprints(firm) for firm in others] == before
    assert shown >= 5
