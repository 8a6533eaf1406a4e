"""The overview: what a person reads, equal to what the read model says, and asked for cheaply."""

import json
import re
from datetime import timedelta

import pytest
from django.test import Client

from slos import figures
from slos.models import SLODefinition
from slos.status import overview
from slos.tick import tick
from tests.slos.worlds_to_show import NOW, STATES, Rows, add, invoice, page

pytestmark = pytest.mark.django_db
QUERIES = 12  # 4 of them are alerts, and whether alerting itself is well


def test_objectives_come_worst_first_each_with_its_state(viewer):
    rows = Rows(page(viewer)).found
    assert [next(name for name in STATES if row["name"].startswith(name)) for row in rows] == list(STATES)
    assert [row["state"][2:].strip() for row in rows] == list(STATES.values())


def test_every_figure_is_that_of_the_read_model(viewer, organization):
    rows = {row["id"]: row for row in Rows(page(viewer)).found}
    known = overview(organization, now=NOW).slos
    assert len(rows) == len(known) == 7

    def text(value: float | None) -> str:
        return "" if value is None else str(value)

    for one in known:
        row = rows[str(one.slo.pk)]
        assert row["achieved"] == text(one.achieved_percentage)
        assert row["remaining"] == text(one.remaining_percentage)
        assert row["burn-1h"] == text(one.burn_rate("1h"))
        assert row["burn-6h"] == text(one.burn_rate("6h"))
        assert row.get("pending", "0") == str(one.snapshot.pending)
    assert any(row["remaining"] == "-100.0" for row in rows.values())  # 20 late of 10 allowed


def test_budgets_are_told_in_invoices(viewer):
    text = page(viewer)
    assert "10 invoices too many, 10 allowed" in text
    assert "1 of 10 invoices left" in text
    assert "95\N{NO-BREAK SPACE}% within 5 minutes" in text


def test_tiles_count_what_the_table_shows(viewer):
    tiles = dict(re.findall(r'data-figure="(met|risk|bad|none)" value="(\d+)"', page(viewer)))
    assert tiles == {"met": "3", "risk": "1", "bad": "2", "none": "1"}


def test_a_paused_objective_is_named_and_not_counted(viewer, organization):
    SLODefinition.objects.filter(organization=organization, name="Approval Latency").update(is_active=False)
    text = page(viewer)
    assert re.search(r'Paused: <a href="/slo/[\w-]+/">Approval Latency</a>\.', text)
    assert len(Rows(text).found) == 6


def test_times_are_those_of_the_organisation(viewer):
    text = page(viewer)
    assert "10 Nov, 13:02" in text
    assert "times in Europe/Berlin" in text


def test_old_figures_are_marked_as_stale_and_kept(viewer, clock):
    assert "is-stale" not in page(viewer)
    clock.shift(timedelta(minutes=3))
    text = page(viewer)
    assert "is-stale" in text
    assert {row["state"].split()[1] for row in Rows(text).found} == {"Stale"}
    assert "was budget used up" in text
    assert "10 invoices too many, 10 allowed" in text


# --- polls -----------------------------------------------------------------------------------------------


def poll(client: Client, tag: str):
    return client.get("/part/overview", headers={"HX-Request": "true", "HX-PTag": tag})


def tag_of(text: str) -> str:
    found = re.search(r'hx-ptag="(\w+)"', text)
    assert found
    return found[1]


def test_a_poll_is_answered_304_while_nothing_would_look_different(viewer, organization, clock):
    tag = tag_of(page(viewer))
    clock.shift(timedelta(seconds=30))
    tick(organization, now=NOW + timedelta(seconds=30))
    answer = poll(viewer, tag)
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer["Data-Through"] == "2026-11-10T12:02:30+00:00"


def test_a_poll_after_a_new_outcome_brings_what_the_page_itself_would_show(viewer, organization):
    tag = tag_of(page(viewer))
    add(organization, [invoice("late", NOW - timedelta(hours=5), late=True)], NOW)
    answer = poll(viewer, tag)
    assert answer.status_code == 200
    assert answer["HX-PTag"] != tag
    assert "11 invoices too many, 10 allowed" in answer.content.decode()
    assert answer.content.decode() in page(viewer)
    assert poll(viewer, answer["HX-PTag"]).status_code == 304


def test_a_new_target_is_seen_at_the_next_poll(viewer, organization):
    tag = tag_of(page(viewer))
    SLODefinition.objects.filter(organization=organization, sli_type="time_to_ready").update(target_percentage=85)
    assert poll(viewer, tag).status_code == 200


def test_pages_are_answered_with_few_queries(viewer, organization, django_assert_max_num_queries):
    figures.refresh(organization, now=NOW)
    for address in ("/", "/part/overview"):
        with django_assert_max_num_queries(QUERIES) as asked:
            assert viewer.get(address, headers={"HX-Request": "true"}).status_code == 200
        assert len(asked) > 3
    for k in range(50):
        SLODefinition.objects.create(
            organization=organization, name=f"More {k}", sli_type="time_to_ready", target_percentage=90 + k / 10,
            target_value=5, target_unit="minutes", measurement_periods=["daily"],
        )  # fmt: skip
    with django_assert_max_num_queries(QUERIES):
        text = page(viewer)
    assert len(Rows(text).found) == 50
    assert "These are the 50 worst." in text
    assert '<a href="/slos/">All 57 objectives</a>' in text
    assert "of 57</small>" in text  # the tiles count all of them


# --- the chart -------------------------------------------------------------------------------------------


def figure(text: str) -> dict:
    found = re.search(r'<script id="budget-chart-data" type="application/json">(.*?)</script>', text)
    assert found
    return json.loads(found[1])


def test_before_it_is_drawn_the_place_of_the_chart_says_so(viewer):
    assert "The chart is drawn in the background" in page(viewer)


def test_the_chart_ends_where_the_table_stands(viewer, organization):
    figures.refresh(organization, now=NOW)
    add(organization, [invoice("late", NOW - timedelta(hours=5), late=True)], NOW)
    text = page(viewer)
    ends = {trace["uid"]: trace["y"][-1] for trace in figure(text)["data"]}
    rows = {row["id"]: row["remaining"] for row in Rows(text).found}
    assert {uid: "" if y is None else str(y) for uid, y in ends.items()} == rows
    assert {trace["x"][-1] for trace in figure(text)["data"]} == {"2026-11-10"}


def test_the_caption_names_the_objective_with_the_least_left(viewer):
    assert "Time-to-Ready Processing has the least error budget left: \N{MINUS SIGN}100.0" in page(viewer)


def test_the_axis_is_cut_where_one_objective_would_flatten_the_others_and_says_so(viewer, organization):
    figures.refresh(organization, now=NOW)
    organization.slos.exclude(sli_type="extraction_accuracy").update(is_active=False)
    assert figure(page(viewer))["layout"]["yaxis"]["range"] == [0, 103]
    assert "The axis ends" not in page(viewer)
    organization.slos.update(is_active=True)
    assert figure(page(viewer))["layout"]["yaxis"]["range"] == [-105, 103]
    assert "The axis ends at" in page(viewer)


def test_the_chart_is_also_a_table(viewer, organization):
    figures.refresh(organization, now=NOW)
    text = page(viewer)
    assert "10 Nov 2026 (now)" in text
    assert text.count('<th scope="row">') >= 7 + 31
