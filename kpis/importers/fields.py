"""How one field of a message gets its value from one record of the source."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, NamedTuple

import msgspec

from kpis.importers.reading import Reading
from kpis.importers.records import BadValue, Item, find, find_all

Names = str | list[str]
Scalar = str | bool | int | float
Extract = Callable[[Item], object]  # None: the record does not say
SOURCES = ("from_", "value", "first", "last", "mean", "join")


class Spec(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One entry under `fields`; docs/reference/mapping.md explains each key."""

    from_: Names | None = msgspec.field(default=None, name="from")
    value: Scalar | None = None
    first: Names | None = None
    last: Names | None = None
    mean: str | None = None
    join: list[Any] | None = None
    if_: Names | None = msgspec.field(default=None, name="if")
    unless_more: Names | None = None
    take: Literal["first", "last"] = "last"
    match: str | None = None
    values: dict[str, Scalar] | None = None
    with_: str = msgspec.field(default="-", name="with")

    def check(self) -> str:
        """What is wrong with this entry by itself; empty when nothing is."""
        given = [name.rstrip("_") for name in SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            return f"needs exactly one of from, value, first, last, mean, join; has {', '.join(given) or 'none'}"
        if self.unless_more and not (self.first or self.last):
            return "`unless_more` goes with `first` or `last`"
        if self.match is None:
            return ""
        try:
            groups = re.compile(self.match).groups
        except re.error as error:
            return f"`match` is not a regular expression: {error}"
        return "" if groups == 1 else f"`match` needs exactly one group in parentheses; has {groups}"

    @property
    def activities(self) -> set[str]:
        return {name for part in (self.first, self.last, self.if_, self.unless_more) for name in listed(part)}


class Occurrence(NamedTuple):
    """How often an activity happened in a case, and when first and last."""

    times: int
    first: datetime
    last: datetime


def listed(names: Names | None) -> list[str]:
    return [names] if isinstance(names, str) else names or []


def extractor(name: str, spec: Spec, parts: Sequence[Extract], reading: Reading) -> Extract:
    """A function from a record to the value of the field `name`. `parts` are those of `join`. It raises BadValue."""
    source = _source(spec, parts, reading)
    pattern = re.compile(spec.match) if spec.match else None
    is_time = name.endswith("_at")

    def extract(item: Item) -> object:
        if spec.if_ and not any(activity in item.occurred for activity in listed(spec.if_)):
            return None
        value = reading.known(source(item))
        if value is None or isinstance(value, datetime):
            return value
        if pattern:
            value = _matched(pattern, value)
        if spec.values is not None:
            value = _translated(spec.values, value)
        return _instant(value, reading) if is_time else _plain(value)

    return extract


def _source(spec: Spec, parts: Sequence[Extract], reading: Reading) -> Extract:
    if spec.value is not None:
        return lambda item: spec.value
    if spec.mean is not None:
        path = spec.mean.split(".")
        return lambda item: _mean(list(find_all(item.scopes[0], path)))
    if spec.join is not None:
        return lambda item: _joined([part(item) for part in parts], spec.with_)
    if spec.from_ is not None:
        names = listed(spec.from_)
        return lambda item: next(_given(item, names, spec.take, reading), None)
    return lambda item: _moment(item, spec)


def _given(item: Item, names: Sequence[str], take: str, reading: Reading) -> Iterator[object]:
    """Every value given under the names: of the record itself, then of its events in the wanted order."""
    for name in names:
        own = item.position if name == "#" else find(item.scopes, name)
        if reading.known(own) is not None:
            yield own
        for event in item.events if take == "first" else reversed(item.events):
            value = find((event,), name)
            if reading.known(value) is not None:
                yield value


def _moment(item: Item, spec: Spec) -> object:
    """When the first (last) of the activities happened; None when the case has more of the others."""
    names = listed(spec.first) or listed(spec.last)
    found = [item.occurred[name] for name in names if name in item.occurred]
    if not found:
        return None
    if spec.unless_more:
        others = [item.occurred[name].times for name in listed(spec.unless_more) if name in item.occurred]
        if sum(others) > sum(each.times for each in found):
            return None
    return min(each.first for each in found) if spec.first else max(each.last for each in found)


def _mean(values: Sequence[object]) -> object:
    """The plain mean of the numbers, to 6 decimals, half to even; None of nothing."""
    if not values:
        return None
    try:
        numbers = [Decimal(str(value)) for value in values if not isinstance(value, bool)]
        return (sum(numbers, Decimal()) / len(numbers)).quantize(Decimal("0.000001"))
    except (InvalidOperation, ZeroDivisionError):
        raise BadValue("not all values of the mean are numbers") from None


def _joined(values: Sequence[object], joint: str) -> object:
    return None if None in values else joint.join(str(value) for value in values)


def _matched(pattern: re.Pattern[str], value: object) -> str:
    found = pattern.search(str(value))
    if not found or found[1] is None:
        raise BadValue(f"{str(value)[:100]!r} does not match {pattern.pattern!r}")
    return found[1]


def _translated(values: dict[str, Scalar], value: object) -> Scalar:
    key = ("false", "true")[value] if isinstance(value, bool) else str(value)
    if key not in values:
        raise BadValue(f"{key[:100]!r} is not listed under `values`")
    return values[key]


def _instant(value: object, reading: Reading) -> datetime:
    if not isinstance(value, str):
        raise BadValue(f"{str(value)[:100]!r} is not a time")
    return reading.instant(value)


def _plain(value: object) -> object:
    if isinstance(value, dict | list):
        raise BadValue("is an object or a list, not a single value")
    return value if isinstance(value, bool | str) else str(value)
