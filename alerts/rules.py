"""Which conditions of an objective hold: figures and thresholds become verdicts. Pure.

The conditions, their thresholds and their guards are those of docs/reference/alerts.md. A verdict says how it is now,
nothing of before: what opens, worsens or resolves an alert follows from verdicts over time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from alerts.kinds import AlertType, Severity, rank
from slos.budget import HUNDRED, Counts, Window
from slos.burn import Burn, Guards, beyond_chance

EXHAUSTED = Decimal(100)  # percent of the error budget
EXHAUSTED_OVER = Decimal(75)  # below it, a used-up budget is one no longer
POINTS_BELOW = Decimal(5)  # a budget alert ends so far below its threshold
SEVERAL_CONFIDENCE = Decimal(3)  # standard deviations, of several measurements together


@dataclass(frozen=True)
class Measured:
    """One closed measurement that holds events, by the target and the budget of its time (percent)."""

    id: UUID
    start: datetime
    end: datetime
    counts: Counts
    target: Decimal
    budget: Decimal

    @property
    def failed(self) -> bool:
        return self.counts.good * HUNDRED < self.target * self.counts.total


@dataclass(frozen=True)
class Thresholds:
    """Those of an objective; percentages are 0..100."""

    budget: Decimal  # the error budget, a fraction of the events
    warning_percent: Decimal = Decimal(80)
    critical_percent: Decimal = Decimal(95)
    performance_percent: Decimal = Decimal(50)
    failures: int = 3
    guards: Guards = field(default=Guards())
    off: frozenset[str] = frozenset()  # types of alerts that it does not raise


@dataclass(frozen=True)
class Figures:
    """What is known of an objective, without overdue work that nothing confirms."""

    thresholds: Thresholds
    window: Window
    burns: Sequence[Burn]
    measured: Sequence[Measured] = ()  # newest first
    stale: bool = False  # its feed has been silent for too long


@dataclass(frozen=True)
class Verdict:
    """What a condition comes to. Neither a severity nor over nor frozen: in between, an alert stays as it is."""

    alert_type: AlertType
    severity: Severity | None = None  # what it would be now; None: the condition does not hold
    over: bool = False  # it clearly does not hold
    frozen: bool = False  # nothing is known
    value: Decimal | None = None  # burn rate, percent of the budget, SLI in percent, number of failures
    threshold: Decimal | None = None
    look_back: timedelta | None = None  # the time that decided
    counts: Counts | None = None  # what that time held
    measurement: UUID | None = None
    superseded: bool = False  # it would hold, but a worse one says so


def verdicts(figures: Figures) -> list[Verdict]:
    """One for each type of alert that is not switched off."""
    too_few = figures.window.too_few(figures.thresholds.budget, figures.thresholds.guards.min_bad)
    found = [judge(figures) for kind, judge in CONDITIONS.items() if kind not in figures.thresholds.off]
    if figures.stale:
        return [_frozen(verdict) for verdict in found]
    return [_capped(verdict) for verdict in found] if too_few else found


def _frozen(verdict: Verdict) -> Verdict:
    return replace(verdict, severity=None, over=False, superseded=False, frozen=True)


def _capped(verdict: Verdict) -> Verdict:
    """Too few events to judge by: no more than a warning."""
    return replace(verdict, severity=Severity.WARNING) if verdict.severity else verdict


def burn_rate(figures: Figures) -> Verdict:
    """The worst rule that holds; without one, that which comes nearest."""
    limits = figures.thresholds
    holding = [burn for burn in figures.burns if burn.holds(figures.window, limits.budget, limits.guards)]

    def worst(burn: Burn) -> tuple[int, Decimal]:
        rate = burn.rate(limits.budget) or Decimal(0)
        return rank(burn.rule.severity) if burn in holding else -1, rate / burn.rule.threshold

    first = max(figures.burns, key=worst)
    empty = not holding and any(burn.long.total == 0 for burn in figures.burns)
    return Verdict(
        AlertType.BURN_RATE_WARNING,
        severity=Severity(first.rule.severity) if holding else None,
        over=not holding and not empty,
        frozen=empty,
        value=first.rate(limits.budget),
        threshold=first.rule.threshold,
        look_back=first.rule.long,
        counts=first.long,
    )


def budget_consumed(figures: Figures) -> Verdict:
    limits, spent = figures.thresholds, _spent(figures)
    critical = spent is not None and spent >= limits.critical_percent
    holds = spent is not None and spent >= limits.warning_percent
    superseded = spent is not None and spent >= EXHAUSTED and AlertType.ERROR_BUDGET_EXHAUSTED not in limits.off
    return _of_budget(
        AlertType.ERROR_BUDGET_CONSUMED,
        figures,
        severity=None if superseded or not holds else Severity.CRITICAL if critical else Severity.WARNING,
        below=limits.warning_percent - POINTS_BELOW,
        threshold=limits.critical_percent if critical else limits.warning_percent,
        superseded=superseded,
    )


def budget_exhausted(figures: Figures) -> Verdict:
    spent = _spent(figures)
    holds = spent is not None and spent >= EXHAUSTED
    return _of_budget(
        AlertType.ERROR_BUDGET_EXHAUSTED,
        figures,
        severity=Severity.INCIDENT if holds else None,
        below=EXHAUSTED_OVER,
        threshold=EXHAUSTED,
    )


def steps(limits: Thresholds) -> list[Decimal]:
    """Percent of the budget between which what is said of it stays the same, in order."""
    below = limits.warning_percent - POINTS_BELOW
    return sorted({below, limits.warning_percent, limits.critical_percent, EXHAUSTED_OVER, EXHAUSTED})


def _spent(figures: Figures) -> Decimal | None:
    """Percent of the whole window's budget."""
    spent = figures.window.judged_consumed(figures.thresholds.budget)
    return None if spent is None else spent * HUNDRED


