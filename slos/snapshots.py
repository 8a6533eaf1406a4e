"""One row of figures per objective, written by the tick and read by every face."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import connection

from accounts.models import Organization
from kpis.periods import LOOK_BACKS, Interval, calendar_window, look_back
from slos import budget
from slos.budget import BurnRule, Counts
from slos.indicators import Count
from slos.models import SLIBucket, SLODefinition, SLOSnapshot, Window
from slos.pending import pending
from slos.sums import over_intervals

NOTHING = Counts(Decimal(0), 0)
SHOWN = ["good", "total", "pending", "look_backs", "burning"]
STORED = ["window_start", "window_end", "first_event_at", *SHOWN, "counted_as"]


def compliance_window(slo: SLODefinition, now: datetime, zone) -> Interval:
    """The whole compliance window that holds `now`; a rolling one ends with the bucket that holds it."""
    if slo.window == Window.ROLLING:
        return look_back(now, timedelta(days=slo.window_days))
    return calendar_window(slo.window, now, zone)


def burn_rules(slo: SLODefinition) -> tuple[BurnRule, ...]:
    """The default burn-rate conditions: elevated over a day, high over six hours."""
    return (
        BurnRule("1d", "2h", LOOK_BACKS["1d"], Decimal("1.5")),
        BurnRule("6h", "30m", LOOK_BACKS["6h"], slo.burn_rate_alert_threshold),
    )


def write(organization: Organization, slos: Sequence[SLODefinition], *, now: datetime) -> int:
    """Write the snapshots that differ from the stored ones; returns how many show other figures than before."""
    rows = compute(organization, slos, now=now)
    stored = SLOSnapshot.objects.in_bulk([row.pk for row in rows])
    SLOSnapshot.objects.bulk_create(
        [row for row in rows if _differs(row, stored.get(row.pk), STORED)],
        update_conflicts=True,
        unique_fields=["slo"],
        update_fields=STORED,
        batch_size=500,
    )
    return sum(_differs(row, stored.get(row.pk), SHOWN) for row in rows)


def _differs(row: SLOSnapshot, old: SLOSnapshot | None, names: Sequence[str]) -> bool:
    return old is None or any(getattr(row, name) != getattr(old, name) for name in names)


class Stored:
    """Where the figures of snapshots come from: the stored buckets, as they are at `now`."""

    begun = False  # whether work that begins after `now` is left out of what is pending

    def __init__(self, organization: Organization, now: datetime) -> None:
        self.organization, self.now = organization, now

    def sums(self, intervals: Mapping[str, Interval]) -> Mapping[UUID, Mapping[str, Counts]]:
        """Per objective and name, what was decided in intervals on bucket borders; nothing for empty ones."""
        return over_intervals(self.organization, intervals)

    def newest_first(self, slo: SLODefinition, start: datetime, end: datetime) -> Iterable[tuple[datetime, Counts]]:
        """The buckets of [start, end) that hold anything."""
        stored = SLIBucket.objects.filter(slo=slo, width=5, start__gte=start, start__lt=end).order_by("-start")
        return ((at, Counts(good, total)) for at, good, total in stored.values_list("start", "good", "total"))

    def count_of(self, slo: SLODefinition) -> Count:
        return Count.of(slo)

    def waiting(self, slos: Iterable[SLODefinition]) -> Mapping[UUID, int]:
        """Per objective the events that are not decided yet."""
        counts = {slo.pk: self.count_of(slo) for slo in slos if slo.is_timed}
        found = pending(self.organization, set(counts.values()), self.now, begun=self.begun)
        return {slo: found[count] for slo, count in counts.items()}


def compute(
    organization: Organization, slos: Sequence[SLODefinition], *, now: datetime, source: Stored | None = None
) -> list[SLOSnapshot]:
    """The figures of each objective at `now`, from the stored buckets or another source."""
    source = source or Stored(organization, now)
    windows = {slo.pk: compliance_window(slo, now, organization.time_zone) for slo in slos}
    intervals = {name: look_back(now, length) for name, length in LOOK_BACKS.items()}
    intervals |= {
        _name(window): (window[0], min(window[1], look_back(now, timedelta(0))[1])) for window in windows.values()
    }
    sums = source.sums(intervals)
    first = _first_events(slos)
    waiting = source.waiting(slos)
    rows = []
    for slo in slos:
        start, end = windows[slo.pk]
        found = sums.get(slo.pk, {})
        counts = found.get(_name(windows[slo.pk]), NOTHING)
        row = SLOSnapshot(
            slo=slo,
            organization=organization,
            window_start=start,
            window_end=end,
            first_event_at=first.get(slo.pk),
            good=counts.good,
            total=counts.total,
            counted_as=Count.of(slo).signature,
            pending=waiting.get(slo.pk, 0),
            look_backs={name: [str(found[name].good), found[name].total] for name in LOOK_BACKS if name in found},
        )
        row.burning = any(burns(slo, row, rule, source) for rule in burn_rules(slo))
        rows.append(row)
    return rows


def _name(window: Interval) -> str:
    return f"{window[0].isoformat()} {window[1].isoformat()}"


def _first_events(slos: Iterable[SLODefinition]) -> Mapping[UUID, datetime]:
    """Start of the oldest 5-minute bucket of each objective, one index probe each."""
    sql = f"""
        SELECT s.id, (SELECT min(start) FROM {SLIBucket._meta.db_table} b WHERE b.slo_id = s.id AND b.width = 5)
        FROM unnest(%s::uuid[]) s (id)"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [[slo.pk for slo in slos]])
        return {slo: start for slo, start in cursor.fetchall() if start}


def window_of(slo: SLODefinition, row: SLOSnapshot, now: datetime) -> budget.Window:
    """The window of a snapshot as slos.budget takes it: counts, whole length, and how much of it has run at `now`."""
    since = max(row.window_start, row.first_event_at or row.window_start)
    rolling = slo.window == Window.ROLLING
    length = timedelta(days=slo.window_days) if rolling else row.window_end - row.window_start
    return budget.Window(Counts(row.good, row.total), length, min(now, row.window_end) - since)


def look_back_counts(row: SLOSnapshot, name: str) -> Counts:
    good, total = row.look_backs.get(name, ("0", 0))
    return Counts(Decimal(good), total)


def burns(slo: SLODefinition, row: SLOSnapshot, rule: BurnRule, source: Stored) -> bool:
    """Both look-backs of the rule burn; the short one is lengthened until it holds enough events to tell."""
    share = slo.budget_percentage / 100
    if not budget.burns_long(rule, look_back_counts(row, rule.long), window_of(slo, row, source.now), share):
        return False
    short = look_back_counts(row, rule.short)
    if short.total < budget.SHORT_EVENTS:
        short = _lengthened(slo, rule, source)
    return budget.burns_short(rule, short, share)


def _lengthened(slo: SLODefinition, rule: BurnRule, source: Stored) -> Counts:
    short_start, _ = look_back(source.now, LOOK_BACKS[rule.short])
    good, total = Decimal(0), 0
    for at, more in source.newest_first(slo, *look_back(source.now, rule.length)):
        if total >= budget.SHORT_EVENTS and at < short_start:
            break
        good, total = good + more.good, total + more.total
    return Counts(good, total)
