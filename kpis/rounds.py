"""Several messages about one row in one batch: applied one after another, or folded into what they say together."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, TypeVar

from msgspec import UNSET, Struct
from msgspec.structs import replace

ONE_BY_ONE = 10  # rounds; no ordinary batch says more about one row
M = TypeVar("M", bound=Struct)


def rounds(messages: Sequence[M], identity: Callable[[M], Hashable]) -> Iterator[list[M]]:
    """Batches to apply in turn, no row twice in one; what lies behind the first ten is folded."""
    pending: Sequence[M] = messages
    for _ in range(ONE_BY_ONE):
        if not pending:
            return
        batch: dict[Hashable, M] = {}
        later = []
        for message in pending:
            key = identity(message)
            if key in batch:
                later.append(message)
            else:
                batch[key] = message
        yield list(batch.values())
        pending = later
    by_row: dict[Hashable, list[M]] = defaultdict(list)
    for message in pending:
        by_row[identity(message)].append(message)
    folded = [fold(several) for several in by_row.values()]
    yield from filter(None, ([each[0] for each in folded], [each[1] for each in folded if each[1:]]))


def fold(messages: Sequence[M]) -> list[M]:
    """One message that does what `messages` about one row do in turn; two if labels are cleared and then set."""
    said: dict[str, Any] = {}
    cleared = False
    for message in messages:
        named = {name: value for name in message.__struct_fields__ if (value := getattr(message, name)) is not UNSET}
        labels = named.get("labels")
        if labels is not None and said.get("labels") is not None:
            named["labels"] = {**said["labels"], **labels}
        cleared = cleared or ("labels" in named and labels is None)
        said |= named
    together = replace(messages[-1], **said)
    if cleared and said["labels"] is not None:
        return [replace(together, labels=None), together]
    return [together]
