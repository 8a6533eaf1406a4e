"""Tells a watcher outside the house that all is well; silence tells it the rest."""

import logging
from datetime import datetime, timedelta

from django.conf import settings

from alerts import delivery, transports
from alerts.transports import DeliveryError
from slo_portal import late

log = logging.getLogger(__name__)
IN_TIME = timedelta(minutes=5)  # for what is due: longer than a target's pause between two messages


def send(*, now: datetime) -> bool:
    """Call HEARTBEAT_URL, unless a tick or a message is late; whether it was called."""
    if not settings.HEARTBEAT_URL or late.ticks(now=now) or delivery.undelivered(now - IN_TIME):
        return False
    try:
        transports.call(settings.HEARTBEAT_URL, now=now)
    except DeliveryError as error:
        log.warning("the heartbeat did not arrive: %s", error)
        return False
    return True
