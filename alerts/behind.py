"""The rows behind an alert: what its condition looked at when it last decided, as the explorer is asked for it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from alerts.kinds import BUDGETS, AlertType
from alerts.models import AlertEvent, SLOAlert
from kpis.periods import Interval, look_back
from slos.behind import Outcome
from slos.windows import compliance_window

DECIDED = {AlertEvent.Kind.OPENED, AlertEvent.Kind.WORSENED, AlertEvent.Kind.REOPENED}
INSTANT = timedelta(microseconds=1)


def decisive(events: Sequence[AlertEvent]) -> AlertEvent | None:
    """The last one with the figures that decided."""
    return next((one for one in reversed(events) if one.kind in DECIDED and "threshold" in one.details), None)


def query(alert: SLOAlert, event: AlertEvent | None) -> str:
    """Of the explorer's address; "" for an alert without an objective, figures or rows."""
    span = _span(alert, event) if event else None
    if span is None or alert.slo is None or alert.slo.is_fed:
        return ""
    start, end = (moment.astimezone(UTC).isoformat().replace("+00:00", "Z") for moment in span)
    return urlencode({"slo": alert.slo_id, "outcome": Outcome.BAD, "start": start, "end": end})


def _span(alert: SLOAlert, event: AlertEvent) -> Interval | None:
    """What was decided at that very moment counted, too."""
    seconds, after = event.details.get("look_back_seconds"), event.at + INSTANT
    if alert.slo is None or not seconds:
        return None
    if AlertType(alert.alert_type) in BUDGETS:
        return compliance_window(alert.slo, event.at, alert.organization)[0], after
    if alert.measurement is not None:
        return _measured(alert.measurement.period_end, seconds)
    return look_back(event.at, timedelta(seconds=seconds))[0], after


def _measured(end: datetime, seconds: float) -> Interval:
    """Closed measurements, however late they decided."""
    return end - timedelta(seconds=seconds), end
