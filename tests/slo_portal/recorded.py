"""A call of each operation of the API, with the answer that the portal gave: the examples of its description.

    RECORD=1 python -m pytest tests/slo_portal/test_openapi.py -k recorded

writes them anew, after a change of what the API answers.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from slos.measure import catch_up
from slos.tick import tick
from tests.alerts.alerting import an_alert
from tests.calling import JSON, Caller, a_caller, data
from tests.facts import at, fed, invoice

NOW = datetime(2026, 11, 10, 13, 2, tzinfo=UTC)
MOST = 2  # rows of a list
CLOUD_EVENT = "application/cloudevents+json"


class Call(NamedTuple):
    method: str
    address: str  # as the description names it
    path: str
    body: Any = None
    media: str = JSON


def a_busy_firm() -> Caller:
    """With what the calls are about."""
    api = a_caller(scope="admin")
    for n in range(20):
        fields = {
            "vendor": ("Acme", "Bolt")[n % 2],
            "channel": "email",
            "uploaded_at": n,
            "ready_at": n + (3 if n % 4 else 9),
        }
        done = {
            "completed_at": n + 12,
            "processing_outcome": "succeeded",
            "extracted_at": n + 1,
            "extraction_confidence": "0.93",
        }
        invoice(api.organization, f"INV-{n}", now=at(50), **fields, **done)
    tick(api.organization, now=NOW)
    for period in ("hourly", "daily"):
        catch_up(api.organization, period, now=NOW)
    return api


def calls(api: Caller) -> Iterator[Call]:
    """In this order each of them is granted."""
    slo = api.organization.slos.get(sli_type="time_to_ready")
    told = {
        "invoice_id": "INV-100",
        "vendor": "Acme",
        "uploaded_at": "2026-11-10T12:55:00Z",
        "ready_at": "2026-11-10T12:58:00Z",
    }
    yield Call("POST", "/invoices", "/invoices", {"invoices": [told]})
    opened = {
        "exception_id": "E-1",
        "invoice_id": "INV-100",
        "kind": "price",
        "severity": "low",
        "opened_at": "2026-11-10T12:59:00Z",
    }
    yield Call("POST", "/exceptions", "/exceptions", opened)
    figure = {"metric_name": "queue_depth", "value": 12, "unit": "jobs", "measured_at": "2026-11-10T13:00:00Z"}
    yield Call("POST", "/system", "/system", figure)
    fed(api.organization, "Gateway availability")
    counted = {"slo": "Gateway availability", "at": "2026-11-10T12:55:00Z", "good": 1412, "total": 1415}
    yield Call("POST", "/counts", "/counts", {"counts": [counted]})
    event = {"specversion": "1.0", "id": "7f1", "source": "/intake", "type": "invoice.approved", "subject": "INV-100"}
    yield Call("POST", "/events", "/events", {**event, "time": "2026-11-10T13:01:00Z"}, CLOUD_EVENT)
    yield Call("GET", "/invoices", f"/invoices?slo_id={slo.pk}&outcome=bad&vendor=Acme&limit=2")
    yield Call("GET", "/invoices/{invoice_id}", "/invoices/INV-100")
    yield Call("GET", "/exceptions", "/exceptions?status=open&kind=price")
    yield Call("GET", "/kpis/summary", "/kpis/summary?days=7&vendor=Acme")
    yield Call("GET", "/metrics/invoice-trends", "/metrics/invoice-trends?start_date=2026-11-09&end_date=2026-11-11")
    yield Call("GET", "/slos/dashboard", "/slos/dashboard?time_range_days=30&slo_types=time_to_ready")
    yield Call("GET", "/slos/definitions", "/slos/definitions?active_only=false")
    yield Call("GET", "/slos/{slo_id}/measurements", f"/slos/{slo.pk}/measurements?period=hourly&limit=2")
    yield Call("POST", "/slos/initialize", "/slos/initialize")
    yield Call("POST", "/measurements/calculate", "/measurements/calculate?period=daily&hours_back=48")
    job = data(api.post("measurements/calculate?period=daily&hours_back=48"))["task_id"]
    yield Call("GET", "/jobs/{job_id}", f"/jobs/{job}")
    excluded = {"category": "maintenance", "reason": "Move of the archive", "slos": [slo.name]}
    excluded |= {"start": "2026-11-10T00:00:00Z", "end": "2026-11-10T01:00:00Z"}
    yield Call("POST", "/exclusions/preview", "/exclusions/preview", excluded)
    yield Call("POST", "/exclusions", "/exclusions", excluded)
    yield Call("GET", "/exclusions", "/exclusions?state=holds")
    exclusion = data(api.post("exclusions", excluded))["id"]
    yield Call("GET", "/exclusions/{exclusion_id}", f"/exclusions/{exclusion}")
    yield Call("POST", "/exclusions/{exclusion_id}/withdraw", f"/exclusions/{exclusion}/withdraw")
    wish = {"start_date": "2026-11-10", "end_date": "2026-11-11", "filters": {"vendor": "Acme"}}
    yield Call("POST", "/reports", "/reports", wish)
    yield Call("GET", "/reports", "/reports?limit=2")
    report = data(api.post("reports", {"start_date": "2026-11-10", "end_date": "2026-11-11"}))["id"]
    yield Call("GET", "/reports/{report_id}", f"/reports/{report}")
    alert = an_alert(api.organization, now=NOW - timedelta(minutes=9))
    one = f"/alerts/{alert.pk}"
    yield Call("GET", "/alerts", "/alerts?resolved=false&severity=warning")
    yield Call("POST", "/alerts/{alert_id}/acknowledge", f"{one}/acknowledge", {"notes": "Looking into it"})
    yield Call("POST", "/alerts/{alert_id}/unacknowledge", f"{one}/unacknowledge")
    yield Call("POST", "/alerts/{alert_id}/snooze", f"{one}/snooze", {"until_better": True, "notes": "Known"})
    yield Call("POST", "/alerts/{alert_id}/unsnooze", f"{one}/unsnooze")
    yield Call("POST", "/alerts/{alert_id}/assign", f"{one}/assign", {"to": api.user.get_username()})
    yield Call("POST", "/alerts/{alert_id}/notes", f"{one}/notes", {"notes": "The scanner was off."})
    yield Call("GET", "/alerts/{alert_id}", one)
    yield Call("POST", "/alerts/{alert_id}/resolve", f"{one}/resolve", {"resolution_notes": "OCR restarted"})
    yield Call("POST", "/alerts/{alert_id}/reopen", f"{one}/reopen", {"notes": "It was not over"})


def shortened(value: Any) -> Any:
    """An answer with the beginnings of its lists."""
    if isinstance(value, list):
        return [shortened(one) for one in value[:MOST]]
    return {name: shortened(one) for name, one in value.items()} if isinstance(value, dict) else value
