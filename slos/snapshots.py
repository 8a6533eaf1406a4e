"""One row of figures per objective, written by the tick and read by every face."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from accounts.models import Organization
from kpis.periods import LOOK_BACKS, Interval, look_back, look_back_name
from slos.indicators import Count
from slos.judged import Judged, Objectives, judge
from slos.models import SLODefinition, SLOSnapshot
from slos.sources import Stored
from slos.windows import NOTHING, compliance_window, length_of, rules_of

SHOWN = ["good", "total", "pending", "look_backs", "burning"]
STORED = ["window_start", "window_end", "first_event_at", *SHOWN, "counted_as"]


class Written(NamedTuple):
    """How many snapshots show other figures than before, and all of them as alerts see them."""

    changed: int
    judged: Objectives


def write(organization: Organization, slos: Sequence[SLODefinition], *, now: datetime) -> Written:
    """Write the snapshots that differ from the stored ones."""
    judged = _judged(organization, slos, now, Stored(organization, now))
    rows = [one.row for one in judged.values()]
    stored = SLOSnapshot.objects.in_bulk([row.pk for row in rows])
    SLOSnapshot.objects.bulk_create(
        [row for row in rows if _differs(row, stored.get(row.pk), STORED)],
        update_conflicts=True,
        unique_fields=["slo"],
        update_fields=STORED,
        batch_size=500,
    )
    return Written(sum(_differs(row, stored.get(row.pk), SHOWN) for row in rows), judged)


def _differs(row: SLOSnapshot, old: SLOSnapshot | None, names: Sequence[str]) -> bool:
    return old is None or any(getattr(row, name) != getattr(old, name) for name in names)


def compute(
    organization: Organization, slos: Sequence[SLODefinition], *, now: datetime, source: Stored | None = None
) -> list[SLOSnapshot]:
    """The figures of each objective at `now`, from the stored buckets or another source."""
    return [one.row for one in _judged(organization, slos, now, source or Stored(organization, now)).values()]


def _judged(
    organization: Organization, slos: Sequence[SLODefinition], now: datetime, source: Stored
) -> dict[UUID, Judged]:
    windows = {slo.pk: compliance_window(slo, now, organization) for slo in slos}
    lengths = {slo.pk: _look_backs(slo, windows[slo.pk]) for slo in slos}
    intervals = {name: look_back(now, length) for each in lengths.values() for name, length in each.items()}
    intervals |= {
        _name(window): (window[0], min(window[1], look_back(now, timedelta(0))[1])) for window in windows.values()
    }
    sums = source.sums(intervals)
    first = source.first_events(slos)
    waiting = source.waiting(slos)
    rows = {}
    for slo in slos:
        start, end = windows[slo.pk]
        found = sums.get(slo.pk, {})
        counts = found.get(_name(windows[slo.pk]), NOTHING)
        rows[slo.pk] = SLOSnapshot(
            slo=slo,
            organization=organization,
            window_start=start,
            window_end=end,
            first_event_at=first.get(slo.pk),
            good=counts.good,
            total=counts.total,
            counted_as=Count.of(slo).signature,
            pending=waiting.get(slo.pk, 0),
            look_backs={name: [str(found[name].good), found[name].total] for name in lengths[slo.pk] if name in found},
        )
    judged = judge([(slo, rows[slo.pk]) for slo in slos], source)
    for one in judged.values():
        one.row.burning = one.burning
    return judged


def _look_backs(slo: SLODefinition, window: Interval) -> dict[str, timedelta]:
    """Those of every objective and those of its own burn-rate rules, by name."""
    rules = rules_of(slo, length_of(slo, window))
    return LOOK_BACKS | {look_back_name(length): length for rule in rules for length in (rule.long, rule.short)}


def _name(window: Interval) -> str:
    return f"{window[0].isoformat()} {window[1].isoformat()}"
