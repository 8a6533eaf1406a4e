"""What an attacker tries first, one test each, where no other file has it."""

import json
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import tokens
from accounts.models import AuditEntry
from alerts.models import SLOAlert
from kpis.models import InvoiceException, InvoiceMetric, SystemMetric
from slo_portal.openapi.operations import OPERATIONS
from slos.models import SLODefinition
from tests.alerts.alerting import an_alert
from tests.calling import API, Caller, a_caller, an_organization, data
from tests.isolation import a_firm, addresses

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 10, 12, 2, 30, tzinfo=UTC)


@pytest.fixture
def api() -> Caller:
    return a_caller(scope="admin")


# --- mass assignment -------------------------------------------------------------------------------------
def test_a_message_sets_no_column_that_is_not_a_field_of_it(api: Caller) -> None:
    other = an_organization("other")
    told = {
        "invoices": ({"invoice_id": "a"}, InvoiceMetric),
        "exceptions": ({"exception_id": "a"}, InvoiceException),
        "system": ({"metric_name": "a", "value": 1, "measured_at": "2026-11-10T12:00:00Z"}, SystemMetric),
    }
    for path, (row, model) in told.items():
        fields = {one.attname for one in model._meta.fields} | {one.name for one in model._meta.fields}
        assert data(api.post(path, row))["created"] == 1
        known = set(OPERATIONS[f"api-{path}", "post"].body.__struct_fields__)
        for name in sorted(fields - known):
            tried = {**row, name: str(other.pk)}
            refused = api.post(path, tried)
            assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "unknown_field"), (path, name)
        assert {"organization", "organization_id"} <= fields - known
        assert not model._default_manager.filter(organization=other).exists()
        assert model._default_manager.count() == 1


def test_no_act_on_an_alert_sets_a_column_of_it(api: Caller) -> None:
    alert = an_alert(api.organization, now=NOW)
    before = SLOAlert.objects.values().get()
    names = {one.name for one in SLOAlert._meta.fields} - {"version", "resolution_notes"}
    for act in ("acknowledge", "resolve", "snooze", "assign", "notes", "reopen", "unsnooze", "unacknowledge"):
        for name in sorted(names):
            refused = api.post(f"alerts/{alert.pk}/{act}", {name: "x"})
            assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "unknown_field"), (act, name)
    assert SLOAlert.objects.values().get() == before
    assert data(api.post(f"alerts/{alert.pk}/acknowledge"))["acknowledged_by"] == api.user.get_username()


# --- query bombs -----------------------------------------------------------------------------------------
BOMBS = [
    "invoices?limit=1000000000", "invoices?days=1000000000", "invoices?ordering=user__password",
    "invoices?vendor__regex=(a%2B)%2B", "invoices?organization=other", "invoices?vendor=" + "%25" * 10_000,
    "invoices?" + "&".join(f"f{n}=1" for n in range(1_000)), "alerts?offset=99999999999", "alerts?limit=501",
    "alerts?ordering=-slo__name", "slos/dashboard?time_range_days=366",
    "slos/dashboard?" + "&".join(["slo_types=time_to_ready"] * 1_000), "kpis/summary?days=91",
    "kpis/summary?group_by=user",
    "metrics/invoice-trends?start_date=2000-01-01&end_date=2199-12-31&granularity=hourly",
    "invoices?days=1&days=365", "invoices?cursor=" + "A" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb[:40])
def test_a_query_that_asks_for_too_much_is_refused_by_name_before_the_rows_are_asked(api: Caller, bomb: str) -> None:
    api.get(bomb.partition("?")[0])  # notes that the token is used
    with CaptureQueriesContext(connection) as queries:
        answer = api.get(bomb)
    assert answer.status_code == 400, answer.content[:300]
    assert len(queries) <= 3, [query["sql"][:80] for query in queries]
    assert len(answer.content) < 2_000


# --- header injection ------------------------------------------------------------------------------------
SPLIT = "a\r\nSet-Cookie: stolen=1\r\n\r\n<script>"


def test_no_text_that_was_stored_or_sent_splits_a_header(api: Caller) -> None:
    data(api.post("invoices", {"invoice_id": SPLIT, "vendor": SPLIT}))
    SLODefinition.objects.filter(sli_type="time_to_ready").update(name=SPLIT, description=SPLIT)
    quoted = SPLIT.replace("\r", "%0D").replace("\n", "%0A").replace(" ", "%20")
    answers = [
        api.get(f"invoices/{quoted}"),
        api.get(f"invoices?format=csv&vendor={quoted}"),
        api.get("slos/definitions"),
    ]
    slo = api.organization.slos.get(name=SPLIT)
    answers += [api.get(f"slos/{slo.pk}/measurements?format=csv"), api.get("nothing" + quoted)]
    web = Client()
    web.force_login(api.user)
    answers += [web.get(f"/login/?next=/{quoted}"), web.get(f"/{quoted}"), web.get(f"/slos/?{quoted}={quoted}")]
    assert [answer.status_code for answer in answers][:4] == [200] * 4
    for answer in answers:
        headers = "".join(f"{name}: {value}" for name, value in answer.items())
        assert not {"\r", "\n"} & set(headers)
        assert "stolen" not in answer.cookies
    assert SPLIT.split("\r")[0] in AuditEntry.objects.filter(action="exported").first().note


# --- forgery across sites --------------------------------------------------------------------------------
def test_no_page_takes_an_act_from_another_site() -> None:
    firm = a_firm("Quokka", NOW)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(firm.people["admin"])
    refused, allowed = [], []
    for address in addresses():
        if address.name in ("logout", "switch-organization"):  # what follows needs the session
            continue
        url = address.url(firm)
        evil = {"origin": "https://evil.example", "referer": "https://evil.example/"}
        answer = strict.post(url, json.dumps({}), content_type="text/plain", headers=evil)
        (refused if answer.status_code in (403, 404, 405) else allowed).append((address.name, answer.status_code))
    assert allowed == []
    assert len([status for _, status in refused if status == 403]) > 30
    assert strict.post("/logout/").status_code == 403


def test_a_bearer_token_needs_no_cookie_and_a_cookie_is_no_token(api: Caller) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(api.user)
    bearer = {"authorization": f"Bearer {api.token}", "origin": "https://evil.example"}
    assert strict.post(f"{API}slos/initialize", headers=bearer).status_code == 202
    assert strict.post(f"{API}slos/initialize").status_code == 403
    assert strict.post(f"{API}slos/initialize", headers={"authorization": "Bearer x"}).status_code == 401


# --- timing ----------------------------------------------------------------------------------------------
def test_a_wrong_token_costs_the_same_statements_however_near_it_is(api: Caller) -> None:
    def statements(token: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert api.get("slos/definitions", authorization=f"Bearer {token}").status_code == 401
        return len(queries)

    body = api.token[:-8]
    near = [body[:-1] + sign + tokens._checksum(body[:-1] + sign) for sign in "ab-" if sign != body[-1]]
    far = tokens.PREFIX + "x" * 43
    assert {statements(token) for token in (*near, far + tokens._checksum(far))} == {1}
    assert statements(body + "00000000") == 0  # mistyped: known without the database
    assert len(api.get("slos/definitions").content) > 1_000
