"""Which alerts an objective would have raised by another definition: its past, judged by the rules of today.

Burn rates are looked at every 5 minutes of the last 30 days and every hour before, budgets and what is open at most
every half an hour, measurements as they close. Conditions, guards and what opens or resolves are those of the tick;
what a feed that stood still would have held back is not known any more.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from accounts.models import Organization
from alerts.conditions import REACH, thresholds
from alerts.kinds import AlertType, Severity
from alerts.rules import Figures, Measured, Thresholds, Verdict, verdicts
from alerts.standing import REOPENS_WITHIN, UNWATCHED, Act, Standing, move
from kpis.periods import BUCKET, DAY, HOUR, Interval, floor, local_periods, look_back
from slos.budget import HUNDRED, Window
from slos.burn import SHORT_EVENTS, Burn, BurnRule, burns_long, faster, lengthened
from slos.foreseen import Series
from slos.models import Period, SLODefinition
from slos.windows import compliance_window, length_of, rules_of

CLOSELY, STEP, COARSE_STEP = 30 * DAY, BUCKET, HOUR
OPEN_EVERY = timedelta(minutes=30)
NOBODY = UUID(int=0)


@dataclass(frozen=True)
class Fired:
    """An alert that would have opened."""

    at: datetime
    alert_type: AlertType
    severity: Severity


class Replay:
    def __init__(self, organization: Organization, slo: SLODefinition, series: Series) -> None:
        self.slo, self.series, self.zone = slo, series, organization.time_zone
        self.limits: Thresholds = thresholds(slo)
        self.window: Interval | None = None
        self.rules: Sequence[BurnRule] = ()  # of the window in sight
        self.measured: list[Measured] = []  # newest first
        self.to_measure: list[Interval] = []  # the next one last

    def fired(self, start: datetime, now: datetime) -> list[Fired]:
        """What opened in [start, now], in order."""
        since = start - REACH[Period(self.slo.measurement_period)]
        periods = local_periods(self.slo.measurement_period, since, now, self.zone)
        self.to_measure = [one for one in periods if one[1] <= now][::-1]
        standing: dict[AlertType, Standing] = {}
        found: list[Fired] = []
        self.figures(start)  # the rules
        looked = start
        for at in _moments(start, now):
            if (
                self._measure(at)
                or self._may_burn(at)
                or (at - looked >= OPEN_EVERY and self._may_matter(at, standing))
            ):
                found += self._look(at, standing)
                looked = at
        return found

    def _look(self, at: datetime, standing: dict[AlertType, Standing]) -> Iterator[Fired]:
        for verdict in verdicts(self.figures(at)):
            kind = verdict.alert_type
            if verdict.severity is None and kind not in standing:
                continue  # as nearly always
            before = standing.get(kind, Standing())
            exhausted = standing.get(AlertType.ERROR_BUDGET_EXHAUSTED)
            if kind == AlertType.ERROR_BUDGET_CONSUMED and exhausted and exhausted.is_open:
                verdict = replace(verdict, severity=None, over=False, superseded=True)
            wish = move(
                before, verdict, now=at, last=at - UNWATCHED,
                resolve_after=timedelta(minutes=self.slo.resolve_after_minutes),
            )  # fmt: skip
            standing[kind] = _after(before, wish.act, wish.quiet_since, verdict, at)
            if wish.act == Act.OPEN and verdict.severity:
                yield Fired(at, kind, verdict.severity)

    def figures(self, at: datetime) -> Figures:
        """As the tick would have seen them at `at`."""
        window = self._window(at)
        self.rules = rules_of(self.slo, window.length)
        return Figures(self.limits, window, [self._burn(rule, window, at) for rule in self.rules], self.measured)

    def _burn(self, rule: BurnRule, window: Window, at: datetime) -> Burn:
        long, short = (self.series.counts(*look_back(at, length)) for length in (rule.long, rule.short))
        slo = self.slo
        if short.total < SHORT_EVENTS and burns_long(rule, long, window, slo.budget, slo.guards):
            recent = look_back(at, rule.short)[0]
            newest = self.series.newest(*look_back(at, rule.long))
            short = lengthened((start >= recent, counts) for start, counts in newest)
        return Burn(rule, long, short)

    def _window(self, at: datetime) -> Window:
        if self.window is None or self.slo.window == "rolling" or at >= self.window[1]:
            self.window = compliance_window(self.slo, at, self.zone)
        start, end = self.window
        counts = self.series.counts(start, min(end, floor(at) + BUCKET))
        first = self.series.starts[0] if self.series.starts else start
        return Window(counts, length_of(self.slo, self.window), min(at, end) - max(start, min(first, at)))

    def _may_matter(self, at: datetime, standing: Mapping[AlertType, Standing]) -> bool:
        """Something is open or has just ended, or enough of a budget is spent for a warning."""
        if any(one.is_open or _may_reopen(one, at) for one in standing.values()):
            return True
        spent = self._window(at).judged_consumed(self.slo.budget)
        return spent is not None and spent * HUNDRED >= self.limits.warning_percent

    def _may_burn(self, at: datetime) -> bool:
        """A long look-back burns: the first of what a rule asks for."""
        for rule in self.rules:
            long = self.series.counts(*look_back(at, rule.long))
            if long.bad >= self.slo.min_bad and faster(long, rule, self.slo.budget):
                return True
        return False

    def _measure(self, at: datetime) -> bool:
        """Take in the measurements that have closed by `at`; whether there were any."""
        news = False
        while self.to_measure and self.to_measure[-1][1] <= at:
            start, end = self.to_measure.pop()
            counts = self.series.counts(start, end)
            news = True
            if counts.total:
                target, budget = self.slo.target_percentage, self.slo.budget_percentage
                self.measured.insert(0, Measured(NOBODY, start, end, counts, target, budget))
        return news


def _moments(start: datetime, now: datetime) -> Iterator[datetime]:
    """The ends of buckets, and `now`."""
    at = floor(start) + BUCKET - timedelta(microseconds=1)
    while at < now:
        yield at
        at += STEP if now - at <= CLOSELY else COARSE_STEP
    yield now


def _may_reopen(one: Standing, at: datetime) -> bool:
    return one.resolved_at is not None and at - one.resolved_at < REOPENS_WITHIN


def _after(before: Standing, act: Act, quiet: datetime | None, verdict: Verdict, at: datetime) -> Standing:
    if act in (Act.OPEN, Act.REOPEN, Act.WORSEN) and verdict.severity:
        return Standing(verdict.severity, is_open=True)
    if act in (Act.RECOVER, Act.SUPERSEDE):
        return Standing(before.severity, resolved_at=at, recovered=act == Act.RECOVER)
    return replace(before, quiet_since=quiet)
