"""When the backlog outgrows what is done in a week: in worlds where the answer is known."""

from datetime import date, timedelta

import pytest

from kpis import flow
from kpis.capacity import DAYS, LONGEST, Day, capacity
from kpis.ingest import store_rows
from kpis.messages import INVOICE
from slos import found
from tests.calling import a_caller, data
from tests.facts import NOON, at

WORKDAYS = [*[1] * 5, 0, 0]


def weeks(came, left):
    """Four weeks with so many a workday."""
    return [Day(came * works, left * works) for _ in range(4) for works in WORKDAYS]


@pytest.mark.parametrize(
    ("days", "backlog", "week", "outgrown"),
    [
        (weeks(100, 95), 400, 4, False),  # 475 a week are done: 400 + 3 * 25 is not more, 400 + 4 * 25 is
        (weeks(100, 80), 0, 5, False),  # 400: 0 + 4 * 100 is not more
        (weeks(100, 95), 480, None, True),
        (weeks(1000, 990), 0, None, False),  # 4950 are done: far beyond
        (weeks(100, 100), 450, None, False),
        (weeks(90, 100), 450, None, False),
        (weeks(100, 99), 470, None, False),  # 5 a week are no more than chance
    ],
)
def test_the_week_follows_from_what_came_and_what_left(days, backlog, week, outgrown):
    answer = capacity(days, backlog)
    assert (answer.week, answer.outgrown, answer.reason) == (week, outgrown, "")
    if week:
        assert answer.earliest <= week
        assert answer.latest is None or week <= answer.latest <= LONGEST


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        ([], f"only 0 of the last {DAYS} days are known"),
        ([Day(0, 0)] * 8 + weeks(100, 80)[8:], f"only 20 of the last {DAYS} days are known"),
        (weeks(100, 80)[:21] + [Day(100, 0)] * 7, "nothing left the backlog in the last week"),
    ],
)
def test_it_says_why_it_cannot_say(days, reason):
    answer = capacity(days, 400)
    assert (answer.reason, answer.week, answer.outgrown) == (reason, None, False)


@pytest.mark.django_db
@pytest.mark.parametrize("how", [{"approved_at": 9}, {"rejected_at": 9}, {"completed_at": 9, "outcome": "failed"}])
def test_summary_and_page_count_what_leaves_the_backlog_in_any_way(how, client, time_machine):
    """20 a day came and 15 left, over four weeks: 105 a week are done, 140 are open, 35 more each week."""
    time_machine.move_to(NOON, tick=False)
    caller = a_caller()
    organization = caller.organization
    store_rows(INVOICE, organization, [_told(day, n, how) for day in range(1, 29) for n in range(20)], now=NOON)
    store_rows(INVOICE, organization, [{"invoice_id": "void", "uploaded_at": at(-60), "voided_at": at(0)}], now=NOON)
    found.look(organization, "daily", now=NOON)
    told = data(caller.get("kpis/summary"))["capacity"]
    assert (told["done_per_week"], told["growth_per_week"], told["outgrown"]) == (105, 35, True)
    assert told["said"].startswith(
        "The backlog of 140 is more than what is done in a week, about 105. It grows by about 35"
    )
    client.force_login(caller.user)
    assert told["said"] in client.get("/kpis/").content.decode()
    assert "of all the work only" in data(caller.get("kpis/summary?vendor=Acme"))["capacity"]["reason"]


def _told(day, n, how):
    steps = {"invoice_id": f"{day}-{n}", "uploaded_at": at(-day * 24 * 60)}
    gone = {name: at(-day * 24 * 60 + 9) for name in how if name != "outcome"}
    return steps if n >= 15 else {**steps, **gone, "processing_outcome": how.get("outcome", "succeeded")}


def test_the_sentence_names_the_week_and_its_range():
    answer = capacity(weeks(100, 80), 0)
    named = {"week": date(2026, 12, 7), "earliest": date(2026, 11, 30), "latest": date(2026, 12, 21)}
    assert flow.said(answer, 0, named) == (
        "The backlog grows by about 100 a week (84 to 116). So it outgrows what is done in a week, about 400, "
        "in the week of 7 December (between 30 November and 21 December)."
    )
    assert timedelta(weeks=answer.earliest) <= timedelta(weeks=answer.week)
