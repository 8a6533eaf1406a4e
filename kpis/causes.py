"""What changed together with a KPI: the vendor, channel, document type or kind of exception behind most of it."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from kpis.counting import FILTERS
from kpis.figures import Figures
from kpis.periods import DAY, Interval, weeks_before
from kpis.series import KPIS, Measure
from kpis.stats import percentage
from kpis.summary import Scope, parts

LONGEST = 14 * DAY  # of a change that is looked at; as much before it
WEEK = 7 * DAY
MOST = 0.5  # of the whole change: what has less stands out as little as all others
LIFT = 1.2  # times its share of the work


class Part(NamedTuple):
    """`more` is what came to it beyond what was usual, `usual` its share of the work."""

    field: str
    value: str
    more: float
    usual: float


def cause(scope: Scope, series: str, start: datetime, end: datetime) -> dict[str, str | float]:
    """{"field", "value", "share" (percent of the change)}; empty where nothing stands out or rows reach not so far."""
    after = start, min(end, start + LONGEST)
    weeks = -(-(after[1] - start) // WEEK)
    before = weeks_before(start, weeks, scope.zone), weeks_before(after[1], weeks, scope.zone)
    if scope.since and before[0] < scope.since:
        return {}
    was, now = scope.figures([before, after], binned=False)
    whole = _more(KPIS[series], was, now, was)
    found = [one for one in _parts(scope, series, before, after, was, now) if one.more / whole > LIFT * one.usual]
    best = max(found, key=lambda one: one.more / whole, default=None) if whole else None
    if best is None or best.more / whole < MOST:
        return {}
    return {"field": best.field, "value": best.value, "share": min(100.0, percentage(best.more, whole) or 0.0)}


def _parts(scope: Scope, series: str, before: Interval, after: Interval, was: Figures, now: Figures) -> Iterator[Part]:
    measure = KPIS[series]
    for field in FILTERS:
        earlier, _ = parts(scope, before, field)
        later, _ = parts(scope, after, field)
        for value in earlier.keys() | later.keys():
            if value:
                one = later.get(value, Figures())
                base = earlier.get(value, Figures()) if series == "total_invoices" else one
                more = _more(measure, earlier.get(value, Figures()), one, was)
                yield Part(field, value, more, _share(measure, base, was if series == "total_invoices" else now))
    if series == "exception_rate":
        yield from _kinds(was, now)


def _more(measure: Measure, was: Figures, now: Figures, all_before: Figures) -> float:
    """Beyond what it would have been at the rate of before; of what is new, at that of all."""
    if measure is KPIS["total_invoices"]:
        return measure.part(now) - measure.part(was)
    known = was if measure.events(was) else all_before
    rate = measure.part(known) / measure.events(known) if measure.events(known) else 0.0
    return measure.part(now) - rate * measure.events(now)


def _share(measure: Measure, part: Figures, whole: Figures) -> float:
    return measure.events(part) / measure.events(whole) if measure.events(whole) else 0.0


def _kinds(was: Figures, now: Figures) -> Iterator[Part]:
    """By kind of exception: its share of all that there were."""
    earlier, later = was.by_key("kind"), now.by_key("kind")
    grown = now.uploaded / was.uploaded if was.uploaded else 0.0
    of_all = sum(invoices for invoices, _ in earlier.values())
    for kind in filter(None, earlier.keys() | later.keys()):
        before, _ = earlier.get(kind, (0, 0))
        after, _ = later.get(kind, (0, 0))
        yield Part("kind", kind, after - before * grown, before / of_all if of_all else 0.0)
