"""What the dashboard of the API says: made from the stored figures, and kept until one of the rows behind it changes.

One statement tells whether it still holds. PostgreSQL keeps of each version of a row which transaction wrote it, and
where it lies (`xmin`, `ctid`); no other version of the row has both: while the same versions would be read, the answer
is the same. Which rows these are is chosen by the moment of asking. Besides, time decides how much of a window has run.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.db import connection

from accounts import etags
from accounts.models import Organization
from kpis.params import Span
from slos import payloads, status
from slos.attention import Alert, Attention, Watched
from slos.kept import Finished, Kept
from slos.models import EngineState, SLIMeasurement, SLODefinition, SLOSnapshot
from slos.recount import Past, Recounted
from slos.snapshots import compute
from slos.sources import Stored
from slos.status import Overview, SLOStatus

COUNTED = ("healthy", "warning", "critical", "no_data")
MOST_ALERTS = 100  # GET /alerts lists all of them
HOLDS = timedelta(minutes=5)  # how far ahead it is seen to that no status changes by time alone
kept = Kept(4_000_000)
Severities = Mapping[UUID, frozenset[str]]

ROWS = f"""
SELECT (SELECT ticked_at FROM {EngineState._meta.db_table} WHERE organization_id = %(organization)s), concat_ws(' ',
    (SELECT concat_ws(' ', count(*), sum(hashtextextended(
        ROW(d.id, d.xmin, d.ctid, s.xmin, s.ctid, m.id, m.version, m.place)::text, 0)))
     FROM {SLODefinition._meta.db_table} d
     LEFT JOIN {SLOSnapshot._meta.db_table} s ON s.slo_id = d.id
     LEFT JOIN LATERAL (
        SELECT id, xmin AS version, ctid AS place FROM {SLIMeasurement._meta.db_table}
        WHERE slo_id = d.id AND period = d.measurement_periods[1] AND period_end <= %(until)s
        ORDER BY period_start DESC LIMIT 1) m ON d.is_active
     WHERE d.organization_id = %(organization)s),
    ({{alerts}}))"""  # noqa: S608


class View(NamedTuple):
    """What a dashboard is asked for: the moment, the part of the work, and the range of the latest measurement."""

    now: datetime
    past: bool
    only: dict[str, str]
    span: Span
    sli_types: frozenset[str]

    @property
    def until(self) -> datetime:
        return min(self.span.end, self.now)


class Told(NamedTuple):
    """`parts` are members of the answer; `tag` is None where it is not known before they are written."""

    parts: Mapping[str, Any]
    number: int  # of objectives
    ticked_at: datetime | None
    tag: str | None = None


def tell(organization: Organization, view: View, alerts: Watched) -> Told:
    """Read and calculated anew if it is of the past or of a part of the work, or if anything has changed."""
    if view.only or view.past:
        parts, chosen, ticked_at = _made(organization, view, alerts)
        return Told(parts, len(chosen), ticked_at)
    ticked_at, mark = _mark(organization, view, alerts)
    key = organization.pk, view.sli_types, view.span.days
    answer = kept.find(key, mark, view.now)
    if answer is None:
        parts, chosen, _ = _made(organization, view, alerts)
        answer = _finished(parts, chosen, mark, view)
        if _holds(chosen) and _mark(organization, view, alerts)[1] == mark:  # nothing came between the statements
            kept.keep(key, answer)
    return Told(msgspec.json.decode(answer.content, type=dict[str, msgspec.Raw]), answer.number, ticked_at, answer.tag)


def _mark(organization: Organization, view: View, alerts: Watched) -> tuple[datetime | None, str]:
    """When figures were last calculated, and which versions of which rows a dashboard would be made from."""
    moments = {"at": view.now, "since": view.span.start, "until": view.until}
    with connection.cursor() as cursor:
        cursor.execute(ROWS.format(alerts=alerts.rows), {"organization": organization.pk, **moments})
        ticked_at, rows = cursor.fetchone()
    return ticked_at, f"{rows} {view.span.start < view.now}"  # where it is not, no alert is recent


def _finished(parts: Mapping[str, Any], chosen: Sequence[SLOStatus], mark: str, view: View) -> Finished:
    content = msgspec.json.encode(parts)
    tag = etags.tag_of(b"%d %b" % (view.span.days, content))
    return Finished(mark, view.now, view.now + HOLDS, content, tag, len(chosen))


def _holds(chosen: Sequence[SLOStatus]) -> bool:
    """Whether time alone changes nothing of them for a while. That there are too few events to judge by, and the share
    of the budget that is used up, only grow with time: what is the same at both ends is so all the time."""
    for one in chosen:
        later = replace(one, now=one.now + HOLDS)
        if one.snapshot._state.adding or (one.status, one.too_few) != (later.status, later.too_few):
            return False
    return True


def _made(
    organization: Organization, view: View, alerts: Watched
) -> tuple[dict[str, Any], list[SLOStatus], datetime | None]:
    told = alerts.read(organization, at=view.now, since=view.span.start, past=view.past)
    found = _overview(organization, view, told.severities)
    chosen = [one for one in found.slos if not view.sli_types or one.slo.sli_type in view.sli_types]
    counts = Counter(str(one.status) for one in chosen)
    parts = {
        "summary": {"total_slos": len(chosen), **{f"{name}_slos": counts[name] for name in COUNTED}},
        "slos": [payloads.dashboard_entry(one, told) for one in chosen],
        "alerts": [payloads.open_alert(alert) for alert in _shown(told, view)[:MOST_ALERTS]],
    }
    return parts, chosen, found.ticked_at


def _shown(alerts: Attention, view: View) -> list[Alert]:
    """The open ones of the chosen objectives; those of a feed or a channel where none is chosen."""
    chosen = view.sli_types
    return [alert for alert in alerts.open if not chosen or (alert.slo and alert.slo.sli_type in chosen)]


def _overview(organization: Organization, view: View, severities: Severities) -> Overview:
    """The stored figures, or those of another moment or of a part of the work."""
    known = list(organization.slos.select_related("snapshot"))
    slos = [slo for slo in known if slo.is_active]
    if not (view.only or view.past):
        latest = status.latest_closed(slos, view.until)
        return status.overview(organization, now=view.now, known=known, latest=latest, severities=severities)
    if view.only:
        source: Stored = Recounted(organization, slos, view.now, only=view.only, begun=view.past)
        latest = Recounted(organization, slos, view.until, only=view.only, begun=view.past).latest_closed(slos)
    else:
        source, latest = Past(organization, slos, view.now), status.latest_closed(slos, view.until)
    snapshots = {row.pk: row for row in compute(organization, slos, now=view.now, source=source)}
    return status.overview(
        organization, now=view.now, known=known, snapshots=snapshots, latest=latest, severities=severities
    )
