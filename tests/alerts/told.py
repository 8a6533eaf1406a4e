"""Alerts to put into words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from alerts.kinds import AlertType, Severity
from alerts.known import Biggest, Facts, Life

NOW = datetime(2026, 11, 10, 14, 5, tzinfo=UTC)  # a Tuesday
UTC_ZONE, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def clock(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return NOW.replace(hour=hour, minute=minute, second=second)


LATE = Facts(
    AlertType.BURN_RATE_WARNING,
    Severity.CRITICAL,
    NOW,
    UTC_ZONE,
    slo="Time to ready",
    sli_type="time_to_ready",
    limit="5 minutes",
    target=Decimal(95),
    value=Decimal("2.38"),
    threshold=Decimal(2),
    bad=Decimal(37),
    total=260,
    look_back=6 * HOUR,
    since=clock(9, 10),
    period="daily",
    window="month",
    window_days=30,
    allowed=Decimal("312.4"),
    left=Decimal("88.9"),
    runs_out_at=NOW + 2 * DAY,
    biggest=Biggest("vendor", "Acme GmbH", Decimal(22), Decimal(37)),
    due=9,
    due_by=clock(17, 59, 1),
    life=Life(clock(11, 55)),
)
ONLY_COUNTED = replace(LATE, allowed=None, left=None, runs_out_at=None, biggest=None, due=None, value=None)


def of(facts: Facts, **changes: Any) -> Facts:
    return replace(facts, **changes)


def of_budget(alert_type: AlertType, **changes: Any) -> Facts:
    window = {"look_back": 30 * DAY, "window": "rolling", "since": None, "biggest": None, "due": None}
    return replace(LATE, alert_type=alert_type, total=5200, **{**window, **changes})


STOPPED = Facts(
    AlertType.STALE_FEED,
    Severity.WARNING,
    NOW,
    ZoneInfo("Asia/Kathmandu"),
    feed="invoices",
    last_message_at=clock(6, 40),
    usual=34,
)
DEAD = Facts(
    AlertType.DELIVERY_FAILURE,
    Severity.WARNING,
    NOW,
    UTC_ZONE,
    channel="ops",
    channel_kind="Slack",
    undelivered=12,
    failing_since=clock(13, 5),
    error="404\nno_service",
    switched_off=True,
)
