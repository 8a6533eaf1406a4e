"""The tick's second half: verdicts open, worsen and resolve alerts, in the transaction that wrote the figures."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import OperationalError, transaction

from accounts.models import Organization
from alerts import incidents, lifecycle, outbox, telling
from alerts.judged import Judged, Key, everything
from alerts.kinds import AlertType, Reason, Resolution, Severity, rank
from alerts.lifecycle import By, Changes
from alerts.models import AlertEvent, SLOAlert
from alerts.saying import said
from alerts.standing import REOPENS_WITHIN, Act, Move, Standing, move
from kpis.failpoints import fp
from slos.judged import Objectives

log = logging.getLogger(__name__)
PORTAL = By(None, AlertEvent.Channel.SYSTEM)
Kind = AlertEvent.Kind


def evaluate(organization: Organization, now: datetime, last: datetime | None, objectives: Objectives) -> int:
    """Bring the alerts of an organisation up to date; `last` is the tick before. Returns what is to be told."""
    judged = {one.key: one for one in everything(organization, objectives, now=now)}
    alerts = _standing(organization, now)
    for key, one in judged.items():
        if one.verdict.severity is None and key not in alerts:
            continue  # as nearly all of them, nearly always: a thousand objectives have five thousand verdicts
        exhausted = alerts.get(key._replace(alert_type=AlertType.ERROR_BUDGET_EXHAUSTED))
        covered = key.alert_type == AlertType.ERROR_BUDGET_CONSUMED and _covers(exhausted)
        if found := _bring_up_to_date(one, alerts.get(key), covered, now, last):
            alerts[key] = found
    for key in alerts.keys() - judged.keys():
        if alerts[key].resolved_at is None:
            _set_aside_if_it_fails(_end, alerts[key], _unjudged(alerts[key]), now, None)
    fp("evaluate.alerts_written")
    return telling.plan(organization, [alert for alert in alerts.values() if not alert.resolved_at], judged, now=now)


def _unjudged(alert: SLOAlert) -> Resolution:
    """Why nobody judges it any more."""
    archived = alert.slo is not None and alert.slo.archived_at is not None
    return Resolution.ARCHIVED if archived else Resolution.NOT_JUDGED


def _covers(exhausted: SLOAlert | None) -> bool:
    """While a used-up budget is an alert, or was one that a person resolved, none opens because consumption falls."""
    return exhausted is not None and (exhausted.resolved_at is None or exhausted.holds_back)


def _standing(organization: Organization, now: datetime) -> dict[Key, SLOAlert]:
    """The newest alert that matters of each key; an open one before all."""
    rows = SLOAlert.objects.standing(now - REOPENS_WITHIN).filter(organization=organization)
    newest = sorted(rows, key=lambda alert: (alert.resolved_at is None, alert.resolved_at or now))
    return {Key(alert.slo_id, alert.subject, alert.alert_type): alert for alert in newest}


def _set_aside_if_it_fails(act: Any, *args: Any) -> SLOAlert | None:
    """One alert that cannot be written stops no other; a database that cannot be used stops them all."""
    try:
        with transaction.atomic():
            return act(*args)
    except OperationalError:
        raise
    except Exception:
        log.exception("an alert could not be brought up to date: %s", args[0])
        return None


def _bring_up_to_date(
    one: Judged, alert: SLOAlert | None, covered: bool, now: datetime, last: datetime | None
) -> SLOAlert | None:
    """The alert as it stands afterwards, None without one. Most of the time nothing is to be written, and that costs
    no statement."""
    verdict = _Covered(one.verdict) if covered else one.verdict
    wish = move(_as_standing(alert), verdict, now=now, last=last, resolve_after=one.resolve_after)
    if wish.act == Act.OPEN:
        return _set_aside_if_it_fails(_open, one, alert, now)
    if alert is None or _nothing_to_write(alert, wish):
        return alert
    return _set_aside_if_it_fails(_change, one, alert, wish, now)


def _change(one: Judged, alert: SLOAlert, wish: Move, now: datetime) -> SLOAlert:
    locked = SLOAlert.objects.select_for_update(of=["self"]).select_related("organization").get(pk=alert.pk)
    if locked.version != alert.version:
        return locked  # a person was faster: the next tick looks again
    _move(one, locked, wish, now)
    return locked


class _Covered:
    """A verdict that another alert speaks for."""

    superseded, severity, over = True, None, False

    def __init__(self, verdict: Any) -> None:
        self.frozen = verdict.frozen


def _nothing_to_write(alert: SLOAlert, wish: Move) -> bool:
    return wish.act == Act.NOTHING and wish.quiet_since == alert.quiet_since


def _as_standing(alert: SLOAlert | None) -> Standing:
    if alert is None:
        return Standing()
    return Standing(
        alert.severity,
        alert.resolved_at is None,
        alert.quiet_since,
        alert.resolved_at,
        alert.resolution == Resolution.RECOVERED,
        alert.holds_back,
    )


def _move(one: Judged, alert: SLOAlert, wish: Move, now: datetime) -> None:
    if wish.act == Act.WORSEN:
        _worsen(one, alert, now)
    elif wish.act == Act.REOPEN:
        _reopen(one, alert, now)
    elif wish.act == Act.RECOVER:
        _end(alert, Resolution.RECOVERED, now, one)
    elif wish.act == Act.SUPERSEDE:
        _end(alert, Resolution.SUPERSEDED, now, one)
    else:
        alert.quiet_since, alert.holds_back = wish.quiet_since, alert.holds_back and wish.act != Act.RELEASE
        alert.save(update_fields=["quiet_since", "holds_back"])


def _open(one: Judged, before: SLOAlert | None, now: datetime) -> SLOAlert:
    """`before` is the newest alert about the same that still matters."""
    if before:
        about = SLOAlert.objects.filter(**one.key._asdict(), organization=one.organization)
        about.filter(holds_back=True).update(holds_back=False)
    described = _described(one, None, Reason.OPENED, now)
    alert = SLOAlert.objects.create(
        organization=one.organization,
        slo=one.slo,
        subject=one.subject,
        alert_type=one.verdict.alert_type,
        breached_at=now,
        updated_at=now,
        **described,
    )
    details = {**lifecycle.plain(described), **_figures(one)}
    AlertEvent.objects.create(organization=one.organization, alert=alert, kind=Kind.OPENED, at=now, details=details)
    _call_incident(alert, now)
    return alert


def _worsen(one: Judged, alert: SLOAlert, now: datetime) -> None:
    """What was acknowledged was the milder one; snoozes end."""
    before = alert.severity
    changes = {
        **_described(one, alert, Reason.WORSENED, now),
        "acknowledged_at": None,
        "acknowledged_by": None,
        "quiet_since": None,
        **lifecycle.UNSNOOZED,
    }
    lifecycle.write(alert, changes, Kind.WORSENED, by=PORTAL, now=now, was=before, **_figures(one))
    _call_incident(alert, now)


def _reopen(one: Judged, alert: SLOAlert, now: datetime) -> None:
    """It flaps: said once; after that only what is worse, until its end has lasted."""
    described = _described(one, alert, Reason.REOPENED, now)
    changes: Changes = {
        **described,
        "severity": max(alert.severity, described["severity"], key=rank),
        "resolved_at": None,
        "resolution": "",
        "quiet_since": None,
        "reopened_at": now,
        "reopenings": alert.reopenings + 1,
    }
    if not alert.reopenings:
        changes["told_severity"] = ""
    event = lifecycle.write(alert, changes, Kind.REOPENED, by=PORTAL, now=now, **_figures(one))
    outbox.cancel_resolved(alert, event, now)
    _call_incident(alert, now)


def _end(alert: SLOAlert, resolution: Resolution, now: datetime, one: Judged | None) -> SLOAlert:
    changes: Changes = {"resolved_at": now, "resolution": resolution, **lifecycle.UNSNOOZED}
    event = lifecycle.write(alert, changes, Kind.RESOLVED, by=PORTAL, now=now)
    outbox.tell_resolved(alert, event, now, said(alert, one, Reason.RESOLVED, now))
    return alert


def _described(one: Judged, alert: SLOAlert | None, reason: Reason, now: datetime) -> Mapping[str, Any]:
    """The columns that say how bad it is."""
    words = said(alert, one, reason, now)
    return {
        "severity": one.verdict.severity or Severity.INFO,
        "title": words.title,
        "message": words.text,
        "short": words.short,
        "current_value": one.verdict.value,
        "target_value": one.verdict.threshold,
        "measurement_id": one.verdict.measurement,
    }


def _figures(one: Judged) -> dict[str, Any]:
    """What decided, for the history."""
    counts = getattr(one.verdict, "counts", None)
    look_back = getattr(one.verdict, "look_back", None)
    return {
        "value": None if one.verdict.value is None else str(one.verdict.value),
        "threshold": None if one.verdict.threshold is None else str(one.verdict.threshold),
        "look_back_seconds": look_back and look_back.total_seconds(),
        "bad": counts and str(counts.bad),
        "total": counts and counts.total,
    }


def _call_incident(alert: SLOAlert, now: datetime) -> None:
    if alert.severity == Severity.INCIDENT:
        incidents.open_for(alert, now=now)
