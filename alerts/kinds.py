"""The words for alerts that are fixed: types, severities, states. Pure."""

from enum import StrEnum


class AlertType(StrEnum):
    BURN_RATE_WARNING = "burn_rate_warning"
    ERROR_BUDGET_CONSUMED = "error_budget_consumed"
    ERROR_BUDGET_EXHAUSTED = "error_budget_exhausted"
    CRITICAL_PERFORMANCE = "critical_performance"
    CONSECUTIVE_FAILURES = "consecutive_failures"
    STALE_FEED = "stale_feed"
    DELIVERY_FAILURE = "delivery_failure"
    REGRESSION = "regression"


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"
    INCIDENT = "incident"


class Reason(StrEnum):
    """Why a message is sent."""

    OPENED = "opened"
    WORSENED = "worsened"
    REOPENED = "reopened"
    ESCALATED = "escalated"
    REPEATED = "repeated"
    REMINDER = "reminder"
    RESOLVED = "resolved"
    TEST = "test"
    REPORT = "report"


class Resolution(StrEnum):
    """What ended an alert."""

    PERSON = "person"
    RECOVERED = "recovered"
    SUPERSEDED = "superseded"
    NOT_JUDGED = "not_judged"  # its objective or its condition was switched off
    ARCHIVED = "archived"  # its objective was


TYPE_LABELS = {
    AlertType.BURN_RATE_WARNING: "Budget is spent too fast",
    AlertType.ERROR_BUDGET_CONSUMED: "Error budget nearly used up",
    AlertType.ERROR_BUDGET_EXHAUSTED: "Error budget used up",
    AlertType.CRITICAL_PERFORMANCE: "Critical performance",
    AlertType.CONSECUTIVE_FAILURES: "Target missed several times in a row",
    AlertType.STALE_FEED: "Messages have stopped",
    AlertType.DELIVERY_FAILURE: "Notifications do not arrive",
    AlertType.REGRESSION: "Performance has changed",
}
BUDGETS = {AlertType.ERROR_BUDGET_CONSUMED, AlertType.ERROR_BUDGET_EXHAUSTED}  # about a whole window
URGENT = {Reason.OPENED, Reason.WORSENED, Reason.REOPENED}  # messages that go at once
_RANK = {severity: rank for rank, severity in enumerate(Severity)}


def rank(severity: str | None) -> int:
    """The order of severities; none (or "") comes before all."""
    return _RANK[Severity(severity)] if severity else -1
