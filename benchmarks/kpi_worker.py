"""A process that measures the KPIs of one database on command.

Reads lines from standard input (`refresh`, `summary 90`, `trend`, `exact`, `error`) and answers seconds, or for `error`
the largest relative error of a percentile.
"""

import os
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import django

from accounts import reach

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "slo_portal.settings")
django.setup()
reach.by_default(reach.EVERYTHING)

from django.db import connection  # noqa: E402 - after the set-up
from django.utils import timezone  # noqa: E402

from accounts.models import Organization  # noqa: E402
from kpis import payloads, rollups, trends  # noqa: E402
from kpis.api.kpis import read  # noqa: E402
from kpis.params import Span  # noqa: E402
from kpis.periods import DAY, floor  # noqa: E402
from kpis.summary import Scope  # noqa: E402

MOST_BATCHES = 10_000
DAYS = 30
SHARES = "array[0.5, 0.9, 0.95, 0.99]"
EXACT = f"""
    SELECT date_bin('1 day', ready_at, timestamptz '2000-01-01 00:00Z') AS day,
        percentile_cont({SHARES}) WITHIN GROUP (ORDER BY ready_after)
    FROM kpis_invoicemetric WHERE organization_id = %s AND ready_at >= %s AND ready_at < %s AND voided_at IS NULL
    GROUP BY 1 ORDER BY 1"""  # noqa: S608


def refresh(organization: Organization, now: datetime) -> None:
    for _ in range(MOST_BATCHES):
        if not rollups.refresh(organization, now=now):
            return
    raise RuntimeError("the rollups never come to an end")


def one_summary(organization: Organization, now: datetime, days: str) -> None:
    read(Scope(organization, {}), Span(now - int(days) * DAY, now), now)


def trend(organization: Organization, now: datetime) -> list[list[float | None]]:
    points = trends.points(Scope(organization, {}), "daily", whole_days(now))
    rows = payloads.trends(points, organization.time_zone, now, binned=True)["processing_trends"]
    return [[row[name] for name in ("p50", "p90", "p95", "p99")] for row in rows]


def exact(organization: Organization, now: datetime) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(EXACT, [organization.pk, *whole_days(now)])
        return [values for _, values in cursor.fetchall()]


def whole_days(now: datetime) -> tuple[datetime, datetime]:
    end = floor(now, DAY)
    return end - DAYS * DAY, end


def error(organization: Organization, now: datetime) -> float:
    found, true = trend(organization, now), exact(organization, now)
    found = [row for row in found if row[0] is not None]  # days before the first row
    pairs = [(a or 0, b) for ours, theirs in zip(found, true, strict=True) for a, b in zip(ours, theirs, strict=True)]
    return max(abs(a - b) / b for a, b in pairs)


COMMANDS: dict[str, Callable[..., Any]] = {"refresh": refresh, "summary": one_summary, "trend": trend, "exact": exact}


def main() -> None:
    organization = Organization.objects.get(slug="default")
    now = timezone.now()
    print("ready", flush=True)
    for line in sys.stdin:
        name, *arguments = line.split()
        if name == "error":
            print(error(organization, now), flush=True)
            continue
        began = time.perf_counter()
        COMMANDS[name](organization, now, *arguments)
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
