"""Which alerts an objective would have raised by another definition: its past, judged by the rules of today.

Burn rates are judged every 5 minutes of the last 30 days and every hour before, budgets at most every half an hour,
measurements as they close; while nothing of it changes, what is open stays as it is. Conditions, guards and what opens
or resolves are those of the tick; what a feed that stood still would have held back is not known any more.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from accounts.models import Organization
from alerts.conditions import REACH, thresholds
from alerts.kinds import AlertType, Severity
from alerts.rules import Figures, Measured, Thresholds, Verdict, steps, verdicts
from alerts.standing import UNWATCHED, Act, Standing, move
from kpis.periods import BUCKET, DAY, HOUR, Interval, floor, local_periods, look_back
from slos.budget import HUNDRED, Window
from slos.burn import SHORT_EVENTS, Burn, BurnRule, Scan, burns_long, lengthened
from slos.foreseen import Series, longest_window
from slos.models import Period, SLODefinition
from slos.windows import compliance_window, length_of, rules_of

CLOSELY, STEP, COARSE_STEP = 30 * DAY, BUCKET, HOUR
OPEN_EVERY, REST = timedelta(minutes=30), timedelta(hours=6)
MEASURED = AlertType.CRITICAL_PERFORMANCE, AlertType.CONSECUTIVE_FAILURES
BURN = AlertType.BURN_RATE_WARNING
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
        self.scanned: Sequence[BurnRule] | None = None  # the rules of the scans
        self.scans: list[Scan] = []
        self.steps = steps(self.limits)
        self.passed: int | None = None  # of these, at the last look
        self.standing: dict[AlertType, Standing] = {}
        self.moving = False  # the last look changed something, or something is about to end
        self.measured: list[Measured] = []  # newest first
        self.to_measure: list[Interval] = []  # the next one last

    def fired(self, start: datetime, now: datetime) -> list[Fired]:
        """What opened in [start, now], in order. It is looked at closely only where something may change."""
        since = start - REACH[Period(self.slo.measurement_period)]
        periods = local_periods(self.slo.measurement_period, since, now, self.zone)
        self.to_measure = [one for one in periods if one[1] <= now][::-1]
        self.first = floor(start) - longest_window(self.slo)
        self.borders = self.series.borders(self.first, floor(now) + BUCKET)
        found: list[Fired] = []
        self.figures(start)  # the rules, and what is spent
        looked, burned = start, False
        for at in _moments(start, now):
            news, burns, waited = self._measure(at), self._may_burn(at), at - looked
            if (
                news
                or self.moving
                or burns != burned
                or (burns and not self._is_open(BURN))
                or self._rested(at, waited)
            ):
                found += self._look(at, looked)
                looked, burned = at, burns
        return found

    def _rested(self, at: datetime, waited: timedelta) -> bool:
        """So long that the budget may have passed a step since the last look, or what is open may be quiet unseen."""
        if waited < OPEN_EVERY:
            return False
        unseen = waited >= REST and any(one.is_open for one in self.standing.values())
        return unseen or self._passed(self._window(at)) != self.passed

    def _look(self, at: datetime, looked: datetime) -> Iterator[Fired]:
        self.moving = False
        for verdict in verdicts(self.figures(at)):
            kind = verdict.alert_type
            if verdict.severity is None and kind not in self.standing:
                continue  # as nearly always
            before = self.standing.get(kind, Standing())
            if kind == AlertType.ERROR_BUDGET_CONSUMED and self._is_open(AlertType.ERROR_BUDGET_EXHAUSTED):
                verdict = replace(verdict, severity=None, over=False, superseded=True)
            wish = move(
                before, verdict, now=at, last=looked if verdict.frozen else at - UNWATCHED,
                resolve_after=timedelta(minutes=self.slo.resolve_after_minutes),
            )  # fmt: skip
            after = self.standing[kind] = _after(before, wish.act, wish.quiet_since, verdict, at)
            ends = after.is_open and after.quiet_since is not None
            self.moving = self.moving or ends or wish.act not in (Act.NOTHING, Act.WORSEN)
            if wish.act == Act.OPEN and verdict.severity:
                yield Fired(at, kind, verdict.severity)

    def _is_open(self, kind: AlertType) -> bool:
        return kind in self.standing and self.standing[kind].is_open

    def figures(self, at: datetime) -> Figures:
        """As the tick would have seen them at `at`."""
        window = self._window(at)
        self.rules, self.passed = rules_of(self.slo, window.length), self._passed(window)
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

    def _passed(self, window: Window) -> int | None:
        """How many of the steps of the budget are passed."""
        spent = window.judged_consumed(self.slo.budget)
        return None if spent is None else bisect_right(self.steps, spent * HUNDRED)

    def _may_burn(self, at: datetime) -> bool:
        """All that the burn rates are asked for, but for what the window says."""
        if self.scanned != self.rules:
            self.scanned = self.rules
            rules = [] if BURN in self.limits.off else self.rules
            self.scans = [Scan(rule, self.slo.budget, self.slo.guards) for rule in rules]
        k = (floor(at) - self.first) // BUCKET
        return any(scan.may_hold(*self.borders, k) for scan in self.scans)

    def _measure(self, at: datetime) -> bool:
        """Take in the measurements that have closed by `at`; whether they may open or end anything."""
        news = False
        while self.to_measure and self.to_measure[-1][1] <= at:
            start, end = self.to_measure.pop()
            counts = self.series.counts(start, end)
            if counts.total:
                target, budget = self.slo.target_percentage, self.slo.budget_percentage
                newest = Measured(NOBODY, start, end, counts, target, budget)
                self.measured.insert(0, newest)
                news = news or newest.failed or counts.total < self.slo.min_events or any(map(self._is_open, MEASURED))
        return news


def _moments(start: datetime, now: datetime) -> Iterator[datetime]:
    """The ends of buckets, and `now`."""
    at = floor(start) + BUCKET - timedelta(microseconds=1)
    while at < now:
        yield at
        at += STEP if now - at <= CLOSELY else COARSE_STEP
    yield now


def _after(before: Standing, act: Act, quiet: datetime | None, verdict: Verdict, at: datetime) -> Standing:
    if act in (Act.OPEN, Act.REOPEN, Act.WORSEN) and verdict.severity:
        return Standing(verdict.severity, is_open=True)
    if act in (Act.RECOVER, Act.SUPERSEDE):
        return Standing(before.severity, resolved_at=at, recovered=act == Act.RECOVER)
    return replace(before, quiet_since=quiet)
