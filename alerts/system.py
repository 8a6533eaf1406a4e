"""Conditions about the portal itself: feeds that have stopped, channels that do not deliver."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from accounts.models import Organization
from alerts.kinds import AlertType, Severity
from alerts.known import Facts
from alerts.models import Channel
from kpis import feeds
from kpis.staleness import FeedState

FAILING_FOR = timedelta(minutes=15)  # a channel that has failed for so long is an alert


@dataclass(frozen=True)
class Finding:
    """A verdict on something that is no objective, and what is known of it."""

    subject: str
    severity: Severity | None
    facts: Facts
    frozen: bool = False
    superseded: bool = False
    value: Decimal | None = None
    threshold: Decimal | None = None
    measurement: None = None

    @property
    def alert_type(self) -> AlertType:
        return self.facts.alert_type

    @property
    def over(self) -> bool:
        return self.severity is None


def findings(organization: Organization, *, now: datetime) -> Iterator[Finding]:
    """One for each feed that has ever had a message, and one for each channel that is meant to work."""
    for feed in feeds.states(organization, now=now).values():
        if feed.last_message_at:
            yield _of_feed(organization, feed, now)
    for channel in organization.channels.filter(is_active=True):
        yield _of_channel(organization, channel, now)


def _of_feed(organization: Organization, feed: FeedState, now: datetime) -> Finding:
    facts = Facts(
        AlertType.STALE_FEED,
        Severity.WARNING,
        now,
        organization.time_zone,
        feed=feed.feed,
        last_message_at=feed.last_message_at,
        usual=feed.usual,
        since=feed.stale_since,
    )
    return Finding(feed.feed, Severity.WARNING if feed.stale else None, facts, value=Decimal(feed.usual))


def _of_channel(organization: Organization, channel: Channel, now: datetime) -> Finding:
    failing = channel.failing_since is not None and now - channel.failing_since >= FAILING_FOR
    facts = Facts(
        AlertType.DELIVERY_FAILURE,
        Severity.WARNING,
        now,
        organization.time_zone,
        channel=channel.name,
        channel_kind=channel.get_kind_display().partition(" (")[0],
        failing_since=channel.failing_since or channel.off_at,
        error=channel.off_reason,
        switched_off=channel.off_at is not None,
    )
    dead = channel.off_at is not None or failing
    return Finding(str(channel.pk), Severity.WARNING if dead else None, facts, value=Decimal(channel.failures))
