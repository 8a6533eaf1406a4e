"""The health of the metrics system: what was calculated when, and what has not been told yet.

Without a broker all goes on, some seconds later: that is no failure, but it is told.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Max

from accounts.models import Organization
from alerts.kinds import AlertType
from alerts.models import SLOAlert
from monitoring import live
from slos.models import Period, SLIMeasurement

LATE = timedelta(minutes=2)  # for a tick, and for what is to be told
# After the end of the newest period, until the task of the schedule must have come by
TOLERANCES = {
    Period.HOURLY: timedelta(minutes=45),
    Period.DAILY: timedelta(hours=3),
    Period.WEEKLY: timedelta(hours=3),
}
SHOWN = ("last", "lag_seconds")
Json = dict[str, object]


def look(organizations: Sequence[Organization], queue_depth: int | None, *, now: datetime) -> Json:
    """`reasons` are why it is unhealthy, `warnings` what is wrong besides. Raises DatabaseError."""
    figures = live.look(organizations, now=now)
    calculations = _ticks(organizations, figures, now) | dict(_periods(organizations, now))
    waiting = live.Waiting()
    for one in figures.values():
        waiting.add(one.waiting.number, one.waiting.oldest)
    reasons = [f"{name}: {one['late']}" for name, one in calculations.items() if one["late"]]
    if waiting.seconds(now) > LATE.total_seconds():
        reasons.append(f"notifications: the oldest has been due for {waiting.seconds(now):.0f} seconds")
    warnings = ["broker: it does not answer"] if queue_depth is None else []
    return {
        "status": "unhealthy" if reasons else "degraded" if warnings else "healthy",
        "reasons": reasons,
        "warnings": warnings,
        "checked_at": now.isoformat(),
        "calculations": {
            name: {key: one[key] for key in ("last", "lag_seconds")} for name, one in calculations.items()
        },
        "pending_notifications": {"count": waiting.number, "oldest_seconds": round(waiting.seconds(now), 1)},
        "queue_depth": queue_depth,
        "stale_feeds": _stale_feeds(organizations),
    }


def _ticks(
    organizations: Sequence[Organization], figures: Mapping[UUID, live.Figures], now: datetime
) -> dict[str, Json]:
    """Of the organisation that has waited longest."""
    since = [figures[one.pk].ticked_at or one.created_at for one in organizations]
    ticked = [one.ticked_at for one in figures.values() if one.ticked_at]
    lag = max((now - min(since)).total_seconds(), 0) if since else 0
    late = f"figures have not been brought up to date for {lag:.0f} seconds" if lag > LATE.total_seconds() else ""
    return {"tick": {"last": _iso(min(ticked, default=None)), "lag_seconds": round(lag, 1), "late": late}}


def _periods(organizations: Sequence[Organization], now: datetime) -> Iterator[tuple[str, Json]]:
    """When a measurement was last written, and for how long the newest one has been over."""
    for period in Period:
        rows = SLIMeasurement.objects.filter(organization__in=[one.pk for one in organizations], period=period)
        newest = rows.aggregate(written=Max("updated_at"), until=Max("period_end"))
        lag = max((now - newest["until"]).total_seconds(), 0) if newest["until"] else None
        on = getattr(settings, f"SLO_{period.upper()}_ENABLED")
        late = lag is not None and on and lag > TOLERANCES[period].total_seconds()
        what = f"the newest measurement ended {lag:.0f} seconds ago, and none follows" if late else ""
        yield period.value, {"last": _iso(newest["written"]), "lag_seconds": lag, "late": what}


def _stale_feeds(organizations: Sequence[Organization]) -> list[Json]:
    alerts = SLOAlert.objects.unresolved().filter(organization__in=[one.pk for one in organizations])
    stale = alerts.filter(alert_type=AlertType.STALE_FEED).order_by("organization__slug", "subject")
    return [
        {"organization": slug, "feed": feed, "since": at.isoformat()}
        for slug, feed, at in stale.values_list("organization__slug", "subject", "breached_at")
    ]


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
