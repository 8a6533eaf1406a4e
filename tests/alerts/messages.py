"""Messages to send in tests, and the sink to send them to."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from alerts import transports
from alerts.transports import DeliveryError, Item, Outgoing, Receipt
from tests.sink import Sink

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
SECRET = "whsec-0123456789abcdef"
URL = "https://slo.example.com/alerts/0b5c/"
KINDS = ("email", "slack", "sms", "webhook")


def item(**fields: Any) -> Item:
    given: dict[str, Any] = {
        "alert_id": "0b5c",
        "reason": "opened",
        "severity": "critical",
        "title": "37 invoices were late since 09:40",
        "message": "They took 12 minutes on average.\n62 % of the month's allowance is used.",
        "url": URL,
        "slo_name": "Time-to-Ready Processing",
        "opened_at": NOW - timedelta(minutes=5),
    }
    return Item(**given | fields)


def outgoing(*items: Item, **fields: Any) -> Outgoing:
    given: dict[str, Any] = {
        "key": "message-1",
        "organization": "Muster AG",
        "items": items or (item(),),
        "created_at": NOW,
        "time_zone": ZoneInfo("Europe/Berlin"),
        "url": "https://slo.example.com/alerts/",
        "organization_slug": "muster",
    }
    return Outgoing(**given | fields)


def place(kind: str, sink: Sink) -> tuple[dict[str, str], str, str]:
    """Config and target of a channel that leads to the sink, and what the sink calls it."""
    if kind == "email":
        return {}, "ops@example.com", "ops@example.com"
    if kind == "sms":
        return {}, "+4915112345678", "/2010-04-01/Accounts/AC123/Messages.json"
    return {"url": sink.http.url(f"/{kind}"), "secret": SECRET}, "", f"/{kind}"


def send(kind: str, sink: Sink, message: Outgoing | None = None) -> Receipt:
    config, target, _ = place(kind, sink)
    return transports.send(kind, config, target, message or outgoing(), now=NOW)


def outcome(kind: str, sink: Sink) -> Receipt | DeliveryError:
    try:
        return send(kind, sink)
    except DeliveryError as error:
        return error
