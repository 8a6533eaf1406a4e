"""Which parts of the work have more than their share of the bad events, with shares that add up."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter

from slos.behind import Contributor

WORDS = {"vendor": "Vendor", "channel": "Channel", "document_type": "Document type", "kind": "Kind of exception"}
TENTHS = 1000  # of a percent, in the whole


@dataclass(frozen=True)
class Suspect:
    """A part of the work, or what the named parts of its field leave over (without a value)."""

    value: str
    bad: Decimal
    total: int
    of_bad: float  # its share, percent with one decimal; those of a field add up to 100.0
    of_all: float
    times: Decimal | None = None  # how often its events are bad, against all


@dataclass(frozen=True)
class Field:
    name: str
    suspects: Sequence[Suspect]
    bad: Decimal
    total: int

    @property
    def word(self) -> str:
        return WORDS.get(self.name, self.name)


def by_field(found: Iterable[Contributor]) -> list[Field]:
    """The field with the clearest suspect first."""
    parts: dict[str, list[Contributor]] = {}
    for one in found:
        parts.setdefault(one.field, []).append(one)
    return [_field(name, sorted(each, key=attrgetter("bad"), reverse=True)) for name, each in parts.items()]


def _field(name: str, parts: Sequence[Contributor]) -> Field:
    bad, total = parts[0].total_bad, parts[0].total_events
    bads = [one.bad for one in parts] + [bad - sum(one.bad for one in parts)]
    totals = [one.total for one in parts] + [total - sum(one.total for one in parts)]
    of_bad, of_all = shares(bads), shares([Decimal(each) for each in totals])
    values: list[tuple[str, Decimal | None]] = [*((one.value, one.lift) for one in parts), ("", None)]
    suspects = [
        Suspect(value, bads[k], totals[k], of_bad[k], of_all[k], times) for k, (value, times) in enumerate(values)
    ]
    return Field(name, suspects if suspects[-1].total else suspects[:-1], bad, total)


def shares(parts: Sequence[Decimal]) -> list[float]:
    """Percent with one decimal that add up to 100.0: what rounding down leaves goes to the largest remainders."""
    whole = sum(parts)
    exact = [part * TENTHS / whole for part in parts] if whole else [Decimal(0) for _ in parts]
    rounded = [int(each) for each in exact]
    missing = (TENTHS if whole else 0) - sum(rounded)
    for k in list(_by_remainder(exact))[:missing]:
        rounded[k] += 1
    return [each / 10 for each in rounded]


def _by_remainder(exact: Sequence[Decimal]) -> Iterator[int]:
    yield from sorted(range(len(exact)), key=lambda k: (-(exact[k] % 1), k))
