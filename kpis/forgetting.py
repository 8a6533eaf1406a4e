"""How old rows are deleted: in short transactions, beside writers and readers, again after any interruption."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from kpis.failpoints import fp

AT_ONCE = 5_000  # rows in one transaction
LOOKED_UP = 100_000


def forget(rows: QuerySet[Any], *, dry_run: bool = False, at_once: int = AT_ONCE) -> int:
    """Delete the rows of a query that has no slice; returns how many, or how many it would be.

    What somebody holds at the moment stays until the next time.
    """
    if dry_run:
        return rows.count()
    gone = 0
    while keys := list(rows.order_by().values_list("pk", flat=True)[:LOOKED_UP]):
        deleted = sum(_forget(rows, keys[at : at + at_once]) for at in range(0, len(keys), at_once))
        gone += deleted
        if not deleted:
            break
    return gone


def _forget(rows: QuerySet[Any], keys: list[Any]) -> int:
    """Those of `keys` that are still meant and that nobody holds."""
    with transaction.atomic():
        held = rows.filter(pk__in=keys).order_by().select_for_update(skip_locked=True, of=("self",))
        _, deleted = rows.model._base_manager.filter(pk__in=list(held.values_list("pk", flat=True))).delete()
        fp("retention.before_commit")
    return deleted.get(rows.model._meta.label, 0)
