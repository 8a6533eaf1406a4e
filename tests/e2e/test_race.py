"""Twenty people who acknowledge at once, on a web server of several processes: one has it, the others hear who."""

import http.client
import re
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import expect

from accounts.models import Organization, User
from alerts.models import AlertEvent, SLOAlert
from tests.alerts.alerting import a_member, an_alert
from tests.e2e.conftest import serving, session_of

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
USERS = 20
PATIENCE = 120  # seconds, of a busy machine
TOKEN = "x" * 32  # of the double submission against forged requests
FIRST = re.compile(r"(user-\d+) acknowledged this first, at \d{4}-\d\d-\d\d \d\d:\d\d. Nothing was changed.")


@pytest.fixture(scope="module")
def portal(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("portal"), "--workers", "3") as address:
        yield address


class Person:
    """A browser as far as it matters here: one connection, one session."""

    def __init__(self, portal: str, user: User) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(portal).netloc, timeout=PATIENCE)
        self.name = user.username
        self.headers = {
            "Cookie": f"sessionid={session_of(user)}; csrftoken={TOKEN}", "X-CSRFToken": TOKEN, "Origin": portal,
            "Content-Type": "application/x-www-form-urlencoded",
        }  # fmt: skip

    def acknowledge(self, alert: SLOAlert, *, script: bool) -> tuple[int, str]:
        fields = {"act": "acknowledge", "version": alert.version, "note": f"I am {self.name}", "view": "row"}
        headers = self.headers | ({"HX-Request": "true"} if script else {})
        self.connection.request("POST", f"/alerts/{alert.pk}/", urlencode(fields), headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode()


@pytest.mark.parametrize("rounds", [5, pytest.param(50, marks=pytest.mark.long)])
def test_of_twenty_who_acknowledge_at_once_one_has_it_and_the_others_are_told_who(portal, organization, rounds):
    people = [Person(portal, a_member(organization, f"user-{n}")) for n in range(USERS)]
    alerts = [an_alert(organization, None, now=datetime.now(UTC), subject=f"feed {n}") for n in range(rounds)]
    ready = threading.Barrier(USERS, timeout=PATIENCE)

    def play(number: int) -> list[tuple[int, str]]:
        found = []
        for alert in alerts:
            ready.wait()
            found.append(people[number].acknowledge(alert, script=number > 0))
        people[number].connection.close()
        return found

    with ThreadPoolExecutor(USERS) as pool:
        of_people = list(pool.map(play, range(USERS)))
    for alert, answers in zip(alerts, zip(*of_people, strict=True), strict=True):
        event = AlertEvent.objects.get(alert=alert, kind="acknowledged")
        winner = int(event.actor.username.removeprefix("user-"))
        lost = [number for number in range(USERS) if number != winner]
        assert answers[winner][0] in (200, 302)
        assert Counter(answers[number][0] for number in lost) == {409: USERS - 1}
        assert {FIRST.search(answers[number][1])[1] for number in lost} == {f"user-{winner}"}
        if winner:  # without scripts the server gives the note back
            assert "I am user-0" in answers[0][1]
    assert len({AlertEvent.objects.get(alert=alert, kind="acknowledged").actor_id for alert in alerts}) > 1


def test_of_two_browsers_at_once_one_has_it_and_the_other_keeps_the_note(open_page, organization: Organization):
    users = [a_member(organization, name) for name in ("dana", "omar")]
    alerts = [an_alert(organization, None, now=datetime.now(UTC), subject=f"feed {n}") for n in range(5)]
    pages = [open_page("/alerts/", user=user) for user in users]
    for alert in alerts:
        rows = [page.locator(f"#alert-{alert.pk}") for page in pages]
        for row, user in zip(rows, users, strict=True):
            row.get_by_placeholder("Note").fill(f"I am {user}")
        for page in pages:  # neither waits for the answer of the other
            page.evaluate(
                "id => void document.querySelector(`#alert-${id} [value=acknowledge]`).click()", str(alert.pk)
            )
        for row in rows:
            expect(row.get_by_role("button", name="Acknowledge")).to_have_count(0)
        winner = AlertEvent.objects.get(alert=alert, kind="acknowledged").actor
        lost = rows[1 - users.index(winner)]
        expect(lost.get_by_role("alert")).to_contain_text(f"{winner} acknowledged this first")
        expect(lost.get_by_placeholder("Note")).to_have_value(f"I am {users[1 - users.index(winner)]}")
