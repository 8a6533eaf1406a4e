"""What every address of the API does alike: ids of requests, limits, tags, and writes that are safe to repeat."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client

from accounts import manners, reach, replay, request_ids
from accounts.models import AuditEntry, StoredAnswer
from kpis.models import InvoiceMetric
from slo_portal.celery import app
from slo_portal.tasks import clean_up
from slos.models import Job
from slos.tick import tick
from tests.calling import API, PROBLEM, Caller, a_caller, an_organization, data

NOW = datetime(2026, 11, 10, 12, 2, tzinfo=UTC)
KEY = "idempotency-key"


@pytest.fixture(autouse=True)
def clock():
    manners.rates.forget()
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def api(db: None) -> Caller:
    return a_caller()


@pytest.fixture
def limits(settings: Any) -> dict[str, int]:
    settings.API_LIMITS = dict.fromkeys(settings.API_LIMITS, 0)
    return settings.API_LIMITS


# --- ids -----------------------------------------------------------------------------------------------------
def test_a_request_keeps_the_id_that_its_caller_gave_it(api: Caller, caplog: pytest.LogCaptureFixture) -> None:
    given = "6c1f7f0a-5b1e-4a53-9c6e-0f7f5f1f2a3b"
    caplog.handler.addFilter(request_ids.InLog())
    answer = api.get("nothing", **{"x-request-id": given})
    assert (answer["X-Request-ID"], answer.json()["request_id"]) == (given, given)
    assert {record.request_id for record in caplog.records} == {f"{given} "}
    api.get("invoices?format=csv", **{"x-request-id": given})
    assert AuditEntry.objects.get(action="exported").request_id == given


@pytest.mark.parametrize(
    "given", ["", "short", "x" * 65, "a\tb\tcdefgh", "ümlautümlaut", "' OR 1=1; --", "-dash-first"]
)
def test_a_strange_id_is_replaced(api: Caller, given: str) -> None:
    answer = api.get("slos/definitions", **{"x-request-id": given})
    assert answer["X-Request-ID"] != given
    assert len(answer["X-Request-ID"]) == 32


def test_outside_of_a_request_the_log_names_none() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "", (), None)
    request_ids.InLog().filter(record)
    assert record.request_id == ""


# --- limits --------------------------------------------------------------------------------------------------
def test_a_token_is_told_what_is_left_and_when_to_come_again(api: Caller, limits: dict, clock: Any) -> None:
    limits["read"] = 2
    first, second, third = (api.get("slos/definitions") for _ in range(3))
    assert [one.status_code for one in (first, second, third)] == [200, 200, 429]
    assert [first[f"RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset", "Policy")] == [
        "2",
        "1",
        "30",
        "2;w=60",
    ]
    assert (third["RateLimit-Remaining"], third["Retry-After"]) == ("0", "30")
    assert "Retry-After" not in second
    assert api.post("invoices", {"invoice_id": "a"}).status_code == 200  # counted apart
    assert api.client.get(f"{API}slos/definitions").status_code == 401
    clock.shift(timedelta(seconds=30))
    assert api.get("slos/definitions").status_code == 200


def test_each_token_has_its_own_limit(api: Caller, limits: dict) -> None:
    limits["read"] = 1
    other = a_caller(an_organization("other"))
    assert [caller.get("slos/definitions").status_code for caller in (api, other, api, other)] == [200, 200, 429, 429]


def test_what_is_refused_for_its_rate_is_not_done(api: Caller, limits: dict) -> None:
    limits["ingest"] = 1
    answers = [api.post("invoices", {"invoice_id": name}, **{KEY: name}).status_code for name in "ab"]
    assert answers == [200, 429]
    assert (InvoiceMetric.objects.count(), StoredAnswer.objects.count()) == (1, 1)


def test_files_have_a_limit_of_their_own(api: Caller, limits: dict) -> None:
    limits["export"] = 1
    assert [api.get("invoices?format=csv").status_code for _ in range(2)] == [200, 429]
    assert api.get("invoices").status_code == 200


def test_few_files_are_made_at_once_for_an_organisation_and_one_that_is_done_makes_room(
    api: Caller, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.API_EXPORTS_AT_ONCE = 2
    same, other = a_caller(api.organization, role="viewer"), a_caller(an_organization("other"))
    begun = [api.get("invoices?format=csv"), same.get("exceptions?format=csv")]
    refused = api.get("invoices?format=csv")
    assert (refused.status_code, refused["Content-Type"], refused["Retry-After"]) == (429, PROBLEM, "10")
    assert (api.get("invoices").status_code, other.get("invoices?format=csv").status_code) == (200, 200)
    begun[0].getvalue()  # is read to its end
    begun.append(api.get("invoices?format=csv"))
    assert same.get("invoices?format=csv").status_code == 429
    next(begun[1]._iterator)
    begun[1]._iterator.close()  # is broken off
    with monkeypatch.context() as broken:
        broken.setattr("accounts.downloads.content_disposition_header", None)
        client = Client(raise_request_exception=False, headers={"authorization": f"Bearer {api.token}"})
        assert client.get(f"{API}invoices?format=csv").status_code == 500
    assert api.get("invoices?format=csv").status_code == 200
    assert AuditEntry.objects.filter(action="exported").count() == 6  # the failed one, too


def test_strangers_are_limited_by_their_address_and_keep_nobody_out(api: Caller, limits: dict) -> None:
    limits["stranger"] = 2
    tokens = ["slo_wrong", "slo_other", "slo_third"]
    answers = [api.get("slos/definitions", authorization=f"Bearer {token}") for token in tokens]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert (answers[2]["Content-Type"], answers[2]["Retry-After"]) == (PROBLEM, "30")
    assert api.get("slos/definitions").status_code == 200
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert elsewhere.get(f"{API}slos/definitions").status_code == 401


def test_a_session_is_counted_by_its_user(api: Caller, limits: dict) -> None:
    limits["read"] = 1
    client = Client()
    client.force_login(api.user)
    assert [client.get(f"{API}slos/definitions").status_code for _ in range(2)] == [200, 429]


# --- tags ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["slos/definitions", "slos/dashboard", "invoices", "alerts"])
def test_what_has_not_changed_is_not_sent_again(api: Caller, clock: Any, path: str) -> None:
    tick(api.organization, now=NOW)
    first = api.get(path)
    tag = first["ETag"]
    assert tag.startswith('W/"')
    clock.shift(timedelta(seconds=1))  # `as_of` is another
    again = api.get(path, **{"if-none-match": f'"other", {tag}'})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
    assert "Content-Type" not in again
    assert api.get(path, **{"if-none-match": "*"}).status_code == 304
    assert api.get(path, **{"if-none-match": '"other"'}).status_code == 200
    assert api.get(path, **{"if-none-match": 'garbage "'}).status_code == 200


def test_what_has_changed_has_another_tag(api: Caller) -> None:
    tag = api.get("invoices")["ETag"]
    api.post("invoices", {"invoice_id": "a", "vendor": 'x "as_of":"y"'})
    changed = api.get("invoices", **{"if-none-match": tag})
    assert (changed.status_code, changed["ETag"] != tag) == (200, True)
    api.post("invoices", {"invoice_id": "a", "vendor": 'x "as_of":"z"'})
    assert api.get("invoices")["ETag"] != changed["ETag"]


# --- writes that are safe to repeat --------------------------------------------------------------------------
def test_the_same_key_and_request_get_the_same_answer_and_are_done_once(api: Caller, clock: Any) -> None:
    first = api.post("measurements/calculate?period=daily", **{KEY: "k1"})
    Job.objects.update(state="done")  # else the waiting job would be found again
    clock.shift(timedelta(hours=1))
    again = api.post("measurements/calculate?period=daily", **{KEY: "k1"})
    assert (again.status_code, again.content, again["Location"]) == (202, first.content, first["Location"])
    assert (again["Idempotent-Replayed"], "Idempotent-Replayed" in first) == ("true", False)
    assert Job.objects.count() == 1
    assert api.post("measurements/calculate?period=daily", **{KEY: "k2"}).content != first.content
    assert Job.objects.count() == 2


def test_a_refusal_is_repeated_too(api: Caller) -> None:
    refused = api.post("invoices", {"invoice_id": ""}, **{KEY: "k"})
    again = api.post("invoices", {"invoice_id": ""}, **{KEY: "k"})
    assert (refused.status_code, again.status_code) == (422, 422)
    assert again.content == refused.content
    assert again["Idempotent-Replayed"] == "true"


def test_the_same_key_for_another_request_is_refused(api: Caller) -> None:
    assert api.post("invoices", {"invoice_id": "a"}, **{KEY: "k"}).status_code == 200
    for path, body in (("invoices", {"invoice_id": "b"}), ("invoices?atomic=true", {"invoice_id": "a"})):
        assert api.post(path, body, **{KEY: "k"}).status_code == 422
    assert InvoiceMetric.objects.count() == 1


def test_keys_of_others_are_not_in_the_way(api: Caller) -> None:
    other = a_caller(an_organization("other"))
    for caller in (api, other):
        assert data(caller.post("invoices", {"invoice_id": "a"}, **{KEY: "k"}))["created"] == 1


def test_while_the_first_is_being_answered_the_second_is_asked_to_wait_but_not_for_ever(
    api: Caller, clock: Any
) -> None:
    api.post("invoices", {"invoice_id": "a"}, **{KEY: "k"})
    StoredAnswer.objects.update(status=None, body=None)
    waits = api.post("invoices", {"invoice_id": "a"}, **{KEY: "k"})
    assert (waits.status_code, waits["Retry-After"]) == (409, "1")
    clock.shift(replay.LEASE)
    assert data(api.post("invoices", {"invoice_id": "a"}, **{KEY: "k"}))["unchanged"] == 1
    assert StoredAnswer.objects.get().status == 200


@pytest.mark.parametrize("key", ["", "x" * 201, "with space", "ümlaut", "\x7f"])
def test_a_key_that_is_none_is_refused(api: Caller, key: str) -> None:
    assert api.post("invoices", {"invoice_id": "a"}, **{KEY: key}).status_code == 400
    assert not InvoiceMetric.objects.exists()


def test_reads_need_no_key_and_bodies_are_checked_before_one_is_used(api: Caller) -> None:
    assert api.get("slos/definitions", **{KEY: "k"}).status_code == 200
    assert api.post("invoices", b"x", "text/plain", **{KEY: "k"}).status_code == 415
    assert not StoredAnswer.objects.exists()


def test_a_method_that_an_address_does_not_have_uses_no_key(api: Caller) -> None:
    assert api.post("invoices", {"invoice_id": "a"}, **{KEY: "k"}).status_code == 200
    for method in ("PUT", "TRACE", "NONSENSE"):
        assert api.request(method, "invoices", {"invoice_id": "b"}, **{KEY: "k"}).status_code == 405
    assert StoredAnswer.objects.count() == 1


def test_a_form_without_a_boundary_is_refused_as_what_it_is(api: Caller) -> None:
    assert api.post("invoices", b"--\r\n", "multipart/form-data").status_code == 415


def test_a_failure_of_the_server_is_forgotten(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("kpis.api.facts._summary", None)
        client = Client(raise_request_exception=False, headers={"authorization": f"Bearer {api.token}", KEY: "k"})
        answer = client.post(f"{API}invoices", {"invoice_id": "a"}, "application/json")
        assert (answer.status_code, answer["Content-Type"]) == (500, PROBLEM)
    assert data(api.post("invoices", {"invoice_id": "a"}, **{KEY: "k"}))["unchanged"] == 1


def test_old_answers_are_cleared_away(api: Caller, clock: Any) -> None:
    for name in ("a", "b"):
        api.post("invoices", {"invoice_id": name}, **{KEY: name})
    clock.shift(replay.KEPT - timedelta(seconds=1))
    api.post("invoices", {"invoice_id": "c"}, **{KEY: "c"})
    assert StoredAnswer.objects.count() == 3
    clock.shift(timedelta(seconds=2))
    api.post("invoices", {"invoice_id": "d"}, **{KEY: "d"})
    assert set(StoredAnswer.objects.values_list("key", flat=True)) == {"c", "d"}


def test_the_clean_up_forgets_old_answers_of_all_from_behind_the_wall(
    api: Caller, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.conf, "task_always_eager", True)
    others = a_caller(an_organization("other"))
    for caller, name in ((api, "a"), (others, "b"), (others, "c")):
        caller.post("invoices", {"invoice_id": name}, **{KEY: name})
    StoredAnswer.objects.filter(key="c").update(claimed_at=NOW + timedelta(seconds=1))
    clock.shift(replay.KEPT + timedelta(seconds=1))
    with reach.within(reach.NOTHING):  # as in a worker
        clean_up()
    assert StoredAnswer.objects.get().key == "c"


def test_no_stored_answer_is_seen_by_another_organisation(api: Caller) -> None:
    api.post("invoices", {"invoice_id": "a"}, **{KEY: "a"})
    assert StoredAnswer.objects.count() == 1
    with reach.within(reach.of(an_organization("other").pk)):
        assert not StoredAnswer.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_is_done() -> None:
    api = a_caller()

    def post(_: int) -> int:
        try:
            return (
                Client()
                .post(
                    f"{API}measurements/calculate?period=daily",
                    headers={"authorization": f"Bearer {api.token}", KEY: "same"},
                )
                .status_code
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(post, range(8)))
    assert set(answers) <= {202, 409}
    assert 202 in answers
    assert Job.objects.count() == 1


def test_a_key_costs_a_known_number_of_statements(api: Caller, django_assert_num_queries: Any) -> None:
    api.post("invoices", {"invoice_id": "a"}, **{KEY: "a"})
    with django_assert_num_queries(2 + 3):
        api.post("invoices", {"invoice_id": "a"}, **{KEY: "a"})
