"""What nobody should send, in every place of every operation: no failure, every refusal a problem, no growth."""

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import psutil
import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from alerts import lifecycle
from alerts.lifecycle import By
from alerts.models import AlertEvent
from kpis.params import Span
from slo_portal.api_urls import urlpatterns
from slo_portal.openapi.document import document
from slo_portal.reports import writing
from slo_portal.wsgi import application
from slos import jobs
from slos.models import Exclusion
from tests.alerts.alerting import an_alert
from tests.calling import PROBLEM, Caller, a_caller
from tests.facts import fed, invoice
from tests.fuzz.asking import Ask, Target, asks

pytestmark = pytest.mark.django_db(transaction=True)
MB = 2**20
OUTAGE = {"category": "other", "reason": "Outage", "start": "2026-11-10T12:00:00Z", "end": "2026-11-10T13:00:00Z"}
BODIES: dict[str, dict[str, Any]] = {
    "/invoices": {"invoice_id": "INV-1", "uploaded_at": "2026-11-10T12:55:00Z", "labels": {"team": "a"}},
    "/exceptions": {"exception_id": "E-1", "invoice_id": "INV-1", "opened_at": "2026-11-10T12:59:00Z"},
    "/system": {"metric_name": "depth", "value": 12, "measured_at": "2026-11-10T13:00:00Z", "dimensions": {"a": "b"}},
    "/counts": {"slo": "Scans", "at": "2026-11-10T13:00:00Z", "good": 9, "total": 10},
    "/events": {"specversion": "1.0", "id": "1", "source": "/intake", "type": "invoice.ready", "subject": "INV-1",
                "time": "2026-11-10T13:01:00Z", "data": {"vendor": "Acme"}},
    "/alerts/{alert_id}/assign": {"to": "default-admin-admin"},
    "/alerts/{alert_id}/notes": {"notes": "The scanner was off."},
    "/reports": {"start_date": "2026-11-10", "end_date": "2026-11-11", "filters": {"vendor": "Acme"}},
    "/alerts/{alert_id}/snooze": {"until_better": True},
    "/exclusions": OUTAGE,
    "/exclusions/preview": OUTAGE,
}  # fmt: skip
QUERIES = {"/measurements/calculate": "period=daily"}


@dataclass
class Seen:
    """What came of all requests."""

    failed: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    slowest: float = 0.0
    number: int = 0
    granted: int = 0


def send(ask: Ask, token: str) -> tuple[int, dict[str, str], bytes]:
    told: list[tuple[int, dict[str, str]]] = []

    def start(status: str, headers: list[tuple[str, str]], _: object = None) -> None:
        told.append((int(status[:3]), dict(headers)))

    answer = application(ask.environ(token), start)
    try:
        content = b"".join(answer)
    finally:
        answer.close()
    return *told[0], content


def wrong(status: int, headers: dict[str, str], content: bytes) -> str:
    """What is wrong with an answer; nothing if it is empty."""
    if status >= 500:
        return "a failure"
    if any("\n" in value or "\r" in value for value in headers.values()) or "X-Evil" in headers:
        return "a header that was split"
    if status < 400:
        return ""
    if headers["Content-Type"] != PROBLEM:
        return "no problem document"
    return "" if json.loads(content)["status"] == status else "a problem of another status"


def put(ask: Ask, token: str, seen: Seen) -> int:
    began = time.perf_counter()
    status, headers, content = send(ask, token)
    took = time.perf_counter() - began
    if what := wrong(status, headers, content):
        seen.failed.append(f"{what}: {status} {ask} {content[:300]!r}")
    if took > 1:
        seen.slow.append(f"{took:.1f} s: {ask.place}")
    seen.number, seen.granted = seen.number + 1, seen.granted + (status < 400)
    seen.slowest = max(seen.slowest, took)
    return status


@pytest.fixture
def api(settings: Any) -> Iterator[Caller]:
    """An admin's token, and one connection to the database for all requests."""
    settings.API_LIMITS = dict.fromkeys(settings.API_LIMITS, 0)
    logging.disable(logging.ERROR)  # each refusal of a Host is a traceback
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield a_caller(scope="admin")
    for signal in signals:
        signal.connect(close_old_connections)
    logging.disable(logging.NOTSET)


@pytest.fixture
def targets(api: Caller) -> list[Target]:
    """Every operation with objects of its own to work on."""
    now, found = datetime.now(UTC), []
    invoice(api.organization, "INV-1", now=now)
    fed(api.organization, "Scans")
    job = jobs.request(api.organization, "daily", now, now, by=api.user)
    report = writing.write(api.organization, Span(now - timedelta(days=1), now), {}, by=None, now=now)
    outage = Exclusion.objects.create(organization=api.organization, category="other", reason="?", invoice_id="INV-1")
    for path, methods in document(urlpatterns)["paths"].items():
        alert = an_alert(api.organization, now=now, subject=path)
        by = By(api.user, AlertEvent.Channel.API)
        if path.endswith("/unacknowledge"):
            lifecycle.acknowledge(alert, by=by, now=now)
        if path.endswith("/reopen"):
            lifecycle.resolve(alert, by=by, now=now)
        slo = str(api.organization.slos.get(sli_type="time_to_ready").pk)
        known = {"alert_id": str(alert.pk), "slo_id": slo, "job_id": str(job.pk), "invoice_id": "INV-1"}
        known |= {"report_id": str(report.pk), "exclusion_id": str(outage.pk)}
        for method, told in methods.items():
            mine = {name: value for name, value in known.items() if f"{{{name}}}" in path}
            body = BODIES.get(path, {}) if "requestBody" in told else None
            found.append(Target(method.upper(), path, told, mine, QUERIES.get(path, ""), body))
    return found


def shuffled(targets: list[Target], every: int) -> Iterator[Ask]:
    """One in `every` request of each place, another one in each place."""
    components = document(urlpatterns)["components"]["schemas"]
    for number, place in enumerate(asks(targets, components)):
        yield from islice(place, number % every, None, every)


@pytest.mark.parametrize("every", [pytest.param(6, marks=pytest.mark.slow), pytest.param(1, marks=pytest.mark.long)])
def test_whatever_stands_wherever_nothing_fails_and_nothing_grows(
    api: Caller, targets: list[Target], every: int
) -> None:
    seen = Seen()
    for target in targets:  # nothing is tested that is refused from the start
        assert put(target.ask("nothing"), api.token, seen) in (200, 201, 202), target.name
    process, used = psutil.Process(), 0
    for ask in shuffled(targets, every):
        put(ask, api.token, seen)
        if seen.number == 5_000:  # all that is loaded once is there
            used = process.memory_info().rss
    grown = process.memory_info().rss - used
    print(f"{seen.number:,} requests, {seen.granted:,} granted, slowest {seen.slowest:.2f} s, {grown / MB:.1f} MB")  # noqa: T201
    print("\n".join(seen.slow))  # noqa: T201
    assert seen.failed == []
    assert seen.number > 15_000
    assert seen.granted > 1_000
    assert grown < 64 * MB
