"""The lists of the inbox: who has what, how many there are, and one page of them."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    Case,
    Count,
    Exists,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
    Window,
)
from django.db.models.functions import JSONObject

from accounts.models import Organization, User
from alerts import inbox
from alerts.inbox import FIRST, Wanted
from alerts.kinds import Severity, rank
from alerts.lifecycle import UNDO_WITHIN
from alerts.models import AlertEvent, SLOAlert, snoozed
from slos.attention import Brief
from slos.status import Freshness

PER_PAGE = 50
FIRST_SHOWN = 3  # on the overview
MOST_AT_ONCE = 500  # are acted on together
MOST_COUNTED = 999  # a tab says "999+" beyond
FORGOTTEN_AFTER = timedelta(hours=24)
RANK = Case(*(When(severity=one, then=Value(rank(one))) for one in Severity), output_field=IntegerField())
KEY_BYTES = 16
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
    newer: int = 0  # alerts that belong among them, but came after the reader had them
    matching: int = 0  # alerts on this page and on those after it; of the resolved ones nobody counts them


def forgotten(now: datetime) -> Q:
    """Taken on, and since then nobody has done or written anything for a day."""
    since = now - FORGOTTEN_AFTER
    lately = AlertEvent.objects.filter(alert=OuterRef("pk"), actor__isnull=False, at__gt=since)
    return Q(~Exists(lately), resolved_at=None, acknowledged_at__lte=since) & ~snoozed(now)


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
    mine = SLOAlert.objects.filter(organization=OuterRef("pk")).order_by()
    some_resolved = ArraySubquery(mine.filter(resolved_at__isnull=False).values("pk")[: MOST_COUNTED + 1])
    unresolved = {tab.value: Count("pk", filter=_of(tab, user, now)) for tab in Tab if tab != Tab.RESOLVED}
    counted = mine.unresolved().values("organization").values(row=JSONObject(**unresolved))
    asked = Organization.objects.filter(pk=organization.pk).values_list(
        Func(some_resolved, function="cardinality", output_field=IntegerField()), Subquery(counted)
    )
    resolved, found = asked.get()
    return {tab: resolved if tab == Tab.RESOLVED else (found or {}).get(tab.value, 0) for tab in Tab}


@dataclass(frozen=True)
class Frame:
    """What every page shows around itself."""

    fresh: Freshness
    open_alerts: int  # that nobody has taken on


def frame(organization: Organization, *, now: datetime) -> Frame:
    mine = SLOAlert.objects.filter(organization=OuterRef("pk"), acknowledged_at=None).unresolved()
    number = mine.exclude(snoozed(now)).order_by().values("organization").annotate(n=Count("pk")).values("n")
    asked = Organization.objects.filter(pk=organization.pk).values_list("enginestate__ticked_at", Subquery(number))
    ticked_at, open_alerts = asked.get()
    return Frame(Freshness(organization, now, ticked_at), open_alerts or 0)


def brief(organization: Organization, user: User, *, now: datetime) -> Brief:
    """See slos.attention.BriefReader; two statements."""
    mine, waits = SLOAlert.objects.filter(organization=organization).unresolved(), _of(Tab.OPEN, user, now)
    counted = mine.order_by().values_list("slo", "severity").annotate(n=Count("pk"), w=Count("pk", filter=waits))
    numbers: Counter[UUID] = Counter()
    severities: defaultdict[UUID, set[str]] = defaultdict(set)
    needed = 0
    for slo, severity, number, waiting in counted:
        needed += waiting
        if slo:
            numbers[slo] += number
            severities[slo].add(severity)
    worst = mine.filter(waits).select_related(*inbox.RELATED).order_by(RANK.desc(), "-breached_at", "-id")
    told = {slo: frozenset(found) for slo, found in severities.items()}
    return Brief(numbers, told, needed, list(worst[:FIRST_SHOWN]))


def page(
    organization: Organization,
    user: User,
    tab: Tab,
    wanted: Wanted,
    *,
    now: datetime,
    after: str = "",
    shown: Sequence[UUID] = (),
) -> Page:
    """The worst first, of each severity the newest; of the resolved ones the newest first.

    Before the open ones stand those that were taken on and forgotten; what the user has acknowledged stays in its place
    among them while it can be taken back. A reader who has alerts before him (`shown`) gets these, as they are now and
    in the order that he sees: nothing is to move under his hand.
    """
    ranked = _ranked(inbox.matching(organization, wanted), tab, now)
    rows = _behind(ranked.filter(_listed(tab, user, now)), after)
    if tab != Tab.RESOLVED:
        rows = rows.annotate(matching=Window(Count("pk")))
    in_order = rows.order_by("-rank", "-breached_at", "-id")  # type: ignore[misc] # annotated
    found = list(in_order[: PER_PAGE + 1])
    if shown and (kept := _kept(_ranked(inbox.matching(organization, Wanted()), tab, now), shown)):
        return _as_before(kept, found)
    first = found[:PER_PAGE]
    matching = getattr(first[0], "matching", 0) if first else 0
    return Page(first, _cursor(first[-1]) if len(found) > PER_PAGE else "", matching=matching)


def every(
    organization: Organization, user: User, tab: Tab, wanted: Wanted, *, now: datetime, until: datetime, most: int
) -> list[SLOAlert]:
    """All that a list held at a moment: what has come or changed since is left out. At most `most`, the worst first."""
    rows = inbox.matching(organization, wanted).filter(_listed(tab, user, now), updated_at__lte=until)
    in_order = _ranked(rows, tab, now).order_by("-rank", "-breached_at", "-id")  # type: ignore[misc] # annotated
    return list(in_order[:most])


def _listed(tab: Tab, user: User, now: datetime) -> Q:
    if tab != Tab.OPEN:
        return _of(tab, user, now)
    undoable = Q(resolved_at=None, acknowledged_by=user, acknowledged_at__gt=now - UNDO_WITHIN)
    return _of(tab, user, now) | undoable | forgotten(now)


def _ranked(rows: QuerySet[SLOAlert], tab: Tab, now: datetime) -> QuerySet[SLOAlert]:
    if tab == Tab.RESOLVED:
        return rows.annotate(rank=Value(0))
    first = Case(When(forgotten(now), then=Value(FIRST)), default=RANK) if tab == Tab.OPEN else RANK
    return rows.annotate(rank=first)


def _kept(rows: QuerySet[SLOAlert], shown: Sequence[UUID]) -> list[SLOAlert]:
    known = {alert.pk: alert for alert in rows.filter(pk__in=shown)}
    return [known[pk] for pk in shown if pk in known]


def _as_before(kept: Sequence[SLOAlert], found: Sequence[SLOAlert]) -> Page:
    known, last = {alert.pk for alert in kept}, min(kept, key=_place)
    full = len(kept) >= PER_PAGE
    behind = len(found) > PER_PAGE or (full and any(_place(alert) < _place(last) for alert in found))
    newer = [alert for alert in found if alert.pk not in known and (not full or _place(alert) > _place(last))]
    return Page(kept, _cursor(last) if behind else "", len(newer))


def _place(alert: SLOAlert) -> tuple[int, datetime, UUID]:
    return alert.rank, alert.breached_at, alert.pk  # type: ignore[attr-defined]  # annotated


def write_keys(alerts: Iterable[SLOAlert]) -> str:
    """Which alerts a page shows, short enough for an address."""
    return urlsafe_b64encode(b"".join(alert.pk.bytes for alert in alerts)).decode()


def read_keys(text: str) -> list[UUID]:
    """What write_keys has written; nothing for anything else."""
    try:
        read = urlsafe_b64decode(text)
    except ValueError:
        return []
    if len(read) % KEY_BYTES or len(read) > PER_PAGE * KEY_BYTES:
        return []
    return [UUID(bytes=read[at : at + KEY_BYTES]) for at in range(0, len(read), KEY_BYTES)]


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
