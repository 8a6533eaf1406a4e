"""SLI, error budget, burn rate and status: pure arithmetic on counts, exact until it is shown.

Formulas: shared definitions of the portal (docs/reference/calculation.md), after the Google SRE workbook, chapter 5.
Ratios are fractions, percentages 0..100; None means that there is nothing to divide by.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

HUNDRED = Decimal(100)
MIN_EVENTS = 10  # fewer in a long look-back prove nothing
MIN_BAD = 3
AT_LEAST_ELAPSED = timedelta(days=1)
WARNING_PERCENT, CRITICAL_PERCENT = Decimal(80), Decimal(95)


class Status(StrEnum):
    CRITICAL = "critical"
    WARNING = "warning"
    NO_DATA = "no_data"
    HEALTHY = "healthy"


@dataclass(frozen=True)
class Counts:
    """Good and total events of some time; good may be a sum of fractions."""

    good: Decimal
    total: int

    @property
    def bad(self) -> Decimal:
        return self.total - self.good

    @property
    def ratio(self) -> Decimal | None:
        """The SLI, 0..1."""
        return self.good / self.total if self.total else None


def percent(ratio: Decimal | None) -> float | None:
    """A ratio as it is shown everywhere: 0..100, four decimals."""
    return None if ratio is None else float(round(ratio * HUNDRED, 4))


def consumed(counts: Counts, budget: Decimal) -> Decimal | None:
    """Share of the error budget that is used up: bad / (budget * total), signed and never clamped."""
    return counts.bad / (budget * counts.total) if counts.total else None


def burn_rate(counts: Counts, budget: Decimal) -> Decimal | None:
    """How many times faster than allowed a look-back spends: (bad / total) / budget."""
    return consumed(counts, budget)


def highest_burn_rate(budget: Decimal) -> Decimal:
    """The burn rate when every event is bad; a rule at or above it can never fire."""
    return 1 / budget


def burn_word(burn: Decimal | None) -> str:
    if burn is None:
        return "no data"
    if burn > 2:
        return "too fast"
    if burn > Decimal("1.5"):
        return "elevated"
    return "normal" if burn < 1 else "raised"


@dataclass(frozen=True)
class Window:
    """A compliance window: what was counted in it, its whole length and how much of it has run."""

    counts: Counts
    length: timedelta
    elapsed: timedelta

    @property
    def run(self) -> timedelta:
        """How much of it counts as having run: one bad morning does not use up a month."""
        return min(max(self.elapsed, AT_LEAST_ELAPSED), self.length)

    def too_few(self, budget: Decimal, min_bad: int = MIN_BAD) -> bool:
        """Too few events to judge: the whole budget, at the traffic so far, is less than a handful of bad ones."""
        return budget * self.counts.total * _us(self.length) < min_bad * _us(self.run)

    def judged_consumed(self, budget: Decimal) -> Decimal | None:
        """Consumption as status and alerts see it: bad / (budget * total * length / run), of the whole window."""
        allowed = budget * self.counts.total * _us(self.length)
        return self.counts.bad * _us(self.run) / allowed if allowed else None

    def spends(self, length: timedelta, part: Counts, budget: Decimal, times: Decimal) -> bool:
        """A look-back of `length` has spent `times` its share of the window's budget, at the traffic so far."""
        return part.bad * _us(self.run) >= times * budget * self.counts.total * _us(length)


def _us(length: timedelta) -> int:
    return length // timedelta(microseconds=1)


def status(
    window: Window,
    budget: Decimal,
    *,
    burning: bool,
    warning_percent: Decimal = WARNING_PERCENT,
    critical_percent: Decimal = CRITICAL_PERCENT,
    min_bad: int = MIN_BAD,
    severities: frozenset[str] = frozenset(),
) -> Status:
    """One word for an objective; `warning_percent` of the budget is the first worry, fewer than `min_bad` in the whole
    of it are too few to judge, `severities` are those of its unresolved alerts."""
    spent = window.judged_consumed(budget)
    if spent is None:
        return Status.NO_DATA
    spent *= HUNDRED
    if (spent >= critical_percent and not window.too_few(budget, min_bad)) or severities & {"critical", "incident"}:
        return Status.CRITICAL
    if spent >= warning_percent or "warning" in severities or burning:
        return Status.WARNING
    return Status.HEALTHY
