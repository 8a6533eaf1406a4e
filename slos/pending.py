"""Events that are not decided yet."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection

from accounts.models import Organization
from kpis.periods import Interval
from slos.indicators import Count

MOST_COUNTS = 100  # in one statement


def pending(
    organization: Organization,
    counts: Iterable[Count],
    now: datetime,
    due: Interval | None = None,
    *,
    begun: bool = False,
) -> dict[Count, int]:
    """Per count the events that are undecided at `now`, of those with their deadline in `due`.

    `begun`: only those whose start has come by then, for a moment of the past.
    """
    found: dict[Count, int] = {}
    ordered = sorted(counts, key=lambda count: count.signature)
    for at in range(0, len(ordered), MOST_COUNTS):
        found |= _pending(organization, ordered[at : at + MOST_COUNTS], now, due or (None, None), begun)
    return found


def _pending(
    organization: Organization,
    counts: list[Count],
    now: datetime,
    due: tuple[datetime | None, datetime | None],
    begun: bool,
) -> dict[Count, int]:
    params: dict[str, Any] = {"organization": organization.pk, "now": now}
    selects = [f"SELECT {k}, ({count.pending(params, f'_{k}', *due, begun=begun)})" for k, count in enumerate(counts)]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(selects), params)
        return {counts[k]: number for k, number in cursor.fetchall()}