def _of_budget(
    alert_type: AlertType,
    figures: Figures,
    *,
    severity: Severity | None,
    below: Decimal,
    threshold: Decimal,
    superseded: bool = False,
) -> Verdict:
    spent = _spent(figures)
    return Verdict(
        alert_type,
        severity=severity,
        over=spent is not None and spent < below,
        frozen=spent is None,
        value=spent,
        threshold=threshold,
        look_back=figures.window.length,
        counts=figures.window.counts,
        superseded=superseded,
    )


def critical_performance(figures: Figures) -> Verdict:
    """The last closed measurement, and as many before it as hold enough events to tell."""
    limits = figures.thresholds
    several = _enough(figures.measured, limits.guards.min_events)
    counts = _total(several)
    low = counts.good * HUNDRED < limits.performance_percent * counts.total
    return _of_measurements(
        AlertType.CRITICAL_PERFORMANCE,
        several,
        severity=Severity.CRITICAL if low and counts.total >= limits.guards.min_events else None,
        value=None if counts.ratio is None else counts.ratio * HUNDRED,
        threshold=limits.performance_percent,
    )


def _enough(measured: Sequence[Measured], events: int) -> Sequence[Measured]:
    """The newest that hold so many events together; all, where they do not."""
    total = 0
    for taken, one in enumerate(measured, start=1):
        total += one.counts.total
        if total >= events:
            return measured[:taken]
    return measured


def consecutive_failures(figures: Figures) -> Verdict:
    """The last few closed measurements all missed the target of their time, and not by chance."""
    limits = figures.thresholds
    several = figures.measured[: limits.failures]
    in_a_row = next((k for k, one in enumerate(several) if not one.failed), len(several))
    counts = _total(several)
    expected = sum((one.budget / HUNDRED * one.counts.total for one in several), Decimal(0))
    holds = (
        in_a_row == limits.failures
        and counts.total >= limits.guards.min_events
        and counts.bad >= limits.guards.min_bad
        and beyond_chance(counts.bad, expected, SEVERAL_CONFIDENCE)
    )
    return _of_measurements(
        AlertType.CONSECUTIVE_FAILURES,
        several,
        severity=Severity.WARNING if holds else None,
        value=Decimal(in_a_row),
        threshold=Decimal(limits.failures),
    )


def _of_measurements(
    alert_type: AlertType,
    several: Sequence[Measured],
    *,
    severity: Severity | None,
    value: Decimal | None,
    threshold: Decimal,
) -> Verdict:
    if not several:
        return Verdict(alert_type, frozen=True, threshold=threshold)
    return Verdict(
        alert_type,
        severity=severity,
        over=severity is None,
        value=value,
        threshold=threshold,
        look_back=several[0].end - several[-1].start,
        counts=_total(several),
        measurement=several[0].id,
    )


def _total(several: Sequence[Measured]) -> Counts:
    return Counts(sum((one.counts.good for one in several), Decimal(0)), sum(one.counts.total for one in several))


CONDITIONS: dict[AlertType, Callable[[Figures], Verdict]] = {
    AlertType.BURN_RATE_WARNING: burn_rate,
    AlertType.ERROR_BUDGET_CONSUMED: budget_consumed,
    AlertType.ERROR_BUDGET_EXHAUSTED: budget_exhausted,
    AlertType.CRITICAL_PERFORMANCE: critical_performance,
    AlertType.CONSECUTIVE_FAILURES: consecutive_failures,
}
