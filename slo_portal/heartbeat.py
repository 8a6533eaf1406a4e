"""Tells a watcher outside the house that all is well; silence tells it the rest."""

import logging
from datetime import datetime, timedelta

from django.conf import settings

from alerts import delivery
from alerts.transports import http
from alerts.transports.message import DeliveryError
from slo_portal import late

log = logging.getLogger(__name__)
IN_TIME = timedelta(minutes=5)  # for what is due: longer than a target's pause between two messages


def send(*, now: datetime) -> bool:
    """Call HEARTBEAT_URL, unless a tick or a message is late; whether it was called."""
    if not settings.HEARTBEAT_URL or late.ticks(now=now) or delivery.undelivered(now - IN_TIME):
        return False
    try:
        answer = http.request("GET", settings.HEARTBEAT_URL, None, {})
    except DeliveryError as error:
        log.warning("the heartbeat did not arrive: %s", error)
        return False
    if not answer.ok:
        log.warning("the heartbeat was answered with %s", answer.status)
    return answer.ok
