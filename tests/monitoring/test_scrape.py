"""Who may scrape, what each gets, and in which form."""

from ipaddress import ip_network

import pytest
import time_machine
from django.test import Client

from kpis.ingest import store_rows
from kpis.messages import EXCEPTION, INVOICE
from slo_portal import tasks
from tests.calling import a_caller
from tests.facts import at, exception, firm, invoice
from tests.monitoring.scraping import ADDRESS, labels_of, names, scrape, value

pytestmark = pytest.mark.django_db
SECRET = "a-long-and-random-token-of-prometheus"


@pytest.fixture
def firms():
    """Two, of which each has had an invoice."""
    with time_machine.travel(at(1), tick=False):
        both = firm("ours"), firm("theirs")
        for organization in both:
            invoice(organization, "a", uploaded_at=0, completed_at=0, processing_outcome="failed", now=at(1))
            tasks.tick_organization(str(organization.pk))
        yield both


def seen(series):
    return {labels["organization"] for labels in labels_of(series)}


def test_a_token_sees_its_own_organisation(firms):
    caller = a_caller(firms[0], scope="read")
    for query in ("", "?set=slo"):
        found = scrape(query, caller.token)
        assert seen(found) == {"ours"}
        assert len(found) > 30
    answer = Client().get(f"{ADDRESS}?set=web", headers={"authorization": f"Bearer {caller.token}"})
    assert answer.status_code == 200  # nothing is closed here


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer "}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": "Bearer slo_wrong"}, 401),
        ({"authorization": f"Basic {SECRET}"}, 401),
        ({"authorization": f"Bearer {SECRET}é"}, 401),
        ({"authorization": f"Bearer {SECRET}"}, 200),
    ],
)
def test_with_a_token_set_strangers_are_refused_and_prometheus_sees_all(firms, settings, given, status):
    settings.METRICS_TOKEN = SECRET
    answer = Client().get(ADDRESS, headers=given)
    assert answer.status_code == status
    if status == 401:
        assert answer["Content-Type"] == "application/problem+json"
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert b"ours" not in answer.content
        json = Client().get(f"{ADDRESS}?format=json", headers=given)
        assert json.status_code == 401
    else:
        assert seen(scrape(token=SECRET)) == {"ours", "theirs"}


def test_an_api_token_is_good_beside_the_token_of_prometheus_but_sees_no_web_process(firms, settings):
    settings.METRICS_TOKEN = SECRET
    caller = a_caller(firms[1], scope="read")
    assert seen(scrape(token=caller.token)) == {"theirs"}
    assert Client().get(f"{ADDRESS}?set=web", headers={"authorization": f"Bearer {caller.token}"}).status_code == 403
    assert "django_http_requests_total_by_method_total" in names(scrape("?set=web", SECRET))


def test_an_allowed_network_sees_all_and_nobody_can_pretend_to_come_from_it(firms, settings):
    settings.METRICS_ALLOWED_NETWORKS = [ip_network("10.1.0.0/16"), ip_network("fd00::/8")]
    for address, status in (("10.1.2.3", 200), ("fd00::1", 200), ("10.2.0.1", 401), ("127.0.0.1", 401)):
        assert Client(REMOTE_ADDR=address).get(ADDRESS).status_code == status
    liar = Client(REMOTE_ADDR="203.0.113.5", headers={"x-forwarded-for": "10.1.2.3"})
    assert liar.get(ADDRESS).status_code == 401
    settings.TRUSTED_PROXIES = [ip_network("203.0.113.5")]
    assert liar.get(ADDRESS).status_code == 200


def test_without_calculation_there_is_no_exposition(settings):
    settings.METRICS_ENABLED = False
    answer = Client().get(ADDRESS)
    assert answer.status_code == 404
    assert "METRICS_ENABLED" in answer.json()["detail"]


@pytest.mark.parametrize("query", ["?x=1", "?set=all", "?format=xml", "?set="])
def test_unknown_parameters_are_refused(query):
    answer = Client().get(ADDRESS + query)
    assert answer.status_code == 400
    assert "set" in answer.json()["detail"] or "format" in answer.json()["detail"]


def test_the_form_is_negotiated(firms):
    def media(query="", **headers):
        return Client().get(ADDRESS + query, headers=headers)["Content-Type"]

    assert media().startswith("text/plain; version=0.0.4")
    assert media(accept="application/openmetrics-text; version=1.0.0").startswith("application/openmetrics-text")
    assert media("?format=openmetrics").startswith("application/openmetrics-text")
    assert media(accept="application/json") == "application/json"
    assert scrape(accept="application/openmetrics-text") == scrape()


def test_odd_words_make_few_series(firms):
    organization = firms[0]
    for number in range(400):
        odd = f'k{number}\n"}} {{\\'
        exception(organization, str(number), kind=odd, severity=odd[:50], opened_at=0, labels={odd: odd}, now=at(1))
        invoice(organization, f"v{number}", uploaded_at=0, vendor=odd, channel=odd[:100], now=at(1))
    tasks.tick_organization(str(organization.pk))
    found = scrape()
    assert len(found) < 2000
    assert not any("k9" in word for labels in labels_of(found) for word in labels.values() if "k9\n" not in word)
    total = sum(one for (name, labels), one in found.items() if name == "ap_intake_exceptions_total")
    assert total == 400


@pytest.mark.slow
def test_a_hundred_thousand_hostile_words_make_few_series(firms):
    organization, number = firms[0], 0
    for _ in range(10):
        odd = [f'k{(number := number + 1)}\n"}} {{\\' for _ in range(5_000)]
        invoices = [{"invoice_id": word, "uploaded_at": at(0), "vendor": word, "labels": {word: word}} for word in odd]
        exceptions = [{"exception_id": word, "opened_at": at(0), "kind": word, "severity": word[:50]} for word in odd]
        store_rows(INVOICE, organization, invoices, now=at(1))
        store_rows(EXCEPTION, organization, exceptions, now=at(1))
    tasks.tick_organization(str(organization.pk))
    assert 100 < len(scrape()) + len(scrape("?set=slo")) <= 2_000
    raised = [one for (name, labels), one in scrape().items() if name == "ap_intake_exceptions_total"]
    assert (sum(raised), len(raised) <= 22 * 10) == (50_000, True)


def test_a_scrape_takes_few_statements_however_many_organisations_there_are(firms, django_assert_num_queries):
    with django_assert_num_queries(8):
        assert seen(scrape()) == {"ours", "theirs"}
    firm("third")
    with django_assert_num_queries(8):
        scrape()


def test_two_processes_answer_the_same(firms):
    assert value(scrape(), "ap_intake_invoices_processed_total", organization="ours", status="failed") == 1
    assert scrape() == scrape()
