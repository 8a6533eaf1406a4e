"""One objective over a range of time: the read model of its page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from accounts.models import Organization
from kpis.found import Told
from kpis.params import Span
from kpis.periods import BUCKET, DAY, HOUR, Interval, floor, local_periods, look_back
from slos import ahead, edits, exclusions, history, outlook, sums, verdicts
from slos.attention import Past
from slos.budget import Counts, consumed, percent
from slos.burn import WARNING, BurnRule
from slos.edits import History
from slos.excluded import Excluded
from slos.exclusions import MOST_REASONS, Reason
from slos.forecast import Forecast
from slos.models import SLODefinition, Window
from slos.outlook import Outlook
from slos.status import SLOStatus
from slos.windows import compliance_window, look_back_counts, rules_of

HOURLY_UP_TO, DAILY_UP_TO = timedelta(days=8), timedelta(days=120)
QUARTER_HOUR = timedelta(minutes=15)
NOTHING_SAID, NOTHING_EXCLUDED, NOTHING = Forecast(), Excluded(), Counts(Decimal(0), 0)
RISE = 1.0  # percentage points of the budget that are worth a word


class Look(NamedTuple):
    """A look-back that is drawn, and the burn rate that it must not pass."""

    length: timedelta
    threshold: float | None
    severity: str = ""


@dataclass(frozen=True)
class Point:
    """A local hour, day or week, and how the objective stood at its end, or now while it goes on."""

    start: datetime
    end: datetime
    at: datetime  # its end, or about now
    decided: Counts
    window: Counts
    burns: Sequence[Counts]
    promise: dict[str, Any]  # what held at its end
    going_on: bool

    @property
    def achieved(self) -> float | None:
        return percent(self.decided.ratio)

    @property
    def target(self) -> float:
        return float(self.promise["target_percentage"])

    @property
    def met(self) -> bool | None:
        ratio = self.decided.ratio
        return None if ratio is None else ratio * 100 >= self.promise["target_percentage"]


@dataclass(frozen=True)
class Rise:
    """The budget left rose over the last day, as bad events left a rolling window."""

    points: float
    left: datetime  # about when they had been decided
    bad: Counts


@dataclass(frozen=True)
class Detail:
    organization: Organization
    zone: ZoneInfo
    one: SLOStatus
    span: Span
    unit: str  # hourly, daily, weekly: of the points
    points: Sequence[Point]
    looks: Sequence[Look]
    shown_now: datetime  # the present, coarse enough that an idle page stays the same
    outlook: Outlook
    rise: Rise | None
    history: History
    alerts: Sequence[Past]
    changes: Sequence[Told] = ()
    forecast: Forecast = NOTHING_SAID
    left_out: Sequence[Reason] = ()  # periods that touch the range, and excluded invoices
    excluded: Excluded = NOTHING_EXCLUDED  # from all of its points
    aside: Counts = NOTHING  # what is left out of the compliance window: its excluded periods, and single invoices

    @property
    def slo(self) -> SLODefinition:
        return self.one.slo

    @property
    def decided(self) -> Counts:
        """In all of its points."""
        return Counts(
            sum((one.decided.good for one in self.points), start=Decimal(0)),
            sum(one.decided.total for one in self.points),
        )

    @property
    def whole(self) -> Interval:
        """From the start of the first point to the end of the last."""
        return (self.points[0].start, self.points[-1].end) if self.points else (self.span.start, self.span.end)

    def left(self, counts: Counts) -> float | None:
        """Percentage of the budget that is left of a window, judged by the target of today."""
        spent = consumed(counts, self.slo.budget)
        return None if spent is None else percent(1 - spent)

    def local(self, at: datetime) -> datetime:
        return at.astimezone(self.zone)


def unit_of(span: Span) -> str:
    length = span.end - span.start
    return "hourly" if length <= HOURLY_UP_TO else "daily" if length <= DAILY_UP_TO else "weekly"


def read(
    organization: Organization,
    one: SLOStatus,
    span: Span,
    alerts: Sequence[Past],
    *,
    now: datetime,
    zone: ZoneInfo,
    fine: datetime | None = None,
    changes: Sequence[Told] = (),
) -> Detail:
    """Three statements: the sums of every point, the definition's history, and what is left out.

    Days and weeks are the organisation's; hours are told by the clock of the reader, `zone`. Sums finer than days
    begin at `fine`.
    """
    slo, unit = one.slo, unit_of(span)
    shown_now = floor(now, QUARTER_HOUR if unit == "hourly" else HOUR)
    looks = _looks(slo, one.window.length)
    periods = local_periods(unit, span.start, min(span.end, now), organization.time_zone)
    asked = [interval for _, end in periods for interval in _of_point(slo, min(end, floor(now)), looks, organization)]
    before = compliance_window(slo, now - DAY, organization)
    gone = (before[0], compliance_window(slo, now, organization)[0])
    days = ahead.days(now)
    window = one.snapshot.window_start, one.snapshot.window_end
    single = verdicts.of_invoices(slo, slo.excluded_invoices, now=now) if slo.excluded_invoices else None
    intervals = [*periods, *asked, *days, before, gone]
    *found, aside = sums.of_one(slo.pk, intervals, fine, aside=window, besides=single)
    past, whole = edits.read(slo), _hull([(span.start, span.end), *periods])
    left_out = exclusions.of_objective(slo, *whole)
    points = list(_points(one, periods, found, looks, past, now, shown_now))
    return Detail(
        organization, zone if unit == "hourly" else organization.time_zone, one, span, unit, points, looks, shown_now,
        _outlook(one, shown_now), _rise(one, found[-2], found[-1], gone), past, alerts, changes,
        ahead.ahead(one, found[-2 - len(days) : -2], now=shown_now.astimezone(organization.time_zone)),
        [reason for reason in left_out if _in(span, reason)][:MOST_REASONS],
        Excluded.of((None, reason.start, reason.end) for reason in left_out if reason.start and reason.end),
        aside,
    )  # fmt: skip


def _hull(intervals: Sequence[Interval]) -> Interval:
    return min(start for start, _ in intervals), max(end for _, end in intervals)


def _in(span: Span, one: Reason) -> bool:
    return one.start is None or one.end is None or (one.start < span.end and one.end > span.start)


def _looks(slo: SLODefinition, length: timedelta) -> tuple[Look, ...]:
    """Of the fastest rule both look-backs, of the first warning its long one."""
    fast, *others = rules_of(slo, length)
    slow = next((rule for rule in others if rule.severity == WARNING), None)
    looks = [_look(fast), Look(fast.short, None)]
    return (*looks, _look(slow)) if slow else tuple(looks)


def _look(rule: BurnRule) -> Look:
    return Look(rule.long, float(rule.threshold), rule.severity)


def _of_point(slo: SLODefinition, at: datetime, looks: Sequence[Look], organization: Organization) -> list[Interval]:
    """Just before `at`: the compliance window and the look-backs."""
    return [history.window_before(slo, at, organization), *(look_back(at - BUCKET, one.length) for one in looks)]


def _points(
    one: SLOStatus,
    periods: Sequence[Interval],
    found: Sequence[Counts],
    looks: Sequence[Look],
    past: History,
    now: datetime,
    shown_now: datetime,
) -> Iterator[Point]:
    width = 1 + len(looks)
    for k, (start, end) in enumerate(periods):
        window, *burns = found[len(periods) + k * width :][:width]
        going_on = end > now
        if going_on:  # as the tiles have it
            window = one.window.counts
            burns = [look_back_counts(one.snapshot, look.length) for look in looks]
        at = max(start, shown_now) if going_on else end
        promise = past.promises.at(min(end, now))
        yield Point(start, end, at, found[k], window, burns, promise, going_on)


def _outlook(one: SLOStatus, now: datetime) -> Outlook:
    looks = [(words, look_back_counts(one.snapshot, name)) for name, words in outlook.PACES]
    end = now + one.window.length if one.slo.window == Window.ROLLING else one.snapshot.window_end
    return outlook.outlook(one.window, one.share, looks, now=now, end=end)


def _rise(one: SLOStatus, before: Counts, gone: Counts, interval: Interval) -> Rise | None:
    """Only a rolling window loses anything while it lasts."""
    was, is_ = consumed(before, one.share), consumed(one.window.counts, one.share)
    if one.slo.window != Window.ROLLING or was is None or is_ is None or not gone.bad:
        return None
    points = float((was - is_) * 100)
    return Rise(points, interval[0], gone) if points >= RISE else None
