"""Overdue work that no later message confirms: it is bad in every figure, and may yet be a feed that has stopped."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from accounts.models import Organization
from slos.indicators import BIN, Count
from slos.pending import MOST_COUNTS

Overdue = list[tuple[datetime, int]]


def overdue_since(
    organization: Organization, since: Mapping[Count, datetime], *, now: datetime
) -> dict[Count, Overdue]:
    """Per count the open rows that are bad by a deadline in (since, now], by the 5-minute bucket that counts them so.

    `since` is when the feed of the count last spoke, as of the tick. A count without deadlines has none. While batches
    come in there may be rows among them that are not bad any more: leave out of a bucket at most what is bad in it.
    """
    found: dict[Count, Overdue] = {count: [] for count in since}
    timed = sorted((count for count in since if count.limit is not None), key=lambda count: count.signature)
    for at in range(0, len(timed), MOST_COUNTS):
        for count, start, number in _overdue(organization, timed[at : at + MOST_COUNTS], since, now):
            found[count].append((start, number))
    return found


def _overdue(
    organization: Organization, counts: list[Count], since: Mapping[Count, datetime], now: datetime
) -> list[tuple[Count, datetime, int]]:
    params: dict[str, Any] = {"organization": organization.pk, "now": now}
    selects = []
    for k, count in enumerate(counts):
        overdue = count.unconfirmed(since[count], params, f"_{k}")
        selects.append(f"SELECT {k}, {BIN.format(at=overdue.at)}, count(*) {overdue.where} GROUP BY 2")
    with connection.cursor() as cursor:
        cursor.execute(f"{' UNION ALL '.join(selects)} ORDER BY 1, 2", params)
        return [(counts[k], start, number) for k, start, number in cursor.fetchall()]
