"""How the conditions of an organisation's objectives stand, from the figures that the tick has just written."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from alerts.rules import Figures, Measured, Thresholds, Verdict, verdicts
from slos.budget import Counts
from slos.judged import Judged, Objectives, without
from slos.models import Period, SLIMeasurement, SLODefinition

REACH = {  # how far back a measurement still says something of today
    Period.HOURLY: timedelta(days=14),
    Period.DAILY: timedelta(days=90),
    Period.WEEKLY: timedelta(days=366),
}


def judge(found: Objectives, *, now: datetime) -> dict[UUID, list[Verdict]]:
    """The verdicts on each objective, in one statement for all."""
    measured = _measured(found, now)
    return {
        pk: verdicts(Figures(thresholds(one.slo), one.window, one.burns, measured[pk], one.stale))
        for pk, one in found.items()
    }


def thresholds(slo: SLODefinition) -> Thresholds:
    return Thresholds(
        budget=slo.budget,
        warning_percent=slo.alerting_threshold_percentage,
        critical_percent=slo.critical_threshold_percentage,
        performance_percent=slo.critical_performance_percentage,
        failures=slo.consecutive_failures,
        guards=slo.guards,
        off=frozenset(slo.alert_types_off),
    )


def _measured(found: Objectives, now: datetime) -> Mapping[UUID, list[Measured]]:
    """The closed measurements that hold events, newest first: enough of them for every condition."""
    overdue = {pk: one.overdue for pk, one in found.items()}
    measured: dict[UUID, list[Measured]] = defaultdict(list)
    for slo, pk, start, end, good, total, target, budget in _rows(list(found.values()), now):
        counts = without(Counts(good, total), overdue[slo], start, end)
        if counts.total:
            measured[slo].append(Measured(pk, start, end, counts, target, budget))
    return measured


def _rows(wanted: Sequence[Judged], now: datetime) -> list[tuple[Any, ...]]:
    """Per objective its last closed measurements with events: so many, or so many as hold enough events.

    What is overdue is left out later: each of its buckets may empty a measurement.
    """
    sql = f"""
        SELECT s.id, m.id, m.period_start, m.period_end, m.good, m.total, m.target, m.budget
        FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::int[], %s::int[])
            s (id, period, since, rows, events), LATERAL (
            SELECT *, row_number() OVER newest AS place, sum(total) OVER newest - total AS newer FROM (
                SELECT id, period_start, period_end, good_events_count AS good, total_events_count AS total,
                    target_percentage AS target, error_budget_percentage AS budget
                FROM {SLIMeasurement._meta.db_table}
                WHERE slo_id = s.id AND period = s.period AND period_start >= s.since AND period_end <= %s
                AND total_events_count > 0 ORDER BY period_start DESC LIMIT greatest(s.rows, s.events)
            ) last WINDOW newest AS (ORDER BY period_start DESC)
        ) m WHERE m.place <= s.rows OR m.newer < s.events ORDER BY s.id, m.period_start DESC"""  # noqa: S608
    slos = [one.slo for one in wanted]
    params: list[Any] = [
        [slo.pk for slo in slos],
        [slo.measurement_period for slo in slos],
        [now - REACH[Period(slo.measurement_period)] for slo in slos],
        [one.slo.consecutive_failures + len(one.overdue) for one in wanted],
        [one.slo.min_events + sum(number for _, number in one.overdue) for one in wanted],
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql, [*params, now])
        return cursor.fetchall()
