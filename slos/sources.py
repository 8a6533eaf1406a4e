"""Where the figures of snapshots come from."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from django.db import connection

from accounts.models import Organization
from kpis import feeds
from kpis.periods import BUCKET, Interval, floor
from kpis.staleness import COUNTS, EXCEPTIONS, INVOICES, FeedState
from slos import exclusions
from slos.budget import Counts
from slos.excluded import Excluded, covers
from slos.indicators import Count
from slos.models import SLIBucket, SLIType, SLODefinition
from slos.pending import pending
from slos.sums import over_intervals
from slos.unconfirmed import Overdue, overdue_since

FAR = timedelta(days=400)  # longer than any window
Buckets = list[tuple[datetime, Counts]]  # newest first


def feed_of(slo: SLODefinition) -> str:
    """Whose messages say that an event of the objective has ended."""
    if slo.is_fed:
        return COUNTS
    return EXCEPTIONS if slo.sli_type == SLIType.EXCEPTION_RESOLUTION_TIME else INVOICES


class Stored:
    """The stored buckets, as they are at `now`."""

    fine_since: datetime | None = None  # no window of the present reaches back to where only days are left
    begun = False  # whether work that begins after `now` is left out of what is pending: `now` is past

    def __init__(self, organization: Organization, now: datetime) -> None:
        self.organization, self.now = organization, now

    def sums(self, intervals: Mapping[str, Interval]) -> Mapping[UUID, Mapping[str, Counts]]:
        """Per objective and name, what was decided in intervals on bucket borders; nothing for empty ones."""
        return over_intervals(self.organization, intervals, self.fine_since)

    def newest(self, since: Mapping[UUID, datetime], most: int) -> Mapping[UUID, Buckets]:
        """Per objective the newest buckets that hold events, up to now and at least `most` of those since a moment."""
        sql = f"""
            SELECT s.id, b.* FROM unnest(%s::uuid[], %s::timestamptz[]) s (id, since), LATERAL (
                SELECT start, good, total FROM {SLIBucket._meta.db_table}
                WHERE slo_id = s.id AND width = 5 AND start >= s.since AND start < %s AND total > 0
                ORDER BY start DESC LIMIT %s
            ) b ORDER BY s.id, b.start DESC"""  # noqa: S608
        found: dict[UUID, Buckets] = {slo: [] for slo in since}
        if since:
            with connection.cursor() as cursor:
                cursor.execute(sql, [list(since), list(since.values()), floor(self.now) + BUCKET, most])
                for slo, start, good, total in cursor.fetchall():
                    found[slo].append((start, Counts(good, total)))
        return found

    def first_events(self, slos: Iterable[SLODefinition]) -> Mapping[UUID, datetime]:
        """Start of the oldest 5-minute bucket of each objective, one index probe each."""
        sql = f"""
            SELECT s.id, (SELECT min(start) FROM {SLIBucket._meta.db_table} b WHERE b.slo_id = s.id AND b.width = 5)
            FROM unnest(%s::uuid[]) s (id)"""  # noqa: S608
        with connection.cursor() as cursor:
            cursor.execute(sql, [[slo.pk for slo in slos]])
            return {slo: start for slo, start in cursor.fetchall() if start}

    @cached_property
    def excluded(self) -> Excluded:
        """Of all that may be asked for."""
        return exclusions.between(self.organization, self.now - FAR, self.now + BUCKET)

    def count_of(self, slo: SLODefinition) -> Count:
        return Count.of(slo)

    def waiting(self, slos: Iterable[SLODefinition]) -> Mapping[UUID, int]:
        """Per objective the events that are not decided yet."""
        counts = {slo.pk: self.count_of(slo) for slo in slos if slo.is_timed}
        found = pending(self.organization, set(counts.values()), self.now, begun=self.begun)
        return {slo: found[count] for slo, count in counts.items()}

    def feeds(self) -> Mapping[str, FeedState]:
        """When each feed last spoke; of the past that is not kept."""
        return {} if self.begun else feeds.states(self.organization, now=self.now)

    def overdue(self, slos: Iterable[SLODefinition], states: Mapping[str, FeedState]) -> Mapping[UUID, Overdue]:
        """Per objective what is bad by a deadline after the last message of its feed, by bucket."""
        spoke = {name: state.last_message_at for name, state in states.items() if state.last_message_at}
        counts = {slo.pk: self.count_of(slo) for slo in slos if slo.is_timed and feed_of(slo) in spoke}
        since = {self.count_of(slo): spoke[feed_of(slo)] for slo in slos if slo.pk in counts}
        found = overdue_since(self.organization, since, now=self.now) if since else {}
        return {
            slo: left for slo, count in counts.items() if (left := found[count] and self._left_in(slo, found[count]))
        }

    def _left_in(self, slo: UUID, overdue: Overdue) -> Overdue:
        """Without what no figure counts."""
        times = self.excluded.by(slo)
        return [one for one in overdue if not covers(times, one[0])]
