"""What is said of an alert now: what is known of it, put into words."""

import logging
from dataclasses import replace
from datetime import datetime

from django.db import OperationalError, transaction

from alerts import facts, words
from alerts.judged import Judged
from alerts.kinds import TYPE_LABELS, AlertType, Reason, Resolution
from alerts.known import Facts, Life
from alerts.models import SLOAlert
from alerts.outbox import Said
from alerts.system import Finding

log = logging.getLogger(__name__)


def said(alert: SLOAlert | None, one: Judged | None, reason: Reason, now: datetime) -> Said:
    """The words for what is known now; an alert that has no words yet (None) opens."""
    if one is None:
        return _no_longer(alert)
    try:
        with transaction.atomic():
            known = replace(_known(one, now), life=_life(alert, reason, now))
            return Said(words.title(known, reason), words.message(known, reason), words.short(known, reason))
    except OperationalError:
        raise
    except Exception:  # better an alert in plain words than none
        log.exception("an alert could not be put into words")
        return _plain(one)


def _no_longer(alert: SLOAlert | None) -> Said:
    title = f"Over: {alert.title}" if alert else "Over"
    return Said(title[:200], "It is no longer watched.", title[:140])


def _plain(one: Judged) -> Said:
    label = TYPE_LABELS[AlertType(one.verdict.alert_type)]
    title = f"{label}: {one.slo or one.subject}"
    return Said(title[:200], f"{title}. The page of the alert says more.", title[:140])


def _known(one: Judged, now: datetime) -> Facts:
    if one.slo is None or isinstance(one.verdict, Finding):
        found: Facts = one.verdict.facts
        return found
    return facts.gather(one.organization, one.slo, one.verdict, now=now, looks=one.looks)


def _life(alert: SLOAlert | None, reason: Reason, now: datetime) -> Life:
    if alert is None:
        return Life(now)
    return Life(
        alert.reopened_at or alert.breached_at,
        alert.reopenings + (reason == Reason.REOPENED and alert.resolved_at is not None),
        alert.quiet_since,
        alert.acknowledged_at,
        alert.acknowledged_by.shown_name if alert.acknowledged_by else "",
        Resolution(alert.resolution) if alert.resolution else None,
        alert.resolved_at,
    )
