"""The system page: for operators, in plain words, true while parts are silent and while nothing is known."""

import re
from html import unescape

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import User
from monitoring import recorded
from monitoring.models import Process
from tests.admin_world import member
from tests.facts import at, firm

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator():
    firm()
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    with time_machine.travel(at(0), tick=False):
        yield client


def text(client: Client, query: str = "") -> str:
    answer = client.get(f"/system/{query}")
    assert answer.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def test_only_operators_of_the_installation_see_it(operator):
    assert operator.get("/system/").status_code == 200
    assert 'href="/system/"' in operator.get(reverse("admin:index")).content.decode()
    of_firm = Client()
    of_firm.force_login(member(firm("other"), "other-admin", "admin"))
    assert of_firm.get("/system/").status_code == 404
    assert 'href="/system/"' not in of_firm.get(reverse("admin:index")).content.decode()
    assert Client().get("/system/").status_code == 302


def test_a_silent_part_is_named_with_how_long_and_what_still_lives_says_so(operator):
    Process.objects.create(component="beat", place="a 1", seen_at=at(-3))
    seen = {"seen_at": at(0), "measured_at": at(0)}
    Process.objects.create(component="worker", place="a 2", memory_bytes=53e6, cpu_percent=1.25, **seen)
    shown = text(operator).replace("\xa0", " ")
    assert "Down It has not shown that it lives for 180 seconds. no data no data" in shown
    assert "Works It showed that it lives 0 s ago. 53 MB 1.2 %" in shown
    assert "need somebody" in shown
    assert "Nothing was recorded in this time." in shown


def test_charts_say_the_newest_and_the_highest_and_hold_them_as_a_table(operator):
    for minute, depth in ((-200, 70), (-30, 12), (-1, 3)):
        recorded.record(depth, now=at(minute))
    assert "Tasks: 3 last, 70 at most." in text(operator)
    assert "Tasks: 3 last, 70 at most." in text(operator, "?range=nonsense")
    found = operator.get("/system/?range=7d").context["charts"]
    queue = next(chart for chart in found if chart.key == "queue")
    assert [row.values[1] for row in queue.rows] == [12, 70]  # the highest of two hours
    assert len(queue.figure["data"][0]["y"]) == 84
