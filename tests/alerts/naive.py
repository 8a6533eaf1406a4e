"""The conditions of alerts once more, as plainly as they can be written, in exact fractions, from the events alone."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil
from zoneinfo import ZoneInfo

from tests.alerts.naive_events import Item, Promise, Story, Sum
from tests.oracle import figures

BUCKET, HOUR, DAY = timedelta(minutes=5), timedelta(hours=1), timedelta(days=1)
REACH = {"hourly": 14 * DAY, "daily": 90 * DAY, "weekly": 366 * DAY}
NAMES = (
    "burn_rate_warning",
    "error_budget_consumed",
    "error_budget_exhausted",
    "critical_performance",
    "consecutive_failures",
)


# --- windows and rules -------------------------------------------------------------------------------------
def compliance_window(promise: Promise, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime, timedelta]:
    """Start, end and length."""
    bucket = figures.floor(now)
    if promise.window == "rolling":
        return bucket - promise.days * DAY, bucket + BUCKET, promise.days * DAY
    first = figures.first_day(figures.local_day(bucket, zone), promise.window)
    far = {"week": 7, "month": 31, "quarter": 93}[promise.window]
    after = first + far * DAY
    last = after if promise.window == "week" else after.replace(day=1)
    start, end = figures.day_start(first, zone), figures.day_start(last, zone)
    return start, end, end - start


@dataclass(frozen=True)
class Rule:
    severity: str
    threshold: Fraction
    long: timedelta

    @property
    def short(self) -> timedelta:
        return ceil(self.long / 12 / BUCKET) * BUCKET


def rules(promise: Promise, window: timedelta) -> list[Rule]:
    if promise.policy == "default":
        (elevated, day), (high, hours) = promise.elevated, promise.high
        return [Rule("warning", elevated, day * HOUR), Rule("critical", high, hours * HOUR)]
    found = []
    for severity, share, over in (
        ("critical", 2, HOUR), ("critical", 5, 6 * HOUR), ("warning", 10, DAY), ("warning", 10, 3 * DAY),
    ):  # fmt: skip
        share_ = Fraction(share, 100)
        widened = ceil(2 * share_ * promise.budget * Fraction(window // BUCKET)) * BUCKET
        long = max(over, widened)
        found.append(Rule(severity, max(Fraction(1), share_ * Fraction(window // BUCKET, long // BUCKET)), long))
    return found


def fraction(length: timedelta) -> Fraction:
    return Fraction(length // timedelta(microseconds=1))


# --- the evaluator -----------------------------------------------------------------------------------------
@dataclass
class Evaluator:
    """All objectives at moments that only move forward. A verdict is a word and what decided: (good, total)."""

    promises: Mapping[str, Promise]
    items: Sequence[Item]
    zone: ZoneInfo
    stories: dict[str, Story] = field(init=False)
    arrivals: dict[str, list[datetime]] = field(init=False)

    def __post_init__(self) -> None:
        self.stories = {name: Story(promise, self.items) for name, promise in self.promises.items()}
        self.arrivals = {
            feed: sorted(at for item in self.items if item.feed == feed for at, _ in item.told)
            for feed in ("invoices", "exceptions")
        }

    def at(self, now: datetime) -> dict[tuple[str, str], tuple[str, Sum | None]]:
        """The verdict on each (objective, type of alert)."""
        stale = {feed: self.stale(feed, now) for feed in self.arrivals}
        found = {}
        for name, story in self.stories.items():
            story.move(now, self.last(story.promise.feed, now))
            verdicts = judge(story, now, self.zone)
            for kind in set(NAMES) - set(story.promise.off):
                word, counts = verdicts[kind]
                found[name, kind] = ("frozen" if stale[story.promise.feed] else word, counts)
        return found

    def last(self, feed: str, now: datetime) -> datetime:
        heard = bisect_right(self.arrivals[feed], now)
        return self.arrivals[feed][heard - 1] if heard else datetime.min.replace(tzinfo=UTC)

    def stale(self, feed: str, now: datetime) -> bool:
        """30 messages usually come in such hours of the week, or 72 h are over."""
        first, last = self.arrivals[feed][0], self.last(feed, now)
        if now < first:
            return False
        until, weeks = min(now, last + 72 * HOUR), []
        for back in range(1, 5):
            start, end = (self._weeks_before(moment, back) for moment in (last, until))
            if start >= first:
                weeks.append(self._arrived(feed, figures.floor(start) + BUCKET, figures.floor(end)))
        weeks.sort()
        usual = weeks[len(weeks) > 2] if weeks else 0
        return usual >= 30 or (now >= last + 72 * HOUR and (feed == "invoices" or usual > 0))

    def _arrived(self, feed: str, start: datetime, end: datetime) -> int:
        return max(0, bisect_left(self.arrivals[feed], end) - bisect_left(self.arrivals[feed], start))

    def _weeks_before(self, moment: datetime, weeks: int) -> datetime:
        return (moment.astimezone(self.zone) - 7 * weeks * DAY).astimezone(UTC)


def judge(story: Story, now: datetime, zone: ZoneInfo) -> dict[str, tuple[str, Sum | None]]:
    promise = story.promise
    start, end, length = compliance_window(promise, now, zone)
    window = story.within(start, min(end, figures.floor(now) + BUCKET))
    elapsed = min(now, end) - max(start, story.began or start)
    whole = window.total * fraction(length) / fraction(min(length, max(elapsed, DAY)))  # events of the whole window
    found = {
        "burn_rate_warning": (burning(story, now, length, whole), None),
        **budgets(promise, window, whole),
        **measurements(story, now, zone),
    }
    if promise.budget * whole < promise.min_bad:
        found = {k: ("warning" if word in ("critical", "incident") else word, c) for k, (word, c) in found.items()}
    return found


def burning(story: Story, now: datetime, length: timedelta, whole: Fraction) -> str:
    promise, end = story.promise, figures.floor(now) + BUCKET
    held, empty = set(), False
    for rule in rules(promise, length):
        start = figures.floor(now) - rule.long
        long = story.within(start, end)
        empty |= long.total == 0
        share = rule.threshold * fraction(rule.long) / fraction(length)
        expected = promise.budget * long.total
        if (
            long.total >= promise.min_events
            and long.bad >= promise.min_bad
            and long.bad / long.total / promise.budget > rule.threshold
            and long.bad >= share * promise.budget * whole
            and beyond(long.bad, expected, promise.confidence)
        ):
            short = story.within(_short_start(story, rule, now), end)
            if short.total and short.bad / short.total / promise.budget > rule.threshold:
                held.add(rule.severity)
    return "critical" if "critical" in held else "warning" if held else "frozen" if empty else "over"


def _short_start(story: Story, rule: Rule, now: datetime) -> datetime:
    """Where the short look-back begins, earlier if needed so that it holds five events."""
    bucket = figures.floor(now)
    buckets = list(story.newest(bucket - rule.long, bucket + BUCKET))
    fifth = buckets[4] if len(buckets) >= 5 else bucket - rule.long
    return min(bucket - rule.short, fifth)


def beyond(bad: Fraction, expected: Fraction, z: int) -> bool:
    return bad >= expected and (bad - expected) ** 2 >= z * z * expected


def budgets(promise: Promise, window: Sum, whole: Fraction) -> dict[str, tuple[str, Sum]]:
    if not window.total:
        return dict.fromkeys(NAMES[1:3], ("frozen", window))
    spent = 100 * window.bad / (promise.budget * whole)
    exhausted = "incident" if spent >= 100 else "between" if spent >= 75 else "over"
    if spent >= 100 and "error_budget_exhausted" not in promise.off:
        consumed = "superseded"
    elif spent >= promise.critical:
        consumed = "critical"
    elif spent >= promise.warning:
        consumed = "warning"
    else:
        consumed = "between" if spent >= promise.warning - 5 else "over"
    return {NAMES[1]: (consumed, window), NAMES[2]: (exhausted, window)}


def measurements(story: Story, now: datetime, zone: ZoneInfo) -> dict[str, tuple[str, Sum | None]]:
    promise = story.promise
    newest: list[Sum] = []
    border = figures.period_start(now, promise.period, zone)
    while not _enough(newest, promise):
        start = figures.period_start(border - BUCKET, promise.period, zone)
        if start < now - REACH[promise.period]:
            break
        counts = story.within(start, border)
        newest += [counts] if counts.total else []
        border = start
    if not newest:
        return dict.fromkeys(NAMES[3:], ("frozen", None))
    taken = newest[:1]
    while _sum(taken).total < promise.min_events and len(taken) < len(newest):
        taken = newest[: len(taken) + 1]
    low, row = _sum(taken), newest[: promise.failures]
    bad = low.total >= promise.min_events and low.ratio * 100 < promise.performance
    return {NAMES[3]: ("critical" if bad else "over", low), NAMES[4]: (_failures(promise, row), _sum(row))}


def _enough(newest: Sequence[Sum], promise: Promise) -> bool:
    return len(newest) >= promise.failures and _sum(newest).total >= promise.min_events


def _failures(promise: Promise, row: Sequence[Sum]) -> str:
    together = _sum(row)
    failed = len(row) == promise.failures and all(one.ratio * 100 < promise.target for one in row)
    proved = together.total >= promise.min_events and together.bad >= promise.min_bad
    return "warning" if failed and proved and beyond(together.bad, promise.budget * together.total, 3) else "over"


def _sum(several: Iterable[Sum]) -> Sum:
    several = list(several)
    return Sum(sum(one.good for one in several), sum(one.total for one in several))
