"""The feeds of an organisation: when messages last came, and whether it has been silent for too long.

A feed is what the engine is told, about invoices, about exceptions or in counts, by whichever way it comes in; system
figures are none. Its time is when a message was received, not the time that the message is about.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from django.db import connection

from accounts.models import Organization
from kpis.models import Arrival, Feed, FeedCount
from kpis.periods import BUCKET, Interval, weeks_before
from kpis.staleness import ENOUGH, FEEDS, FeedState, Week, judge, spans

KEPT = timedelta(weeks=5)
ARRIVALS, COUNTS, LASTS = (model._meta.db_table for model in (Arrival, FeedCount, Feed))


def arrived(organization: Organization, messages: Mapping[str, int], *, now: datetime) -> None:
    """Note, in the transaction that stores them, how many messages of each feed have come."""
    sql = f"""
        INSERT INTO {ARRIVALS} (organization_id, feed, at, messages)
        SELECT %s, feed, %s, messages FROM unnest(%s::text[], %s::int[]) m (feed, messages) WHERE messages > 0
    """  # noqa: S608 - the table's own name
    with connection.cursor() as cursor:
        cursor.execute(sql, [organization.pk, now, list(messages), list(messages.values())])


def take(organization: Organization) -> None:
    """Count the arrivals so far. For the tick alone, before it takes the marks.

    Whatever shows here that a feed lives has then left its marks as well: the tick never takes for missing what a
    batch has brought that it counts as a sign of life.
    """
    sql = f"""
        WITH gone AS (
            DELETE FROM {ARRIVALS} WHERE organization_id = %(organization)s RETURNING feed, at, messages
        ), counted AS (
            INSERT INTO {COUNTS} AS c (organization_id, feed, start, messages)
            SELECT %(organization)s, feed, date_bin('5 minutes', at, timestamptz '2000-01-01 00:00Z'), sum(messages)
            FROM gone GROUP BY 2, 3
            ON CONFLICT (organization_id, feed, start) DO UPDATE SET messages = c.messages + excluded.messages
        )
        INSERT INTO {LASTS} AS f (organization_id, name, first_message_at, last_message_at)
        SELECT %(organization)s, feed, min(at), max(at) FROM gone GROUP BY feed
        ON CONFLICT (organization_id, name) DO UPDATE SET
            first_message_at = least(f.first_message_at, excluded.first_message_at),
            last_message_at = greatest(f.last_message_at, excluded.last_message_at)
        RETURNING name, last_message_at"""  # noqa: S608 - our own tables
    with connection.cursor() as cursor:
        cursor.execute(sql, {"organization": organization.pk})
        for feed, last in cursor.fetchall():
            FeedCount.objects.filter(organization=organization, feed=feed, start__lt=last - KEPT).delete()


def states(organization: Organization, *, now: datetime) -> dict[str, FeedState]:
    """Each feed as of the last tick: when its last message came, and whether its silence is longer than usual."""
    known = {feed.name: feed for feed in Feed.objects.filter(organization=organization)}
    zone = organization.time_zone
    asked = {
        (name, weeks): span
        for name, feed in known.items()
        for weeks, span in spans(feed.first_message_at, feed.last_message_at, now, zone).items()
    }
    found = {(name, weeks): Week() for name, weeks in asked}
    for name, weeks, messages, enough in _counted(organization, asked):
        found[name, weeks] = Week(messages, enough and weeks_before(enough + BUCKET, -weeks, zone))
    return {name: _state(name, known.get(name), found, now) for name in FEEDS}


def _state(name: str, feed: Feed | None, found: Mapping[tuple[str, int], Week], now: datetime) -> FeedState:
    if feed is None:
        return FeedState(name)
    return judge(name, feed.last_message_at, now, [week for (of, _), week in found.items() if of == name])


def _counted(
    organization: Organization, asked: Mapping[tuple[str, int], Interval]
) -> Iterator[tuple[str, int, int, datetime | None]]:
    """Of each span that holds messages: (feed, weeks back, messages, the bucket with which they are ENOUGH)."""
    spans = [(*key, *span) for key, span in asked.items() if span[0] < span[1]]
    if not spans:
        return
    sql = f"""
        SELECT s.feed, s.weeks, sum(c.messages), min(c.start) FILTER (WHERE c.so_far >= {ENOUGH})
        FROM unnest(%s::text[], %s::int[], %s::timestamptz[], %s::timestamptz[]) s (feed, weeks, start, until),
        LATERAL (
            SELECT start, messages, sum(messages) OVER (ORDER BY start) AS so_far FROM {COUNTS} c
            WHERE organization_id = %s AND c.feed = s.feed AND c.start >= s.start AND c.start < s.until
        ) c GROUP BY s.feed, s.weeks"""  # noqa: S608 - our own table
    with connection.cursor() as cursor:
        cursor.execute(sql, [*(list(column) for column in zip(*spans, strict=True)), organization.pk])
        yield from cursor.fetchall()
