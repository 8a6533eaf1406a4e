"""The overview: what a person reads, equal to what the read model says, and to nobody else."""

import json
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import Membership
from slos import figures
from slos.models import SLODefinition
from slos.status import overview
from slos.tick import tick
from tests.slos.worlds_to_show import STATES, add, invoice, member, show

NOW = datetime(2026, 11, 10, 12, 2, tzinfo=UTC)
PART = {"headers": {"HX-Request": "true"}}
pytestmark = pytest.mark.django_db


class Rows(HTMLParser):
    """The objectives of a page, in order: name, state and the values of its figures."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[dict[str, str]] = []
        self.into = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        given = dict(attrs)
        if given.get("id", "").startswith("slo-"):
            self.found.append({"id": given["id"].removeprefix("slo-"), "name": "", "state": ""})
        if tag == "data" and self.found and given["data-figure"] not in self.found[-1]:
            self.found[-1][given["data-figure"]] = given["value"]
        if self.found and not self.found[-1]["state"]:
            if given.get("scope") == "row":
                self.into = "name"
            elif "state" in (given.get("class") or "").split():
                self.into = "state"

    def handle_data(self, data: str) -> None:
        if self.into and data.strip():
            self.found[-1][self.into] += f"{data.strip()} "

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th", "small"}:
            self.into = ""


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def organization(clock):
    return show(NOW)


@pytest.fixture
def viewer(organization, client) -> Client:
    client.force_login(member(organization))
    return client


def page(client: Client) -> str:
    return client.get("/").content.decode()


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
    assert re.search(r"Paused: Approval Latency\.", text)
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
        with django_assert_max_num_queries(12) as asked:
            assert viewer.get(address, **PART).status_code == 200
        assert len(asked) > 3
    for k in range(50):
        SLODefinition.objects.create(
            organization=organization, name=f"More {k}", sli_type="time_to_ready", target_percentage=90 + k / 10,
            target_value=5, target_unit="minutes", measurement_periods=["daily"],
        )  # fmt: skip
    with django_assert_max_num_queries(12):
        assert len(Rows(page(viewer)).found) == 57


# --- who sees what ---------------------------------------------------------------------------------------


def test_a_stranger_is_sent_to_sign_in_and_back(organization, client):
    answer = client.get("/")
    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/")
    answer = client.post(
        "/login/?next=/", {"username": member(organization).username, "password": "sesame", "next": "/"}
    )
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert len(Rows(page(client)).found) == 7


def test_a_wrong_password_is_told_without_telling_more(organization, client):
    answer = client.post("/login/", {"username": member(organization).username, "password": "wrong"})
    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()
    assert "sesame" not in answer.content.decode()


def test_a_poll_of_an_ended_session_never_brings_the_sign_in_form_into_the_page(organization, client):
    answer = client.get("/part/overview", **PART)
    assert (answer.status_code, answer.content) == (401, b"")


def test_signing_out_needs_a_post_and_ends_the_session(viewer):
    assert viewer.get("/logout/").status_code == 405
    assert viewer.post("/logout/").status_code == 302
    assert viewer.get("/").status_code == 302


def test_nothing_of_another_organisation_is_shown(viewer, clock):
    other = show(NOW, slug="other")
    SLODefinition.objects.filter(organization=other).update(slos_owner="Secret Team")
    figures.refresh(other, now=NOW)
    for address in ("/", "/part/overview"):
        text = viewer.get(address).content.decode()
        assert "Secret Team" not in text
        assert not any(str(pk) in text for pk in other.slos.values_list("pk", flat=True))
    viewer.force_login(member(other, "oscar"))
    assert "Secret Team" in page(viewer)


def test_somebody_without_an_organisation_is_told_so(client, organization):
    client.force_login(member(None, "nobody"))
    answer = client.get("/")
    assert answer.status_code == 403
    assert "You belong to no organisation yet" in answer.content.decode()


def test_only_staff_is_led_to_the_admin(viewer, organization):
    assert 'href="/admin/"' not in page(viewer)
    viewer.force_login(member(organization, "stan", is_staff=True))
    assert 'href="/admin/"' in page(viewer)


def test_a_page_is_not_kept_by_the_browser_after_signing_out(viewer):
    assert "no-store" in viewer.get("/")["Cache-Control"]


@pytest.mark.parametrize("address", ["/", "/part/overview"])
def test_pages_are_read_only(viewer, address):
    assert viewer.post(address).status_code == 405
    assert viewer.head(address).status_code == 200


# --- the frame -------------------------------------------------------------------------------------------


def test_before_the_first_invoice_the_page_says_what_to_do(client, clock):
    organization = show(NOW)
    organization.slos.all().delete()
    client.force_login(member(organization))
    assert "No objectives yet" in page(client)


def test_a_new_portal_shows_a_check_list(client, clock):
    organization = show(NOW, slug="empty")
    SLODefinition.objects.filter(organization=organization).exclude(sli_type="exception_resolution_time").delete()
    client.force_login(member(organization))
    text = page(client)
    assert "Waiting for the first invoice" in text
    assert "import_invoices" in text
    assert "The calculation is running" in text
    clock.shift(timedelta(minutes=3))
    assert "The calculation is not running" in page(client)


def test_a_switched_off_calculation_is_said_on_every_page(viewer, settings):
    assert "METRICS_ENABLED" not in page(viewer)
    settings.METRICS_ENABLED = False
    assert "METRICS_ENABLED is false" in page(viewer)
    assert "METRICS_ENABLED is false" in viewer.get("/nothing-here").content.decode()


def test_the_support_contact_stands_on_the_page(viewer, settings):
    settings.SUPPORT_CONTACT = "slo-team@example.com"
    assert "slo-team@example.com" in page(viewer)


@pytest.mark.parametrize(("cookie", "theme"), [("dark", "dark"), ("light", "light"), ('"><script>', None), ("", None)])
def test_the_theme_of_the_switch_is_in_the_first_frame(viewer, cookie, theme):
    viewer.cookies["theme"] = cookie
    found = re.search(r'<html lang="en"(?: data-theme="(\w+)")?>', page(viewer))
    assert found
    assert found[1] == theme


def test_errors_say_what_happened_and_where_to_go(viewer):
    answer = viewer.get("/nothing-here")
    assert answer.status_code == 404
    assert "This page does not exist" in answer.content.decode()
    assert reverse("overview") in answer.content.decode()
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/login/", {"username": "a", "password": "b"})
    assert answer.status_code == 403
    assert "The form was out of date" in answer.content.decode()


def test_the_page_of_a_server_error_needs_nothing_that_may_be_broken(viewer, organization, monkeypatch):
    viewer.raise_request_exception = False
    Membership.objects.update(role="unheard-of")
    answer = viewer.get("/")
    assert answer.status_code == 500
    assert "The portal made an error" in answer.content.decode()
    assert "static" not in answer.content.decode()


def test_no_script_or_style_stands_in_a_page(viewer, organization):
    figures.refresh(organization, now=NOW)
    text = page(viewer)
    assert not re.search(r"<[^>]+\s(style|on\w+)=", text)
    scripts = re.findall(r"<script([^>]*)>([^<]*)", text)
    assert any(body.strip() for _, body in scripts)  # the figure's data, which no browser runs
    assert all("application/json" in attributes for attributes, body in scripts if body.strip())
    assert "unsafe" not in viewer.get("/")["Content-Security-Policy"]


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
