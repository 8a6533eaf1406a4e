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


def compute(organization: Organization, slos: Sequence[SLODefinition], *, now: datetime) -> list[SLOSnapshot]:
    """The figures of each objective at `now`, from the stored buckets."""
    windows = {slo.pk: compliance_window(slo, now, organization.time_zone) for slo in slos}
    intervals = {name: look_back(now, length) for name, length in LOOK_BACKS.items()}
    intervals |= {
        _name(window): (window[0], min(window[1], look_back(now, timedelta(0))[1])) for window in windows.values()
    }
    sums = over_intervals(organization, intervals)
    first = _first_events(slos)
    waiting = pending(organization, {Count.of(slo) for slo in slos if slo.is_timed}, now)
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
            pending=waiting.get(Count.of(slo), 0),
            look_backs={name: [str(found[name].good), found[name].total] for name in LOOK_BACKS if name in found},
        )
        row.burning = any(burns(slo, row, rule, now) for rule in burn_rules(slo))
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


def burns(slo: SLODefinition, row: SLOSnapshot, rule: BurnRule, now: datetime) -> bool:
    """Both look-backs of the rule burn; the short one is lengthened until it holds enough events to tell."""
    share = slo.budget_percentage / 100
    if not budget.burns_long(rule, look_back_counts(row, rule.long), window_of(slo, row, now), share):
        return False
    short = look_back_counts(row, rule.short)
    if short.total < budget.SHORT_EVENTS:
        short = _lengthened(slo, rule, now)
    return budget.burns_short(rule, short, share)


def _lengthened(slo: SLODefinition, rule: BurnRule, now: datetime) -> Counts:
    start, end = look_back(now, rule.length)
    short_start, _ = look_back(now, LOOK_BACKS[rule.short])
    stored = SLIBucket.objects.filter(slo=slo, width=5, start__gte=start, start__lt=end).order_by("-start")
    good, total = Decimal(0), 0
    for at, more_good, more_total in stored.values_list("start", "good", "total"):
        if total >= budget.SHORT_EVENTS and at < short_start:
            break
        good, total = good + more_good, total + more_total
    return Counts(good, total)
