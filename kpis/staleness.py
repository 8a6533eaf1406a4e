"""When silence is too long: the messages of a feed since its last one against those of the weeks before.

Each of the last four weeks is asked for the same hours by the wall clock, so that nights, weekends and clock changes
are what they usually are. Only whole buckets of it count: staleness comes up to ten minutes late, never too early.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from kpis.periods import BUCKET, Interval, floor, weeks_before

INVOICES, EXCEPTIONS, COUNTS = FEEDS = "invoices", "exceptions", "counts"
ENOUGH = 30  # messages that usually come, and have not: no chance, whatever the feed
LONGEST = timedelta(hours=72)  # a weekend and a holiday
WEEKS = 4


@dataclass(frozen=True)
class FeedState:
    """`usual`: messages usually received since the last one, in its first 72 hours. Never a message: all unknown."""

    feed: str
    last_message_at: datetime | None = None
    usual: int = 0
    stale: bool = False
    stale_since: datetime | None = None


@dataclass(frozen=True)
class Week:
    """Messages of the same hours of a week before; `enough_at`: when, this time, they would have been ENOUGH."""

    messages: int = 0
    enough_at: datetime | None = None


def spans(first: datetime, last: datetime, now: datetime, zone: ZoneInfo) -> dict[int, Interval]:
    """By weeks back the buckets that lay as (last, now] lies now, at most 72 h; none from before the first message."""
    until = min(now, last + LONGEST)
    starts = {weeks: weeks_before(last, weeks, zone) for weeks in range(1, WEEKS + 1)}
    return {
        weeks: (floor(start) + BUCKET, floor(weeks_before(until, weeks, zone)))
        for weeks, start in starts.items()
        if start >= first
    }


def judge(feed: str, last: datetime, now: datetime, weeks: Sequence[Week]) -> FeedState:
    """`weeks`: those in which the feed was there.

    Usual is what all of them but the lowest reach (of one or two: all), so that neither a holiday nor a single large
    import decides. After 72 h a feed is stale in any case, the others only where some are usual: a small
    firm may have no exception for days.
    """
    needed = len(weeks) - (len(weeks) > 2)
    usual = sorted(week.messages for week in weeks)[-needed] if weeks else 0
    enough_at = sorted(week.enough_at for week in weeks if week.enough_at)
    since = [enough_at[needed - 1]] if weeks and len(enough_at) >= needed else []
    if now >= last + LONGEST and (usual or feed == INVOICES):
        since.append(last + LONGEST)
    return FeedState(feed, last, usual, bool(since), min(since, default=None))
