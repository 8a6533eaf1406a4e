"""The page of one objective: whatever it says twice is the same, and the same as the read model and the API have it."""

import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from plotly import graph_objects

from accounts.models import Organization
from alerts.models import SLOAlert
from kpis.periods import DAY, local_periods
from slos import detail, history
from slos.measure import catch_up
from slos.models import SLODefinition
from slos.status import overview
from slos.tick import tick
from tests.alerts.alerting import an_alert
from tests.calling import lines
from tests.facts import slo as objective_of
from tests.slos.worlds_to_show import NOW, add, invoice, show

pytestmark = pytest.mark.django_db
QUERIES = 12
WEEK = "?range=custom&start=2026-10-13&end=2026-10-20"


def text(client: Client, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status, answer.content[:500]
    return answer.content.decode()


def figures(page: str) -> dict[str, dict]:
    found = re.findall(r'<script id="(\w+)-data" type="application/json">(.*?)</script>', page)
    return {name: json.loads(content) for name, content in found}


def values(page: str) -> dict[str, str]:
    return dict(re.findall(r'data-figure="([\w-]+)" value="([^"]*)"', page))


@pytest.fixture
def slo(organization: Organization) -> SLODefinition:
    return objective_of(organization, "time_to_ready")


def lately(organization: Organization, **fields: object) -> None:
    """20 invoices of the last hours, 6 of them late; a vendor has 5 of these."""
    rows = [invoice(f"new-{k}", NOW - timedelta(minutes=15 + 10 * k), late=k < 6) for k in range(20)]
    add(organization, [{**row, "vendor": "Acme <b>" if k < 5 else "Other"} for k, row in enumerate(rows)], NOW)


def test_its_tiles_are_those_of_the_overview(viewer, organization, slo):
    page = text(viewer, f"/slo/{slo.pk}/")
    (one,) = [one for one in overview(organization, now=NOW).slos if one.slo == slo]
    shown = values(page)
    assert shown["achieved"] == str(one.achieved_percentage) == "90.0"
    assert shown["remaining"] == str(one.remaining_percentage) == "-100.0"
    assert (shown["burn-1h"], shown["burn-6h"]) == ("", "")  # no event is no burn rate
    assert "95\N{NO-BREAK SPACE}% of invoices are ready within 5 minutes of their upload, over 30 days." in page
    assert "10 invoices too many, 10 allowed" in page
    assert figures(page)["budget"]["data"][0]["y"][-1] == one.remaining_percentage


def test_counts_are_the_same_in_figures_tables_and_shares(viewer, organization, slo):
    lately(organization)
    page = text(viewer, f"/slo/{slo.pk}/?range=7d")
    drawn = figures(page)
    assert set(drawn) == {"budget", "sli", "burn", "volume", "spread"}
    for one in drawn.values():
        graph_objects.Figure(one)
    good, bad = (sum(trace["y"]) for trace in drawn["volume"]["data"])
    total = good + bad
    assert (bad, total) == (6, total)
    assert f"6 of {int(total)} invoices were bad" in page
    assert [sum(trace["y"]) for trace in drawn["spread"]["data"]] == [good, bad]
    assert "Acme &lt;b&gt;" in page
    assert "<td>5</td><td>83.3 %</td>" in page  # of Acme
    assert "<td>1</td><td>16.7 %</td>" in page  # of everything else
    behind = re.search(r'href="(/invoices/\?[^"]*vendor=Acme[^"]*)"', page)
    assert behind
    listed = text(viewer, behind[1].replace("&amp;", "&"))
    assert listed.count("new-") >= 5


def test_measurements_are_those_of_the_api(viewer, organization, slo):
    catch_up(organization, "daily", now=NOW)
    page = text(viewer, f"/slo/{slo.pk}/")
    told = viewer.get(f"/api/v1/metrics/slos/{slo.pk}/measurements?days=30&limit=20").json()["data"]
    assert re.findall(r'data-measurement="([\w-]+)"', page) == [row["id"] for row in told["measurements"]]
    assert len(told["measurements"]) == 20
    older = re.search(r'href="(\?[^"]*after=[^"]*)#measurements">Older', page)
    assert older
    rest = text(viewer, f"/slo/{slo.pk}/{older[1].replace('&amp;', '&')}")
    ids = re.findall(r'data-measurement="([\w-]+)"', rest)
    assert len(ids) >= 5
    assert not set(ids) & {row["id"] for row in told["measurements"]}
    assert "after:" in text(viewer, f"/slo/{slo.pk}/?after=soon", 400)


def test_a_file_holds_the_table_of_its_figure(viewer, slo):
    page = text(viewer, f"/slo/{slo.pk}/{WEEK}")
    assert "range=custom&amp;start=2026-10-13&amp;end=2026-10-20" in page
    for key, one in figures(page).items():
        rows = lines(viewer.get(f"/slo/{slo.pk}/{key}.csv{WEEK}"))
        assert len(rows) == len(one["data"][0]["x"])
        if key == "volume":
            assert [float(row["Bad"]) for row in reversed(rows)] == one["data"][1]["y"]
            assert sum(one["data"][1]["y"]) == 20
    assert viewer.get(f"/slo/{slo.pk}/nothing.csv").status_code == 404


@pytest.mark.parametrize("window", ["rolling", "month"])
def test_points_of_the_past_are_what_was_known_then(window, clock):
    organization = show(NOW, slug="far", zone="Asia/Kathmandu")
    organization.slos.update(window=window, window_days=7)
    tick(organization, now=NOW)
    (one,) = [one for one in overview(organization, now=NOW).slos if one.slo.sli_type == "time_to_ready"]
    span = detail.Span(NOW - 25 * DAY, NOW)
    found = detail.read(organization, one, span, [], now=NOW, zone=organization.time_zone)
    ends = [end for _, end in local_periods("daily", span.start, NOW, organization.time_zone)]
    left = history.budget_left(organization, [one.slo], ends[:-1])[one.slo.pk]
    assert [found.left(point.window) for point in found.points[:-1]] == left
    assert len(set(left)) > 3
    assert found.left(found.points[-1].window) == one.remaining_percentage


def test_a_calendar_window_shows_bad_events_against_those_allowed(viewer, organization, slo):
    assert "The axis ends" in text(viewer, f"/slo/{slo.pk}/")
    organization.slos.update(window="quarter")
    tick(organization, now=NOW)
    page = text(viewer, f"/slo/{slo.pk}/")
    assert "The axis ends" not in page
    bad, allowed = figures(page)["budget"]["data"]
    assert bad["y"] == sorted(bad["y"])
    assert (bad["y"][-1], allowed["y"][-1]) == (20, 10.05)  # of 201


def test_alerts_and_new_promises_are_drawn_and_listed(viewer, organization, slo, admin_user):
    alert = an_alert(organization, now=NOW - DAY, title="It burns <b>", severity="incident")
    slo.target_percentage = 80
    slo._history_user = admin_user
    slo.save()
    page = text(viewer, f"/slo/{slo.pk}/")
    layout = figures(page)["budget"]["layout"]
    kinds = [shape["type"] for shape in layout["shapes"]]
    assert kinds == ["line", "rect", "line"]  # nothing left, the alert, the new promise
    assert [note["text"] for note in layout["annotations"]] == ["new promise", "incident"]
    assert "Target percentage: 95 → 80" in page
    assert f"by {admin_user}" in page
    assert page.count(f"/alerts/{alert.pk}/") == 2  # among the open ones and in the list
    assert "It burns &lt;b&gt;" in page
    assert set(figures(page)["sli"]["data"][1]["y"]) == {95.0, 80.0}
    SLOAlert.objects.filter(pk=alert.pk).update(resolved_at=NOW - timedelta(hours=20), resolution="recovered")
    assert "resolved after 4" in text(viewer, f"/slo/{slo.pk}/")


# --- states ----------------------------------------------------------------------------------------------------


def test_what_is_not_known_is_no_data(viewer, organization):
    empty = objective_of(organization, "exception_resolution_time")
    page = text(viewer, f"/slo/{empty.pk}/")
    assert "No data" in page
    assert set(values(page).values()) == {""}
    assert figures(page) == {}
    assert page.count("There is nothing to draw in this range.") == 5
    burn = page.split("Burn rate, 1 h · 6 h</dt>")[1].split("</dd>")[0]
    assert burn.count("no data") == 1


def test_a_paused_objective_says_so(viewer, slo):
    SLODefinition.objects.filter(pk=slo.pk).update(is_active=False)
    page = text(viewer, f"/slo/{slo.pk}/")
    assert "Paused" in page
    assert "Budget used up" not in page


@pytest.mark.parametrize(
    ("query", "field"), [("?range=fortnight", "range:"), ("?range=custom&start=x&end=2026-11-01", "start:")]
)
def test_a_range_that_cannot_be_read_is_named(viewer, slo, query, field):
    assert field in text(viewer, f"/slo/{slo.pk}/{query}", 400)


def test_only_who_may_change_it_is_led_to_the_form(viewer, slo, client, admin_user):
    assert "/change/" not in text(viewer, f"/slo/{slo.pk}/")
    client.force_login(admin_user)
    assert f"/admin/slos/slodefinition/{slo.pk}/change/" in text(client, f"/slo/{slo.pk}/")


# --- polls -----------------------------------------------------------------------------------------------------


def test_a_poll_is_answered_304_until_something_would_look_different(viewer, organization, slo, clock):
    page = text(viewer, f"/slo/{slo.pk}/?range=7d")
    tag = re.search(r'hx-ptag="(\w+)"', page)
    assert tag

    def poll():
        headers = {"HX-Request": "true", "HX-PTag": tag[1]}
        return viewer.get(f"/part/slo/{slo.pk}?range=7d", headers=headers)

    clock.shift(timedelta(seconds=30))
    tick(organization, now=NOW + timedelta(seconds=30))
    answer = poll()
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer["Data-Through"] == "2026-11-10T12:02:30+00:00"
    lately(organization)
    answer = poll()
    assert answer.status_code == 200
    assert answer.content.decode() in text(viewer, f"/slo/{slo.pk}/?range=7d")


def test_a_page_costs_few_queries(viewer, organization, slo, django_assert_max_num_queries):
    lately(organization)
    an_alert(organization, now=NOW - DAY, title="It burns")
    for url in (f"/slo/{slo.pk}/?range=90d", f"/part/slo/{slo.pk}?range=7d"):
        with django_assert_max_num_queries(QUERIES) as asked:
            text(viewer, url)
        assert len(asked) > 5


# --- the way to it ---------------------------------------------------------------------------------------------


def test_the_list_finds_objectives_by_name_owner_and_state(viewer, organization, slo):
    organization.slos.filter(sli_type="duplicate_recall").update(is_active=False)
    everything = text(viewer, "/slos/")
    assert everything.count('id="slo-') == 6
    assert everything.count("/slo/") >= 7  # and the paused one
    assert f'href="/slo/{slo.pk}/"' in text(viewer, "/")
    for query, found in (("q=time-to", 1), ("q=ap+operations", 3), ("state=met", 2), ("state=paused", 0)):
        page = text(viewer, f"/slos/?{query}")
        assert page.count('id="slo-') == found, query
    assert "Duplicate Detection Recall" in page
    assert "State: Select a valid choice" in text(viewer, "/slos/?state=sad", 400)


def test_a_long_list_comes_in_pages_and_costs_as_few_queries(viewer, organization, django_assert_max_num_queries):
    for k in range(50):
        SLODefinition.objects.create(
            organization=organization, name=f"More {k}", sli_type="time_to_ready", target_percentage=90 + k / 10,
            target_value=5, target_unit="minutes", measurement_periods=["daily"],
        )  # fmt: skip
    with django_assert_max_num_queries(QUERIES):
        first = text(viewer, "/slos/?q=e")
    second = text(viewer, "/slos/?q=e&page=2")
    shown = [set(re.findall(r'id="(slo-[^"]+)"', page)) for page in (first, second)]
    assert [len(found) for found in shown] == [50, 7]
    assert not shown[0] & shown[1]
    assert 'href="?q=e&amp;page=2" rel="next"' in first
    assert "57 of 57 active objectives, worst first. These are 51 to 57." in second
    assert 'hx-get="/part/slos?q=e&amp;page=2"' in second
    assert 'id="slo-' in text(viewer, "/slos/?page=99")  # the last one
