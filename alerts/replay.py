"""Which alerts an objective would have raised by another definition: its past, judged by the rules of today.

Burn rates are judged every 5 minutes of the last 30 days and every hour before, budgets at most every half an hour,
measurements as they close; while nothing of it changes, what is open stays as it is. Conditions, guards and what opens
or resolves are those of the tick; what a feed that stood still would have held back is not known any more.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from math import lcm
from uuid import UUID

from accounts.models import Organization
from alerts.conditions import REACH, thresholds
from alerts.kinds import AlertType, Severity
from alerts.rules import Figures, Measured, Thresholds, Verdict, steps, verdicts
from alerts.standing import UNWATCHED, Act, Standing, move
from kpis.periods import BUCKET, DAY, HOUR, Interval, floor, local_periods, look_back
from slos.budget import Window
from slos.burn import MILLION, SHORT_EVENTS, Burn, BurnRule, Scan, burns_long, lengthened
from slos.foreseen import Series
from slos.models import Period, SLODefinition
from slos.windows import compliance_window, length_of, rules_of

US = timedelta(microseconds=1)
BUCKET_US, A_DAY_US = BUCKET // US, DAY // US
A_DAY, COARSELY = DAY // BUCKET, HOUR // BUCKET
CLOSELY_US, OPEN_EVERY_US, REST_US = 30 * DAY // US, timedelta(minutes=30) // US, timedelta(hours=6) // US
MEASURED = AlertType.CRITICAL_PERFORMANCE, AlertType.CONSECUTIVE_FAILURES
BURN = AlertType.BURN_RATE_WARNING
NOBODY = UUID(int=0)
Moment = tuple[int, int]  # a bucket, and when in it
Frame = tuple[int, int, int]  # the borders of a compliance window, and its length


@dataclass(frozen=True)
class Fired:
    """An alert that would have opened."""

    at: datetime
    alert_type: AlertType
    severity: Severity


class Replay:
    """Time runs in microseconds from the beginning of the series, so that ten thousands of moments cost little: only
    where something may change is it looked at closely."""

    def __init__(self, organization: Organization, slo: SLODefinition, series: Series) -> None:
        self.slo, self.series, self.organization = slo, series, organization
        self.limits: Thresholds = thresholds(slo)
        self.frame: Frame = 0, 0, 0
        self.rules: Sequence[BurnRule] = ()  # of the window in sight
        self.burning: Set[int] = frozenset()  # the buckets in which one of them may hold, but for what the window says
        self.steps, self.per = _whole(self.limits)
        self.passed: int | None = None  # of these, at the last look
        self.standing: dict[AlertType, Standing] = {}
        self.moving = False  # the last look changed something, or something is about to end
        self.looked, self.burned = 0, False  # when it was looked at last, and whether burn rates asked for it
        self.measured: list[Measured] = []  # newest first
        self.to_measure: list[tuple[int, Interval]] = []  # each with the bucket that follows it; the next one last

    def fired(self, start: datetime, now: datetime) -> list[Fired]:
        """What opened in [start, now], in order."""
        since = start - REACH[Period(self.slo.measurement_period)]
        periods = local_periods(self.slo.measurement_period, since, now, self.organization.time_zone)
        first = self.series.since
        self.to_measure = [((one[1] - first) // BUCKET, one) for one in periods if one[1] <= now][::-1]
        self.moments = list(self._moments(start, now))
        self.looked = (start - first) // US
        self.figures(start)  # the rules, and what is spent
        return [one for k, us in self.moments if self._wakes(k, us) for one in self._look(us)]

    def _moments(self, start: datetime, now: datetime) -> Iterator[Moment]:
        """The ends of buckets, and `now`."""
        k, end = self.series.border(start), (now - self.series.since) // US
        while (us := (k + 1) * BUCKET_US - 1) < end:
            yield k, us
            k += 1 if end - us <= CLOSELY_US else COARSELY
        yield self.series.border(now), end

    def _wakes(self, k: int, us: int) -> bool:
        """Something may change."""
        news = self._measure(k)
        burns, before = k in self.burning, self.burned
        if news or self.moving or burns != before or (burns and not self._is_open(BURN)) or self._rested(k, us):
            self.burned = burns
            return True
        return False

    def _rested(self, k: int, us: int) -> bool:
        """So long that the budget may have passed a step since the last look, or what is open may be quiet unseen."""
        waited = us - self.looked
        if waited < OPEN_EVERY_US:
            return False
        unseen = waited >= REST_US and any(one.is_open for one in self.standing.values())
        return unseen or self._passed(k, us) != self.passed

    def _look(self, us: int) -> Iterator[Fired]:
        at, looked = (self.series.since + timedelta(microseconds=one) for one in (us, self.looked))
        self.moving, self.looked = False, us
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
        self._scan(rules_of(self.slo, window.length))
        self.passed = self._passed(self.series.border(at), (at - self.series.since) // US)
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
        start, end = compliance_window(self.slo, at, self.organization)
        counts = self.series.counts(start, min(end, floor(at) + BUCKET))
        first = self.series.first or start
        return Window(counts, length_of(self.slo, (start, end)), min(at, end) - max(start, min(first, at)))

    def _passed(self, k: int, us: int) -> int | None:
        """How many of the steps of the budget are passed, by Window.judged_consumed in whole numbers."""
        start, end, length = self._frame(k)
        bads, totals, last = self.series.bad, self.series.total, k + 1 if k < end else end
        total = totals[last] - totals[start]
        if not total:
            return None
        first = self.series.filled[0]
        elapsed = min(us, end * BUCKET_US) - (first if first > start else start) * BUCKET_US
        run = min(max(elapsed, A_DAY_US), length)
        return bisect_right(self.steps, (bads[last] - bads[start]) * run * self.per // (total * length))

    def _frame(self, k: int) -> Frame:
        """The borders of the compliance window that holds bucket `k`, and its length."""
        if self.slo.window == "rolling":
            days = self.slo.window_days
            return max(0, k - days * A_DAY), k + 1, days * A_DAY * BUCKET_US
        if k >= self.frame[1]:
            start, end = compliance_window(self.slo, self.series.start(k), self.organization)
            self.frame = self.series.border(start), (end - self.series.since) // BUCKET, (end - start) // US
        return self.frame

    def _scan(self, rules: Sequence[BurnRule]) -> None:
        if rules != self.rules:
            self.rules, found = rules, set[int]()
            for rule in () if BURN in self.limits.off else rules:
                scan = Scan(rule, self.slo.budget, self.slo.guards)
                found.update(scan.where(self.series.bad, self.series.total, (k for k, _ in self.moments)))
            self.burning = found

    def _measure(self, k: int) -> bool:
        """Take in the measurements that have closed by bucket `k`; whether they may open or end anything."""
        news = False
        while self.to_measure and self.to_measure[-1][0] <= k:
            _, (start, end) = self.to_measure.pop()
            counts = self.series.counts(start, end)
            if counts.total:
                target, budget = self.slo.target_percentage, self.slo.budget_percentage
                newest = Measured(NOBODY, start, end, counts, target, budget)
                self.measured.insert(0, newest)
                news = news or newest.failed or counts.total < self.slo.min_events or any(map(self._is_open, MEASURED))
        return news


def _whole(limits: Thresholds) -> tuple[list[int], int]:
    """The steps of the budget as whole numbers of bad millionths per event, and how many of these make one."""
    exact = [Fraction(step * limits.budget) * MILLION / 100 for step in steps(limits)]
    per = lcm(*(one.denominator for one in exact))
    return [int(one * per) for one in exact], per


def _after(before: Standing, act: Act, quiet: datetime | None, verdict: Verdict, at: datetime) -> Standing:
    if act in (Act.OPEN, Act.REOPEN, Act.WORSEN) and verdict.severity:
        return Standing(verdict.severity, is_open=True)
    if act in (Act.RECOVER, Act.SUPERSEDE):
        return Standing(before.severity, resolved_at=at, recovered=act == Act.RECOVER)
    return replace(before, quiet_since=quiet)
