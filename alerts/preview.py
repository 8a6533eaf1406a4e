"""What another definition of an objective would have meant over the last 30 and 90 days, beside the saved one.

It stands on this floor because it tells of alerts; its figures are those of the engine (slos.foreseen, slos.snapshots).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal

from accounts.models import Organization
from alerts.kinds import Severity
from alerts.replay import Fired, Replay
from kpis.periods import DAY, Interval, local_periods, look_back
from slos.budget import HUNDRED, Counts
from slos.foreseen import Coming, Foreseen, Series, foresee, longest_window
from slos.indicators import Count
from slos.models import SLODefinition
from slos.snapshots import compute
from slos.status import SLOStatus

RANGES = (30, 90)  # days
LOWEST, HIGHEST = Decimal(50), Decimal("99.999")  # targets


@dataclass(frozen=True)
class Range:
    """The last so many days, judged as one: exact counts, what may be bad of them and what was."""

    days: int
    counts: Counts
    allowed: Decimal
    used_up_at: datetime | None  # the bucket by which more than `allowed` were bad
    fired: Sequence[Fired]

    @property
    def met(self) -> bool:
        return self.counts.bad <= self.allowed

    @property
    def alerts(self) -> int:
        return len(self.fired)

    @property
    def pages(self) -> int:
        """Of the alerts, those that are more than a warning."""
        return sum(one.severity != Severity.WARNING for one in self.fired)

    @property
    def best_target(self) -> Decimal | None:
        """The highest target that it would have met, in steps of a tenth, or finer above 99.9; None if none is."""
        if not self.counts.total:
            return None
        share = self.counts.good * HUNDRED / self.counts.total
        step = Decimal("0.1") if share < Decimal("99.9") else Decimal("0.001")
        found = min(share.quantize(step, ROUND_FLOOR), HIGHEST)
        return found if found >= LOWEST else None


@dataclass(frozen=True)
class Week:
    start: datetime
    end: datetime
    saved: Counts | None
    proposed: Counts
    allowed: Decimal

    @property
    def met(self) -> bool | None:
        return self.proposed.bad <= self.allowed if self.proposed.total else None


@dataclass(frozen=True)
class Preview:
    """`ranges` of the proposed definition, `saved` of the one that holds; None for one that is new."""

    ranges: Sequence[Range]
    saved: Sequence[Range] | None
    weeks: Sequence[Week]
    status: SLOStatus  # after saving it, with the next tick
    reach: datetime | None  # rows are counted from here; older buckets keep their judgement
    since: datetime | None  # of the first event that is known
    anew: bool

    @property
    def pairs(self) -> list[tuple[Range, Range | None]]:
        """Each range as proposed and as saved."""
        before: Sequence[Range | None] = self.saved or [None for _ in self.ranges]
        return list(zip(self.ranges, before, strict=True))

    @property
    def suggestions(self) -> list[tuple[int, Decimal]]:
        """By the days of the range, the highest target that it would have met."""
        return [(one.days, one.best_target) for one in self.ranges if one.best_target is not None]


def preview(
    organization: Organization, saved: SLODefinition | None, proposed: SLODefinition, *, now: datetime
) -> Preview:
    """`proposed` is not saved; both belong to the organisation. Writes nothing."""
    start = look_back(now, RANGES[-1] * DAY)[0]
    since = start - max(longest_window(one) for one in (proposed, saved) if one)
    found = foresee(organization, proposed, since=since, now=now)
    before = _before(organization, saved, proposed, found, since, now) if saved else None
    source = Coming(organization, proposed, found.series, now)
    (row,) = compute(organization, [proposed], now=now, source=source)
    ranges = _ranges(organization, proposed, found.series, now)
    untouched = before is found and _alike(saved, proposed)
    return Preview(
        ranges,
        ranges if untouched else _ranges(organization, saved, before.series, now) if saved and before else None,
        [
            _week(proposed, found.series, before.series if before else None, week)
            for week in local_periods("weekly", start, now, organization.time_zone)
        ],
        SLOStatus(proposed, row, now),
        found.counted_since,
        found.series.first,
        found.anew,
    )


def _before(
    organization: Organization, saved: SLODefinition, proposed: SLODefinition, found: Foreseen, since: datetime,
    now: datetime,
) -> Foreseen:  # fmt: skip
    """Of the saved one: the same, where both count the same."""
    same = saved.pk == proposed.pk and Count.of(saved).signature == Count.of(proposed).signature
    return found if same else foresee(organization, saved, since=since, now=now)


def _alike(one: SLODefinition | None, other: SLODefinition) -> bool:
    """As when the form has just been opened: what is judged twice would come out the same."""
    names = [field.attname for field in SLODefinition._meta.concrete_fields]
    return all(getattr(one, name, None) == getattr(other, name) for name in names)


def _ranges(organization: Organization, slo: SLODefinition, series: Series, now: datetime) -> list[Range]:
    fired = Replay(organization, slo, series).fired(look_back(now, RANGES[-1] * DAY)[0], now)
    return [_range(slo, series, days, fired, now) for days in RANGES]


def _range(slo: SLODefinition, series: Series, days: int, fired: Sequence[Fired], now: datetime) -> Range:
    start, end = look_back(now, days * DAY)
    counts = series.counts(start, end)
    allowed = slo.budget * counts.total
    return Range(
        days, counts, allowed, series.until_bad(start, end, allowed), [one for one in fired if one.at >= start]
    )


def _week(slo: SLODefinition, series: Series, before: Series | None, week: Interval) -> Week:
    counts = series.counts(*week)
    return Week(*week, before.counts(*week) if before else None, counts, slo.budget * counts.total)
