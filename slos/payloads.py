"""What the API says of objectives and measurements. Unknown is null; percentages are 0..100."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from slos.attention import Alert, Attention
from slos.effect import Effect
from slos.models import Exclusion, SLIMeasurement, SLODefinition, Window
from slos.status import SLOStatus

NOTHING_MEASURED: dict[str, Any] = {
    "period_start": None,
    "period_end": None,
    "achieved_percentage": None,
    "actual_value": None,
    "error_budget_consumed": None,
    "good_events_count": 0,
    "total_events_count": 0,
}


def events(count: Decimal) -> int | float:
    """A number of events; good ones may be a sum of fractions."""
    return int(count) if count == count.to_integral_value() else float(round(count, 6))


def identity(slo: SLODefinition) -> dict[str, Any]:
    return {
        "id": slo.pk,
        "name": slo.name,
        "description": slo.description,
        "sli_type": slo.sli_type,
        "target_percentage": float(slo.target_percentage),
        "target_value": float(slo.target_value),
        "target_unit": slo.target_unit,
        "measurement_period": slo.measurement_period,
        "slos_owner": slo.slos_owner,
    }


def definition(slo: SLODefinition) -> dict[str, Any]:
    return {
        **identity(slo),
        "error_budget_percentage": float(slo.budget_percentage),
        "alerting_threshold_percentage": float(slo.alerting_threshold_percentage),
        "measurement_periods": slo.measurement_periods,
        "burn_rate_alert_threshold": float(slo.burn_rate_alert_threshold),
        **_alerting(slo),
        "clock": slo.clock,
        "calendar": slo.calendar,
        "only": slo.only,
        "window": slo.window,
        "window_days": slo.window_days if slo.window == Window.ROLLING else None,
        "is_active": slo.is_active,
        "archived_at": slo.archived_at,
        "notification_channels": slo.notification_channels,
        "next_review_at": slo.next_review_at,
        "created_at": slo.created_at,
        "updated_at": slo.updated_at,
    }


def _alerting(slo: SLODefinition) -> dict[str, Any]:
    return {
        "critical_threshold_percentage": float(slo.critical_threshold_percentage),
        "burn_policy": slo.burn_policy,
        "burn_rate_warning_threshold": float(slo.burn_rate_warning_threshold),
        "burn_rate_warning_hours": slo.burn_rate_warning_hours,
        "burn_rate_alert_hours": slo.burn_rate_alert_hours,
        "critical_performance_percentage": float(slo.critical_performance_percentage),
        "consecutive_failures": slo.consecutive_failures,
        "min_events": slo.min_events,
        "min_bad": slo.min_bad,
        "confidence": float(slo.confidence),
        "resolve_after_minutes": slo.resolve_after_minutes,
        "alert_types_off": slo.alert_types_off,
    }


def dashboard_entry(status: SLOStatus, alerts: Attention) -> dict[str, Any]:
    return {
        **identity(status.slo),
        "status": status.status,
        "latest_measurement": _latest(status.latest),
        "error_budget": _error_budget(status),
        "burn_rates": status.burn_rates,
        "forecast": status.snapshot.forecast,
        "recent_alerts": [_alert(alert) for alert in alerts.recent.get(status.slo.pk, ())],
        "alert_count": len(alerts.by_slo.get(status.slo.pk, ())),
    }


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.id,
        "type": alert.alert_type,
        "severity": alert.severity,
        "title": alert.title,
        "created_at": alert.created_at,
    }


def open_alert(alert: Alert) -> dict[str, Any]:
    """One of the whole dashboard; those of a feed or a channel have no objective."""
    return {**_alert(alert), "slo_name": alert.slo.name if alert.slo else None, "message": alert.message}


def _latest(row: SLIMeasurement | None) -> dict[str, Any]:
    if row is None:
        return NOTHING_MEASURED
    return {
        "period_start": row.period_start,
        "period_end": row.period_end,
        "achieved_percentage": row.achieved_percentage,
        "actual_value": row.actual_value,
        "error_budget_consumed": row.error_budget_consumed,
        "good_events_count": events(row.good_events_count),
        "total_events_count": row.total_events_count,
    }


def _error_budget(status: SLOStatus) -> dict[str, Any]:
    snapshot = status.snapshot
    return {
        "percentage": float(status.slo.budget_percentage),
        "consumed_percentage": status.consumed_percentage,
        "remaining_percentage": status.remaining_percentage,
        "achieved_percentage": status.achieved_percentage,
        "allowed_events": events(status.allowed_bad),
        "bad_events": events(status.bad),
        "remaining_events": events(status.remaining_bad),
        "good_events_count": events(snapshot.good),
        "total_events_count": snapshot.total,
        "pending_events_count": snapshot.pending,
        "too_few_to_judge": status.too_few,
        "window": {
            "kind": status.slo.window,
            "start": snapshot.window_start,
            "end": snapshot.window_end,
            "days": round((snapshot.window_end - snapshot.window_start).total_seconds() / 86400),
        },
    }


def measurement(row: SLIMeasurement, now: datetime) -> dict[str, Any]:
    return {
        "id": row.pk,
        "period_start": row.period_start,
        "period_end": row.period_end,
        "measurement_period": row.period,
        "actual_value": row.actual_value,
        "target_value": float(row.target_value),
        "target_unit": row.target_unit,
        "target_percentage": float(row.target_percentage),
        "achieved_percentage": row.achieved_percentage,
        "error_budget_consumed": row.error_budget_consumed,
        "good_events_count": events(row.good_events_count),
        "total_events_count": row.total_events_count,
        "pending_events_count": row.pending_events_count,
        "measurement_metadata": {"partial": row.period_end > now},
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


MEASUREMENT_COLUMNS = [
    *("id", "period_start", "period_end", "measurement_period", "actual_value", "target_value", "target_unit"),
    *("target_percentage", "achieved_percentage", "error_budget_consumed", "good_events_count", "total_events_count"),
    *("pending_events_count", "partial", "created_at", "updated_at"),
]


def measurement_line(row: SLIMeasurement, now: datetime) -> dict[str, Any]:
    """The same without members of members, in the order of MEASUREMENT_COLUMNS."""
    told = measurement(row, now)
    told |= told.pop("measurement_metadata")
    return {name: told[name] for name in MEASUREMENT_COLUMNS}


def exclusion(one: Exclusion) -> dict[str, Any]:
    names = ("id", "category", "reason", "start", "end", "rrule", "created_at", "withdrawn_at")
    return {
        **{name: getattr(one, name) for name in names},
        "invoice_id": one.invoice_id or None,
        "slos": sorted(({"id": slo.pk, "name": slo.name} for slo in one.slos.all()), key=lambda slo: str(slo["name"])),
        "state": "withdrawn" if one.withdrawn_at else "holds",
        "settled": one.settled,
        "created_by": one.created_by.get_username() if one.created_by else None,
        "withdrawn_by": one.withdrawn_by.get_username() if one.withdrawn_by else None,
    }


def effect(one: Effect) -> dict[str, Any]:
    """What it would do to an objective, over its compliance window."""
    return {
        "slo": {"id": one.slo.pk, "name": one.slo.name},
        "good_events_count": events(one.left_out.good),
        "bad_events_count": events(one.left_out.bad),
        "achieved_percentage": {"before": one.before.achieved_percentage, "after": one.after.achieved_percentage},
        "remaining_percentage": {"before": one.before.remaining_percentage, "after": one.after.remaining_percentage},
    }
