"""What was counted in a stretch of time, and the KPIs that follow from it. Unknown is None, never 0."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

from kpis.stats import percentage, quantiles

SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
PROCESSING, APPROVAL, CYCLE = DURATIONS = ("ready", "approved", "cycle")  # uploaded to ready, to approved, to completed


@dataclass
class Figures:
    """Per (figure, key) a number and a sum, per duration a histogram; kpis.counting names the figures.

    Sums of durations are microseconds. Everything adds up: a day is the sum of its hours.
    """

    numbers: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    sums: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    bins: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))

    def add(self, figure: str, key: str, number: int, total: Decimal) -> None:
        self.numbers[figure, key] += number
        self.sums[figure, key] += total

    def add_bin(self, figure: str, bin_: int, number: int) -> None:
        self.bins[figure][bin_] += number

    def include(self, other: "Figures") -> None:
        for (figure, key), number in other.numbers.items():
            self.add(figure, key, number, other.sums[figure, key])
        for figure, histogram in other.bins.items():
            for bin_, number in histogram.items():
                self.add_bin(figure, bin_, number)

    def number(self, figure: str) -> int:
        return self.numbers.get((figure, ""), 0)

    def by_key(self, figure: str) -> dict[str, tuple[int, Decimal]]:
        """{key: (number, sum)}, the largest number first."""
        found = {key: (number, self.sums[name, key]) for (name, key), number in self.numbers.items() if name == figure}
        return dict(sorted(found.items(), key=lambda item: (-item[1][0], item[0])))

    @property
    def uploaded(self) -> int:
        return self.number("uploaded")

    @property
    def decided(self) -> int:
        """Of those uploaded, with an outcome."""
        return self.number("succeeded") + self.number("failed")

    @property
    def success_rate(self) -> float | None:
        """Of those with an outcome: one that is still being worked on is not known to fail."""
        return percentage(self.number("succeeded"), self.decided)

    @property
    def straight_through_rate(self) -> float | None:
        return percentage(self.number("straight_through"), self.decided)

    @property
    def exception_rate(self) -> float | None:
        return self.of_uploaded(self.number("excepted"))

    @property
    def first_time_rate(self) -> float | None:
        return percentage(self.number("passed_first"), self.number("checked"))

    @property
    def recall(self) -> float | None:
        return percentage(self.number("duplicates_caught"), self.number("duplicates"))

    @property
    def confidence(self) -> float | None:
        mean = self._mean("confidence")
        return None if mean is None else round(mean, 6)

    def of_uploaded(self, part: int) -> float | None:
        return percentage(part, self.uploaded)

    def mean_seconds(self, duration: str) -> float | None:
        mean = self._mean(duration)
        return None if mean is None else round(mean / 1_000_000, 6)

    def percentiles(self, duration: str) -> dict[str, float | None]:
        """In seconds."""
        found = quantiles(self.bins.get(duration, {}), list(SHARES.values()))
        return {name: None if value is None else round(value, 6) for name, value in zip(SHARES, found, strict=True)}

    def _mean(self, figure: str) -> float | None:
        number = self.number(figure)
        return float(self.sums[figure, ""] / number) if number else None
