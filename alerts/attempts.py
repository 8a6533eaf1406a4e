"""One attempt to send one message. Runs in a thread of its own and touches no database."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.conf import settings

from accounts.models import Organization
from alerts import secrets, transports
from alerts.models import Channel, Message, Notification
from alerts.transports import DeliveryError, Item, Outgoing, Receipt
from kpis.failpoints import fp

log = logging.getLogger(__name__)


class Job(NamedTuple):
    """A claimed message with all that is needed to send it."""

    organization: Organization
    message: Message
    channel: Channel
    notifications: Sequence[Notification]
    perhaps_sent: bool  # nobody knows what came of an earlier attempt


class Outcome(NamedTuple):
    """What came of it: a receipt, or why there is none."""

    receipt: Receipt | None = None
    error: DeliveryError | None = None


def attempt(job: Job, *, now: datetime) -> Outcome:
    """Send it, unless an earlier attempt of unknown outcome turns out to have arrived."""
    fp("delivery.before_send")
    try:
        receipt = _arrived(job) or transports.send(
            job.channel.kind, config_of(job.channel), job.message.target, outgoing(job), now=now
        )
    except DeliveryError as error:
        return Outcome(error=error)
    except secrets.Unreadable as error:
        return Outcome(error=DeliveryError(str(error), permanent=True))
    except Exception:  # a broken template, a library that fails: this message is tried again, the others go on
        log.exception("a message could not be sent: %s", job.message.pk)
        return Outcome(error=DeliveryError("An error of the portal's own; its log says more."))
    fp("delivery.after_send")
    return Outcome(receipt)


def _arrived(job: Job) -> Receipt | None:
    """Of a message that was perhaps sent, where the provider can be asked."""
    if not job.perhaps_sent:
        return None
    return transports.look_up(job.channel.kind, config_of(job.channel), job.message.target, str(job.message.pk))


def config_of(channel: Channel) -> dict[str, str]:
    """What alerts.transports takes, secrets included: for sending only."""
    return {"to": ", ".join(channel.targets), **secrets.reveal(channel.secret)}


def outgoing(job: Job) -> Outgoing:
    return Outgoing(
        key=str(job.message.pk),
        organization=job.organization.name,
        items=tuple(_item(row) for row in job.notifications),
        created_at=job.message.created_at,
        time_zone=job.organization.time_zone,
        url=f"{settings.SITE_URL}/alerts/",
        organization_slug=job.organization.slug,
    )


def _item(row: Notification) -> Item:
    alert = row.alert
    return Item(
        alert_id=str(alert.pk) if alert else "",
        reason=row.reason,
        severity=row.severity,
        title=row.title,
        message=row.text,
        short=row.short,
        html=row.html,
        url=f"{settings.SITE_URL}/alerts/{alert.pk}/" if alert else f"{settings.SITE_URL}{row.path}",
        slo_name=alert.slo.name if alert and alert.slo else "",
        slo_url=f"{settings.SITE_URL}/slo/{alert.slo.pk}/" if alert and alert.slo else "",
        opened_at=alert.breached_at if alert else row.created_at,
    )
