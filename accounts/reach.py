"""Which organisations the database shows at present: a wall behind every query's own filter.

PostgreSQL compares each row of an organisation with the reach (slo_portal.database says it, slo_portal.walls builds the
policies). A process begins with no reach at all; whoever knows for whom it works sets one. A query that forgets its
filter, or a statement that somebody injects, finds nothing of others.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

NOTHING, EVERYTHING = "", "*"
_default = NOTHING
_reach: ContextVar[str | None] = ContextVar("reach", default=None)


def current() -> str:
    """The ids of the organisations, separated by commas; or NOTHING, or EVERYTHING."""
    found = _reach.get()
    return _default if found is None else found


def of(*organizations: UUID) -> str:
    return ",".join(str(organization) for organization in organizations)


@contextmanager
def within(reach: str) -> Iterator[None]:
    before = _reach.set(reach)
    try:
        yield
    finally:
        _reach.reset(before)


def use(reach: str) -> None:
    """For the rest of what `within` surrounds: a request that has found out who asks."""
    _reach.set(reach)


def by_default(reach: str) -> None:
    """For a whole process: commands work for the operator, who may see everything."""
    global _default
    _default = reach


def kept(reach: str, content: Iterable[bytes]) -> Iterator[bytes]:
    """A body that is made while it is sent, after its request: each part of it within the reach."""
    parts = iter(content)
    while True:
        with within(reach):
            part = next(parts, None)
        if part is None:
            return
        yield part
