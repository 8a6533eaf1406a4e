"""The page about KPIs says what the API says, in tiles, figures, tables and files."""

import csv
import json
import re
from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client

from accounts.models import Organization
from kpis import rollups
from kpis.words import duration, moved, percentage
from slos import found
from slos.buckets import take_marks
from tests.facts import NOON, exception, firm, invoice
from tests.slos.worlds_to_show import member

DAY = 24 * 60
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def organization() -> Organization:
    """Ten invoices in ten days, of two vendors, two of them failed; one in the ten days before."""
    found = firm(time_zone="Europe/Berlin")
    found.refresh_from_db()
    for n in range(10):
        uploaded = -n * DAY - 60
        fields = {"vendor": "<b>Acme" if n % 2 else "Bolt", "ready_at": uploaded + 2 + n, "completed_at": uploaded + 20}
        outcome = "failed" if n < 2 else "succeeded"
        invoice(found, f"I{n}", now=NOON, uploaded_at=uploaded, processing_outcome=outcome, **fields)
    exception(found, "E", now=NOON, invoice_id="I3", kind="price <i>")
    invoice(found, "old", now=NOON, uploaded_at=-15 * DAY)
    rollups.note(found, take_marks(found))
    rollups.refresh(found, now=NOON)
    return found


@pytest.fixture
def web(organization: Organization, client: Client) -> Client:
    client.force_login(member(organization))
    return client


def shown(text: str) -> dict[str, str]:
    return dict(re.findall(r'<data data-figure="(\w+)" value="([^"]*)"', text))


def address(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    assert found, pattern
    return found[1].replace("&amp;", "&")


def test_the_tiles_show_the_figures_of_the_api_for_the_same_range(web):
    text = web.get("/kpis/?range=7d").content.decode()
    found = web.get(address(text, r'<a href="(/api/[^"]+)"')).json()["data"]
    tiles = shown(text)
    expected = {
        **found["performance"],
        **found["volume"],
        **found["backlog"],
        "straight_through_rate": found["straight_through_rate"],
    }
    assert len(tiles) == 6
    assert {name: float(value) for name, value in tiles.items()} == {name: expected[name] for name in tiles}
    assert tiles["total_invoices"] == "7"


def test_the_same_weekdays_stand_beside_the_period_before(web):
    text = web.get("/kpis/?start=2026-10-31&end=2026-11-11").content.decode()
    found = web.get(address(text, r'<a href="(/api/[^"]+)"')).json()["data"]["comparison"]["same_weekdays"]
    assert (found["period"]["start_date"], found["figures"]["total_invoices"]["change"]) == (
        "2026-10-16T22:00:00Z", 9,
    )  # fmt: skip
    words = dict(re.findall(r'data-weekdays="(\w+)">([^<]+)<', text))
    assert len(words) == 5
    assert words["total_invoices"] == "9 more"
    assert words["processing_success_rate"] == "no data"
    assert "Same weekdays: 17 Oct 2026, 00:00 to 28 Oct 2026, 00:00, 2 weeks earlier." in text


def test_a_figure_its_table_and_its_file_hold_the_same(web):
    text = web.get("/kpis/?range=7d").content.decode()
    assert "7 invoices in 7 days: 5 succeeded, 2 failed, 0 without an outcome yet." in text
    answer = web.get(address(text, r'href="(/kpis/volume.csv[^"]*)"'))
    assert answer["Content-Type"].startswith("text/csv")
    header, *rows = csv.reader(answer.content.decode().splitlines())
    assert header == ["Day", "Invoices", "Succeeded", "Failed", "No outcome yet"]
    assert [sum(int(row[column]) for row in rows) for column in (1, 2, 3)] == [7, 5, 2]
    assert web.get("/kpis/nothing.csv").status_code == 404


def test_the_promised_time_is_drawn_and_said_while_the_objective_is_active(web, organization):
    text = web.get("/kpis/?range=7d").content.decode()
    drawn = json.loads(re.search(r'<script id="times-data"[^>]*>([^<]+)', text)[1])["layout"]
    assert ([one["y0"] for one in drawn["shapes"]], [one["text"] for one in drawn["annotations"]]) == (
        [5], ["Time-to-Ready Processing"],
    )  # fmt: skip
    assert drawn["yaxis"]["range"][1] > 5
    assert "Promised: 5\u00a0min (Time-to-Ready Processing)" in text
    organization.slos.update(is_active=False)
    assert "Promised" not in web.get("/kpis/?range=7d").content.decode()


def test_every_day_leads_to_its_invoices(web):
    text = web.get("/kpis/?range=7d").content.decode()
    links = [link.replace("&amp;", "&") for link in re.findall(r'<a href="(/invoices/[^"]+)">', text)]
    answers = [web.get(link).content.decode() for link in links[:2]]
    assert [f">{name}<" in answers[0] for name in ("I0", "I1")] == [True, False]
    assert [f">{name}<" in answers[1] for name in ("I0", "I1")] == [False, True]


def test_a_part_of_the_work_is_chosen_from_the_groups_and_taken_away_again(web):
    text = web.get("/kpis/?range=30d&by=vendor").content.decode()
    assert "<b>Acme" not in text
    link = address(text, r'<a href="([^"]+)">&lt;b&gt;Acme</a>')
    part = web.get(f"/kpis/{link}").content.decode()
    assert shown(part)["total_invoices"] == "5"
    away = address(part, r'<a href="([^"]+)">Vendor:')
    assert shown(web.get(f"/kpis/{away}").content.decode())["total_invoices"] == "11"


def test_nothing_is_no_data_and_no_zero(web):
    text = web.get("/kpis/?start=2026-01-01&end=2026-01-05").content.decode()
    assert "No invoices in this range" in text
    assert shown(text)["processing_success_rate"] == ""
    assert "no data" in text
    answer = web.get("/kpis/?range=fortnight")
    assert answer.status_code == 400
    assert "range: Must be one of" in answer.content.decode()


def test_no_change_is_claimed_before_days_have_been_looked_through(web, organization):
    assert "Nothing has been looked through yet." in web.get("/kpis/?range=7d").content.decode()
    assert found.look(organization, "daily", now=NOON)
    text = web.get("/kpis/?range=7d").content.decode()
    assert "No shift, drift, outlier or silence that is more than chance." in text
    assert "looked through yet" not in text


def test_when_invoices_come_is_told_by_the_clock_of_the_organisation(web):
    text = web.get("/kpis/?range=7d").content.decode()
    assert "between 12:00 and 13:00: 1 of 7 invoices" in text  # 11:00 in UTC


def test_the_page_takes_few_queries(web, django_assert_max_num_queries):
    with django_assert_max_num_queries(13):
        web.get("/kpis/?range=90d")


def test_words_never_make_a_figure_look_better():
    assert percentage(94.96).startswith("94.9")
    assert percentage(1.01, less_is_better=True).startswith("1.1")
    spans = [duration(one).replace("\u00a0", " ") for one in (0, 59.2, 3700, 90_000)]
    assert spans == ["0 s", "1 min", "1 h 1 min", "1 d 1 h"]
    assert moved(-1.25, " points", "May") == "1.2 points less than in May"
    assert moved(0.01, " points", "May") == "as in May"
    assert moved(None, " points", "May") == "no data of May"
