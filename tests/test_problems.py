"""What goes wrong inside, as a stranger sees it: the database is away, busy, or holds against a value; a bug."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, connection, transaction
from django.test import Client, RequestFactory
from django.urls import include, path
from rest_framework.exceptions import ValidationError

from accounts.endpoint import Endpoint
from accounts.problems import exception_handler
from kpis.ingest import store_rows
from kpis.messages import INVOICE
from kpis.models import InvoiceMetric
from kpis.poke import look_now
from tests.calling import API, PROBLEM, a_caller, data

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)


class Broken(Endpoint):
    authentication_classes = permission_classes = ()

    def get(self, request):
        raise ZeroDivisionError("canary")


urlpatterns = [path("api/broken", Broken.as_view()), path("", include("slo_portal.urls"))]


@pytest.mark.urls(__name__)
def test_a_bug_is_a_500_that_tells_nothing_of_the_inside() -> None:
    answer = Client(raise_request_exception=False).get("/api/broken")
    assert (answer.status_code, answer["Content-Type"]) == (500, PROBLEM)
    assert answer.json()["instance"] == "/api/broken"
    assert "canary" not in answer.content.decode()
    assert "ZeroDivision" not in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_a_503_and_is_used_again_when_it_is_back() -> None:
    api = a_caller()
    address = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(HOST="127.0.0.1", PORT="1")
    client = Client(headers={"authorization": f"Bearer {api.token}"})
    for answer in (client.get(f"{API}slos/definitions"), client.post(f"{API}invoices", {}, "application/json")):
        assert (answer.status_code, answer["Content-Type"]) == (503, PROBLEM)
        assert int(answer["Retry-After"]) > 0
        assert "127.0.0.1" not in answer.content.decode()
    assert client.get(f"{API}nothing").status_code == 404
    look_now(api.organization.pk)  # a poke that is lost is no failure of what was stored before it

    connection.settings_dict.update(address)
    assert data(api.get("slos/definitions"))["count"] == 7


@pytest.mark.django_db(transaction=True)
def test_a_row_that_another_holds_too_long_is_a_503_and_nothing_is_stored() -> None:
    api = a_caller()
    store_rows(INVOICE, api.organization, [{"invoice_id": "held"}], now=NOW)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            list(InvoiceMetric.objects.select_for_update())
            held.set()
            done.wait()
        connection.close()

    with ThreadPoolExecutor(1) as pool, connection.cursor() as cursor:
        holder = pool.submit(hold)
        held.wait()
        cursor.execute("SET lock_timeout = '50ms'")
        body = {"invoices": [{"invoice_id": "new"}, {"invoice_id": "held", "vendor": "x"}]}
        answer = api.client.post(
            f"{API}invoices", body, "application/json", headers={"authorization": f"Bearer {api.token}"}
        )
        done.set()
        holder.result()
        cursor.execute("RESET lock_timeout")
    assert (answer.status_code, answer["Retry-After"], answer["Content-Type"]) == (503, "1", PROBLEM)
    assert InvoiceMetric.objects.count() == 1
    assert data(api.post("invoices", body))["created"] == 1


def run_impatiently(sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '20ms'")
        cursor.execute(sql)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sql", "status"),
    [
        ("SELECT 'x'::int", 400),
        ("SELECT 1e15::numeric(18, 4)", 400),
        ("SELECT pg_sleep(1)", 503),  # the statement takes too long
        ("INSERT INTO accounts_membership (user_id, organization_id, role) SELECT NULL, NULL, ''", 409),
        ("SELECT nonsense", None),  # a mistake of ours
    ],
)
def test_what_the_database_says_becomes_the_right_status(sql: str, status: int | None) -> None:
    with pytest.raises(DatabaseError) as caught:
        run_impatiently(sql)
    answer = exception_handler(caught.value, {"request": RequestFactory().get("/api/x")})
    assert (answer and answer.status_code) == status


@pytest.mark.parametrize(
    ("error", "status", "errors"),
    [
        (RequestDataTooBig(), 400, None),
        (OverflowError(), 400, None),
        (RecursionError(), 400, None),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"), 400, None),
        (ValidationError({"name": ["Too long."]}), 400, [{"field": "name", "code": "invalid", "message": "Too long."}]),
        (ValidationError(["No."]), 400, [{"field": "", "code": "invalid", "message": "No."}]),
    ],
)
def test_what_slips_through_is_the_requests_fault_all_the_same(
    error: Exception, status: int, errors: list[dict[str, str]] | None
) -> None:
    answer = exception_handler(error, {"request": RequestFactory().get("/api/x")})
    assert answer is not None
    assert answer.status_code == status
    assert answer.data.get("errors") == errors


def test_outside_the_api_errors_stay_pages() -> None:
    answer = Client().get("/nothing/at/all")
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")
