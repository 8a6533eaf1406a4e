"""The other figure: how an objective would stand if nothing were left out."""

from dataclasses import dataclass

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


def without_exclusions(one: SLOStatus, aside: Counts) -> Without | None:
    """None where nothing is left out of the window, `aside`."""
    counts = one.window.counts
    whole = Counts(counts.good + aside.good, counts.total + aside.total)
    return Without(one.slo, aside, whole) if aside.total else None
