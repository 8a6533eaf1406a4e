"""The lists of the inbox: who has what, how many there are, and one page of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When

from accounts.models import Organization, User
from alerts import inbox
from alerts.inbox import Wanted
from alerts.kinds import Severity, rank
from alerts.lifecycle import UNDO_WITHIN
from alerts.models import SLOAlert, snoozed

PER_PAGE = 50
MOST_COUNTED = 999  # a tab says "999+" beyond
RANK = Case(*(When(severity=one, then=Value(rank(one))) for one in Severity), output_field=IntegerField())
CURSOR = re.compile(r"(\d)~(\d{10,17})~([0-9a-f-]{36})")  # rank, microseconds since 1970, id
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class Tab(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    MINE = "mine"


@dataclass(frozen=True)
class Page:
    alerts: Sequence[SLOAlert]
    older: str = ""  # the cursor of the next page


def _of(tab: Tab, user: User, now: datetime) -> Q:
    unresolved, asleep = Q(resolved_at=None), snoozed(now)
    return {
        Tab.OPEN: unresolved & Q(acknowledged_at=None) & ~asleep,
        Tab.ACKNOWLEDGED: unresolved & Q(acknowledged_at__isnull=False) & ~asleep,
        Tab.SNOOZED: unresolved & asleep,
        Tab.RESOLVED: Q(resolved_at__isnull=False),
        Tab.MINE: unresolved & inbox.of_owner(user),
    }[tab]


def counts(organization: Organization, user: User, *, now: datetime) -> dict[Tab, int]:
    """How many alerts each list holds; resolved ones are counted up to MOST_COUNTED + 1."""
    mine = SLOAlert.objects.filter(organization=organization)
    some_resolved = mine.filter(resolved_at__isnull=False).order_by().values("pk")[: MOST_COUNTED + 1]
    shown = mine.filter(Q(resolved_at=None) | Q(pk__in=some_resolved))
    found = shown.aggregate(**{tab.value: Count("pk", filter=_of(tab, user, now)) for tab in Tab})
    return {tab: found[tab] for tab in Tab}


def open_alerts(organization: Organization, *, now: datetime) -> int:
    """How many nobody has taken on."""
    mine = SLOAlert.objects.filter(organization=organization, acknowledged_at=None).unresolved()
    return mine.exclude(snoozed(now)).count()


def page(organization: Organization, user: User, tab: Tab, wanted: Wanted, *, now: datetime, after: str = "") -> Page:
    """The worst first, of each severity the newest; of the resolved ones the newest first.

    What the user has acknowledged stays in its place among the open ones while it can be taken back.
    """
    chosen = _of(tab, user, now)
    if tab == Tab.OPEN:
        chosen |= Q(resolved_at=None, acknowledged_by=user, acknowledged_at__gt=now - UNDO_WITHIN)
    rank_of = Value(0) if tab == Tab.RESOLVED else RANK
    rows = inbox.matching(organization, wanted).filter(chosen).annotate(rank=rank_of)
    in_order = _behind(rows, after).order_by("-rank", "-breached_at", "-id")  # type: ignore[misc] # annotated
    found = list(in_order[: PER_PAGE + 1])
    shown = found[:PER_PAGE]
    return Page(shown, _cursor(shown[-1]) if len(found) > PER_PAGE else "")


def _behind(rows: QuerySet[SLOAlert], cursor: str) -> QuerySet[SLOAlert]:
    """What comes after the cursor; a cursor that is none begins at the beginning."""
    read = CURSOR.fullmatch(cursor)
    if read is None:
        return rows
    try:
        at, pk = EPOCH + timedelta(microseconds=int(read[2])), UUID(read[3])
    except (OverflowError, ValueError):
        return rows
    later = Q(breached_at__lt=at) | Q(breached_at=at, pk__lt=pk)
    return rows.filter(Q(rank__lt=int(read[1])) | Q(later, rank=int(read[1])))


def _cursor(alert: SLOAlert) -> str:
    return f"{alert.rank}~{(alert.breached_at - EPOCH) // timedelta(microseconds=1)}~{alert.pk}"  # type: ignore[attr-defined]
