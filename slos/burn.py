"""Whether the error budget is spent too fast: the rules of an objective and their guards against chance. Pure.

A long and a short look-back, and the shares of the `sre` policy: Google SRE workbook, chapter 5 ("Alerting on SLOs").
The guards are the portal's own (docs/reference/alerts.md). Comparisons are exact: none divides.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from functools import lru_cache

from kpis.periods import BUCKET
from slos.budget import MIN_BAD, MIN_EVENTS, Counts, Window, burn_rate

CONFIDENCE = Decimal(2)  # standard deviations above what the budget allows
SHORT_EVENTS = 5  # a short look-back is lengthened until it holds as many
MILLION = 1_000_000
WARNING, CRITICAL = "warning", "critical"
SRE_SHARES = (  # of the budget, spent within
    (Decimal("0.02"), timedelta(hours=1), CRITICAL),
    (Decimal("0.05"), timedelta(hours=6), CRITICAL),
    (Decimal("0.1"), timedelta(days=1), WARNING),
    (Decimal("0.1"), timedelta(days=3), WARNING),
)


@dataclass(frozen=True)
class BurnRule:
    """Holds while its long and its short look-back both burn faster than `threshold`."""

    long: timedelta
    threshold: Decimal
    severity: str

    @property
    def short(self) -> timedelta:
        """A twelfth of the long one, in whole buckets."""
        return _buckets(Decimal(self.long // BUCKET) / 12)


@dataclass(frozen=True)
class Guards:
    """How much it takes to prove anything: events, bad events, and standard deviations."""

    min_events: int = MIN_EVENTS
    min_bad: int = MIN_BAD
    confidence: Decimal = CONFIDENCE


def default_rules(
    elevated: Decimal, elevated_over: timedelta, high: Decimal, high_over: timedelta
) -> tuple[BurnRule, ...]:
    return BurnRule(high_over, high, CRITICAL), BurnRule(elevated_over, elevated, WARNING)


@lru_cache(maxsize=1024)
def sre_rules(budget: Decimal, window: timedelta) -> tuple[BurnRule, ...]:
    """The shares of the budget of a window. One that would need more than half of the events to be bad is looked for
    over the shortest time in which half is enough; below 1, the budget lasts and nothing is wrong."""
    rules = []
    for share, over, severity in SRE_SHARES:
        spent = share * Decimal(window // BUCKET)  # buckets' worth of the whole budget
        long = max(over, _buckets(2 * spent * budget))
        rules.append(BurnRule(long, max(spent / Decimal(long // BUCKET), Decimal(1)), severity))
    return tuple(rules)


def _buckets(number: Decimal) -> timedelta:
    return int(number.to_integral_value(ROUND_CEILING)) * BUCKET


@dataclass(frozen=True)
class Burn:
    """A rule and what its look-backs hold; the short one long enough to tell."""

    rule: BurnRule
    long: Counts
    short: Counts

    def rate(self, budget: Decimal) -> Decimal | None:
        return burn_rate(self.long, budget)

    def holds(self, window: Window, budget: Decimal, guards: Guards) -> bool:
        return burns_long(self.rule, self.long, window, budget, guards) and faster(self.short, self.rule, budget)


def faster(counts: Counts, rule: BurnRule, budget: Decimal) -> bool:
    """A look-back burns faster than the rule's threshold."""
    return counts.bad > rule.threshold * budget * counts.total


def burns_long(rule: BurnRule, long: Counts, window: Window, budget: Decimal, guards: Guards) -> bool:
    """The long look-back burns, with enough events, for real, and not by chance."""
    enough = long.total >= guards.min_events and long.bad >= guards.min_bad
    return (
        enough
        and faster(long, rule, budget)
        and window.spends(rule.long, long, budget, rule.threshold)
        and beyond_chance(long.bad, budget * long.total, guards.confidence)
    )


def beyond_chance(bad: Decimal, expected: Decimal, confidence: Decimal) -> bool:
    """bad >= e + z * sqrt(e), where e is what the budget allows: rare events scatter by the root of their number."""
    above = bad - expected
    return above >= 0 and above * above >= confidence * confidence * expected


def lengthened(buckets: Iterable[tuple[bool, Counts]]) -> Counts:
    """The sum of the newest buckets that are within the short look-back, and of older ones until it holds SHORT_EVENTS.

    `buckets` are newest first, each with whether it lies within the short look-back.
    """
    good, total = Decimal(0), 0
    for within, more in buckets:
        if total >= SHORT_EVENTS and not within:
            break
        good, total = good + more.good, total + more.total
    return Counts(good, total)


class Scan:
    """Where in a long past a rule may hold, in whole numbers: what Burn.holds asks for, but for the window's share."""

    def __init__(self, rule: BurnRule, budget: Decimal, guards: Guards) -> None:
        self.long, self.short = rule.long // BUCKET, rule.short // BUCKET
        limit, share, z = Fraction(rule.threshold * budget), Fraction(budget), Fraction(guards.confidence)
        self.limit, self.per = limit.numerator * MILLION, limit.denominator
        self.share, self.of = share.numerator * MILLION, share.denominator
        self.chance = z * z * share.numerator * share.denominator * MILLION**2
        self.guards = guards

    def where(self, bad: Sequence[int], total: Sequence[int], among: Iterable[int]) -> Iterator[int]:
        """Those of the buckets `among` in which it may hold (see may_hold)."""
        long, per, limit = self.long, self.per, self.limit
        burning = (k for k in among if (bad[k + 1] - bad[k - long]) * per > limit * (total[k + 1] - total[k - long]))
        return (k for k in burning if self.may_hold(bad, total, k))

    def may_hold(self, bad: Sequence[int], total: Sequence[int], k: int) -> bool:
        """In bucket `k`. `bad` (millionths of events) and `total` are sums of all before each border; `k` lies between
        the borders k and k + 1, and its look-backs do not begin before the first one."""
        first = k - self.long
        some, of = bad[k + 1] - bad[first], total[k + 1] - total[first]
        if some * self.per <= self.limit * of or of < self.guards.min_events or some < self.guards.min_bad * MILLION:
            return False
        above = some * self.of - self.share * of
        if above < 0 or above * above < self.chance * of:
            return False
        enough = bisect_right(total, total[k + 1] - SHORT_EVENTS, hi=k + 1) - 1  # the last border to hold so many
        begin = max(first, min(k - self.short, enough))
        return (bad[k + 1] - bad[begin]) * self.per > self.limit * (total[k + 1] - total[begin])
