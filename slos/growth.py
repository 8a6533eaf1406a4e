"""What of a change is new: for counters that never fall, whatever becomes of the rows they were counted from."""

from collections.abc import Hashable, Mapping
from decimal import Decimal
from typing import TypeVar

Part = TypeVar("Part", bound=Hashable)


def grown(changes: Mapping[Part, Decimal]) -> dict[Part, Decimal]:
    """The new events among the changes of all parts of a whole; nothing that was counted before is counted again.

    A correction moves events from one part to another, and they stay where they were first: only what the whole has
    grown by is new, and it went to the parts that grew, the largest first.
    """
    left = sum(changes.values(), Decimal(0))
    found: dict[Part, Decimal] = {}
    for part, change in sorted(changes.items(), key=lambda item: -item[1]):
        taken = min(change, left)
        if taken <= 0:
            break
        found[part] = taken
        left -= taken
    return found
