"""What people see of alerts: one read model for API, pages, admin and command."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from itertools import groupby
from operator import or_
from typing import NamedTuple
from uuid import UUID

from django.db.models import (
    Count,
    Exists,
    F,
    Max,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Sum,
    Window,
    prefetch_related_objects,
)
from django.db.models.functions import RowNumber

from accounts.models import Organization, User
from alerts import history, silences
from alerts.kinds import rank
from alerts.lifecycle import UNDO_WITHIN
from alerts.models import AlertEvent, ChecklistItem, Incident, Message, Notification, Silence, SLOAlert
from slos.attention import Attention, OfOne
from slos.models import SLODefinition

RELATED = ("organization", "slo", "acknowledged_by", "assigned_to", "resolved_by")
SEARCHED = ("title", "message", "slo__name", "assigned_to__username", "acknowledged_by__username")
RECENT = 5  # of one objective
MOST_OF_ONE = 100  # alerts in a history
FIRST = 9  # the rank of what has been forgotten
MOST_LINES = 200  # of a timeline or of deliveries, the newest


class Delivery(NamedTuple):
    """What became of the messages that an alert is in."""

    sent: bool = False
    attempts: int = 0
    last_at: datetime | None = None


NOTHING_SENT = Delivery()


@dataclass(frozen=True)
class Wanted:
    """Which alerts; what is None does not matter."""

    severity: str | None = None
    alert_type: str | None = None
    slo: UUID | None = None
    resolved: bool | None = None
    acknowledged: bool | None = None
    text: str | None = None  # in what it says, in the name of its objective or of whoever has it
    owned: bool | None = None  # whether anybody has it
    owner: User | None = None
    since: datetime | None = None  # began then or later
    before: datetime | None = None


def of_owner(user: User) -> Q:
    """Whoever it is assigned to has it, else whoever acknowledged it."""
    return Q(assigned_to=user) | Q(assigned_to=None, acknowledged_by=user)


def matching(organization: Organization, wanted: Wanted) -> QuerySet[SLOAlert]:
    """Newest first, with everybody that an alert names."""
    given = {"severity": wanted.severity, "alert_type": wanted.alert_type, "slo": wanted.slo}
    asked = {name: value for name, value in given.items() if value is not None}
    found = SLOAlert.objects.filter(organization=organization, **asked)
    if wanted.resolved is not None:
        found = found.filter(resolved_at__isnull=not wanted.resolved)
    if wanted.acknowledged is not None:
        found = found.filter(acknowledged_at__isnull=not wanted.acknowledged)
    if wanted.owned is not None:
        nobody = Q(assigned_to=None, acknowledged_by=None)
        found = found.exclude(nobody) if wanted.owned else found.filter(nobody)
    if wanted.owner is not None:
        found = found.filter(of_owner(wanted.owner))
    if wanted.since is not None:
        found = found.filter(breached_at__gte=wanted.since)
    if wanted.before is not None:
        found = found.filter(breached_at__lt=wanted.before)
    if wanted.text:
        found = found.filter(reduce(or_, (Q(**{f"{field}__icontains": wanted.text}) for field in SEARCHED)))
    return found.select_related(*RELATED).order_by("-breached_at", "-id")


def find(organization: Organization, pk: UUID) -> SLOAlert | None:
    """With its incident, if it has one."""
    found = SLOAlert.objects.filter(organization=organization, pk=pk)
    return found.select_related(*RELATED, "incident__owner").first()


def several(organization: Organization, keys: Sequence[UUID]) -> dict[UUID, SLOAlert]:
    found = SLOAlert.objects.filter(organization=organization, pk__in=keys)
    return {alert.pk: alert for alert in found.select_related(*RELATED)}


def deliveries(alerts: Iterable[SLOAlert]) -> dict[UUID, Delivery]:
    """Of each alert that is in a message. One message may hold several notifications of an alert: it counts once."""
    again = Notification.objects.filter(alert=OuterRef("alert"), message=OuterRef("message"), pk__lt=OuterRef("pk"))
    rows = Notification.objects.filter(~Exists(again), alert__in=[alert.pk for alert in alerts], message__isnull=False)
    sums = (
        rows.order_by()
        .values("alert")
        .annotate(
            sent=Count("pk", filter=Q(message__state=Message.State.SENT)),
            attempts=Sum("message__attempt"),
            last_at=Max("message__sent_at"),
        )
    )
    return {row["alert"]: Delivery(row["sent"] > 0, row["attempts"], row["last_at"]) for row in sums}


def timeline(alert: SLOAlert) -> list[AlertEvent]:
    """The last events, oldest first."""
    return list(alert.events.select_related("actor").order_by("-at", "-id")[:MOST_LINES])[::-1]


def told(alert: SLOAlert) -> list[Notification]:
    """The last notifications with their channels and messages, newest first."""
    found = alert.notifications.select_related("channel", "message").order_by("-created_at", "-id")
    return list(found[:MOST_LINES])


def incident(alert: SLOAlert) -> Incident | None:
    """With its checklist; it takes an incident to have one."""
    found = getattr(alert, "incident", None)
    if found:
        prefetch_related_objects([found], Prefetch("items", ChecklistItem.objects.select_related("done_by")))
    return found


def earlier(alert: SLOAlert) -> list[SLOAlert]:
    """The last resolved ones of its kind, and so what helped then."""
    same = {name: getattr(alert, name) for name in ("organization", "slo", "subject", "alert_type")}
    found = SLOAlert.objects.filter(**same, resolved_at__isnull=False).exclude(pk=alert.pk)
    return list(found.select_related("resolved_by").order_by("-resolved_at")[:RECENT])


@dataclass(frozen=True)
class Row:
    """An alert in a list, as one reader sees it."""

    alert: SLOAlert
    note: AlertEvent | None  # the last that somebody wrote
    silence: Silence | None
    may_undo: bool  # the reader has acknowledged it just now
    forgotten: bool  # taken on, and then nobody did anything


def rows(alerts: Sequence[SLOAlert], organization: Organization, user: User, *, now: datetime) -> list[Row]:
    written = AlertEvent.objects.filter(alert__in=[alert.pk for alert in alerts], actor__isnull=False).exclude(note="")
    newest = written.order_by("alert_id", "-at", "-id").distinct("alert_id").select_related("actor")
    notes = {event.alert_id: event for event in newest}
    silenced = silences.active(organization, now=now)
    return [
        Row(
            alert,
            notes.get(alert.pk),
            silenced.of(alert.slo_id),
            may_undo(alert, user, now=now),
            getattr(alert, "rank", 0) == FIRST,
        )
        for alert in alerts
    ]


def may_undo(alert: SLOAlert, user: User, *, now: datetime) -> bool:
    at = alert.acknowledged_at
    mine = alert.resolved_at is None and alert.acknowledged_by_id == user.pk
    return mine and at is not None and now - at <= UNDO_WITHIN


# --- for the faces of objectives -------------------------------------------------------------------------
# The versions of the rows that `attention` tells of, unless it is of the past; and which of them are recent.
ATTENDED = f"""
SELECT concat_ws(' ', count(*), sum(hashtextextended(ROW(id, xmin, ctid, breached_at >= %(since)s)::text, 0)))
FROM {SLOAlert._meta.db_table} WHERE organization_id = %(organization)s AND breached_at <= %(at)s
    AND (resolved_at IS NULL OR breached_at >= %(since)s)"""  # noqa: S608


def attention(
    organization: Organization,
    *,
    at: datetime,
    since: datetime,
    past: bool = False,
    related: Sequence[str] = RELATED,
) -> Attention:
    """See slos.attention.Reader. As they stood in the past, alerts are told from their events.

    `related` is what is shown of the open ones: of much that is not, the joins would cost more than all the rest.
    """
    mine = SLOAlert.objects.filter(organization=organization, breached_at__lte=at)
    nth = Window(RowNumber(), partition_by=F("slo"), order_by=[F("breached_at").desc(), F("id").desc()])
    newest = mine.filter(slo__isnull=False, breached_at__gte=since).annotate(nth=nth).filter(nth__lte=RECENT)
    recent = list(newest.order_by("slo", "nth")) if since < at else []
    unfinished = mine.filter(Q(resolved_at=None) | Q(resolved_at__gt=at)) if past else mine.unresolved()
    unresolved = list(unfinished.select_related(*related))
    if past:
        history.turn_back([*recent, *unresolved], at)
    by_slo = groupby(recent, key=lambda alert: alert.slo_id)
    still = [alert for alert in unresolved if alert.resolved_at is None]
    return _attention(still, at, {slo: list(alerts) for slo, alerts in by_slo})


def of_objective(slo: SLODefinition, *, at: datetime, since: datetime) -> OfOne:
    """See slos.attention.OneReader; one statement."""
    mine = SLOAlert.objects.filter(organization=slo.organization_id).select_related(*RELATED)
    ended = mine.filter(slo=slo, resolved_at__gt=since).order_by("-breached_at", "-id")[:MOST_OF_ONE]
    found = list(mine.unresolved().union(ended, all=True))
    past = [alert for alert in found if alert.slo_id == slo.pk]
    past.sort(key=lambda alert: (alert.breached_at, alert.pk), reverse=True)
    return OfOne(_attention([alert for alert in found if alert.resolved_at is None], at), past)


def _attention(
    unresolved: Iterable[SLOAlert], at: datetime, recent: Mapping[UUID, Sequence[SLOAlert]] | None = None
) -> Attention:
    open_ones = worst_first(unresolved)
    needed = [alert for alert in open_ones if not alert.acknowledged_at and not alert.is_snoozed(at)]
    return Attention(open_ones, needed, recent or {})


def worst_first(alerts: Iterable[SLOAlert]) -> list[SLOAlert]:
    """By severity, the newest of each first."""
    return sorted(alerts, key=lambda alert: (rank(alert.severity), alert.breached_at, alert.pk), reverse=True)
