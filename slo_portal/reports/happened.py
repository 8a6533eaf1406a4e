"""What happened beside the figures: alerts, incidents, and changes of what is promised."""

from collections.abc import Iterator
from datetime import datetime
from statistics import median
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.urls import reverse

from alerts.inbox import RELATED, worst_first
from alerts.kinds import Severity
from alerts.models import Incident, SLOAlert
from slo_portal.reports.asked import Asked
from slos.models import Exclusion, SLODefinition

MOST = 50  # alerts, incidents or changes that are named
UNTOLD = {"updated_at", "created_at"}
Told = dict[str, object]


def alerts(asked: Asked) -> Told:
    """How many opened, were acknowledged and resolved in the range, which are open at its end, and how long it took."""
    start, end = asked.span.start, asked.until
    within = {name: Q(**{f"{name}__gte": start, f"{name}__lt": end}) for name in ("breached_at", *TIMES)}
    still = Q(breached_at__lt=end) & (Q(resolved_at=None) | Q(resolved_at__gte=end))
    mine = SLOAlert.objects.filter(organization=asked.organization)
    opened = {one.value: Count("pk", filter=within["breached_at"] & Q(severity=one)) for one in Severity}
    numbers = mine.aggregate(
        opened=Count("pk", filter=within["breached_at"]),
        acknowledged=Count("pk", filter=within["acknowledged_at"]),
        resolved=Count("pk", filter=within["resolved_at"]),
        still_open=Count("pk", filter=still),
        **opened,
    )
    by_severity = {name: numbers.pop(name) for name in opened}
    listed = list(mine.filter(within["breached_at"] | still).select_related(*RELATED)[: MOST + 1])
    return {
        **numbers,
        "by_severity": by_severity,
        "median_seconds_to_acknowledge": _median(mine.filter(within["acknowledged_at"]), "acknowledged_at"),
        "median_seconds_to_resolve": _median(mine.filter(within["resolved_at"]), "resolved_at"),
        "listed": [_alert(one, end) for one in worst_first(listed[:MOST])],
        "more": len(listed) > MOST,
    }


TIMES = ("acknowledged_at", "resolved_at")


def _median(rows: QuerySet[SLOAlert], name: str) -> float | None:
    took = [took.total_seconds() for took in rows.values_list(F(name) - F("breached_at"), flat=True)]
    return round(median(took), 1) if took else None


def _alert(one: SLOAlert, end: datetime) -> Told:
    ended = one.resolved_at if one.resolved_at and one.resolved_at < end else None
    return {
        "id": str(one.pk),
        "title": one.title,
        "severity": one.severity,
        "name": one.slo.name if one.slo else "",
        "opened_at": one.breached_at,
        "acknowledged_at": one.acknowledged_at if one.acknowledged_at and one.acknowledged_at < end else None,
        "resolved_at": ended,
        "url": reverse("alert", args=[one.pk]),
    }


def incidents(asked: Asked) -> list[Told]:
    """Those that were open in the range, the newest first."""
    lasted = Q(closed_at=None) | Q(closed_at__gte=asked.span.start)
    found = Incident.objects.filter(lasted, organization=asked.organization, opened_at__lt=asked.until)
    return [
        {
            "title": one.alert.title,
            "owner": one.owner.shown_name if one.owner else None,
            "opened_at": one.opened_at,
            "closed_at": one.closed_at if one.closed_at and one.closed_at < asked.until else None,
            "url": reverse("alert", args=[one.alert_id]),
        }
        for one in found.select_related("alert", "owner")[:MOST]
    ]


def changes(asked: Asked) -> list[Told]:
    """Of definitions, the newest first: what was changed from what to what, by whom."""
    rows = SLODefinition.history.filter(
        organization=asked.organization, history_date__gte=asked.span.start, history_date__lt=asked.until
    )
    found = rows.select_related("history_user").order_by("-history_date", "-history_id")[:MOST]
    return [told for row in found for told in _change(row)]


def exclusions(asked: Asked) -> list[Told]:
    """Times of the range that were left out, and what was excluded or withdrawn in it: why, and by whom."""
    start, end = asked.span.start, asked.until
    touched = Q(periods__start__lt=end, periods__end__gt=start, withdrawn_at=None)
    acted = Q(created_at__gte=start, created_at__lt=end) | Q(withdrawn_at__gte=start, withdrawn_at__lt=end)
    found = asked.organization.exclusions.filter(touched | acted).distinct().select_related("created_by")
    return [_exclusion(one) for one in found.prefetch_related("slos")[:MOST]]


def _exclusion(one: Exclusion) -> Told:
    zone = one.organization.time_zone
    what = f"invoice {one.invoice_id}"
    if one.start and one.end:
        first, last = one.start.astimezone(zone), one.end.astimezone(zone)
        what = f"{first:%-d %b %Y, %H:%M} to {last:%-d %b %Y, %H:%M}{', recurring' if one.rrule else ''}"
    gone = "withdrawn: " if one.withdrawn_at else "excluded: "
    return {
        "name": ", ".join(slo.name for slo in one.slos.all()) or "All objectives",
        "at": one.withdrawn_at or one.created_at,
        "by": one.created_by.shown_name if one.created_by else None,
        "what": f"{gone}{what} ({one.get_category_display().lower()}, {one.reason})",
    }


def _change(row: Any) -> Iterator[Told]:
    who = row.history_user.shown_name if row.history_user else None
    told = {"name": row.name, "at": row.history_date, "by": who}
    words = {"+": "created", "-": "deleted"}.get(row.history_type)
    previous = None if words else row.prev_record
    if words:
        yield {**told, "what": words}
    elif previous:
        for change in row.diff_against(previous).changes:
            if change.field not in UNTOLD:
                field = change.field.replace("_", " ")
                yield {**told, "what": f"{field}: {_shown(change.old)} → {_shown(change.new)}"}


def _shown(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text[:120] or "nothing"
