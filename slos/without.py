"""The other figure: how an objective would stand if nothing were left out."""

from dataclasses import dataclass
from datetime import datetime

from slos import verdicts
from slos.budget import Counts, consumed, percent
from slos.models import SLODefinition
from slos.status import SLOStatus


@dataclass(frozen=True)
class Without:
    """Of the compliance window."""

    slo: SLODefinition
    left_out: Counts
    whole: Counts  # with what is left out

    @property
    def achieved_percentage(self) -> float | None:
        return percent(self.whole.ratio)

    @property
    def remaining_percentage(self) -> float | None:
        spent = consumed(self.whole, self.slo.budget)
        return None if spent is None else percent(1 - spent)


def without_exclusions(one: SLOStatus, aside: Counts, *, now: datetime) -> Without | None:
    """None where nothing is left out of the window; `aside` is what its excluded periods held."""
    good, total = aside.good, aside.total
    if one.slo.excluded_invoices:
        start, end = one.snapshot.window_start, one.snapshot.window_end
        parts = verdicts.of_invoices(one.slo, one.slo.excluded_invoices, start, end, now=now)
        good, total = good + sum(parts), total + len(parts)  # no bucket holds them, aside or not
    counts = one.window.counts
    return Without(one.slo, Counts(good, total), Counts(counts.good + good, counts.total + total)) if total else None
