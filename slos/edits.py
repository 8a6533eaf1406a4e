"""What was changed of an objective, when and by whom: its history as people read it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any, NamedTuple

from django.utils import timezone

from slos import parts
from slos.measure import Promises
from slos.models import SLODefinition
from slos.words import plain

MOST = 100  # versions that are read, the newest
JUDGES = {
    "target_percentage",
    "target_value",
    "target_unit",
    "clock",
    "calendar",
    "error_budget_percentage",
    "window",
    "window_days",
    "only",
}
NOT_SHOWN = {"id", "organization", "created_by"}


class Change(NamedTuple):
    """One field, in words."""

    field: str
    was: str
    now: str


@dataclass(frozen=True)
class Edit:
    """One version of the definition and how it differs from the one before; the first one differs from nothing."""

    at: datetime
    by: str
    reason: str
    changes: Sequence[Change]
    judges: bool  # it changed what is promised

    @property
    def first(self) -> bool:
        return not self.changes


@dataclass(frozen=True)
class History:
    """Edits, newest first, and what was promised when."""

    edits: Sequence[Edit]
    promises: Promises


def read(slo: SLODefinition) -> History:
    """In one statement. Versions that changed nothing that is shown are left out."""
    rows = list(SLODefinition.history.filter(id=slo.pk).select_related("history_user").order_by("-history_id")[:MOST])
    return History(list(_edits(rows)), Promises(slo, rows[::-1]))


def _edits(rows: Sequence[Any]) -> Iterator[Edit]:
    for row, before in pairwise(rows):
        if found := changes(row, before):
            judges = any(_differs(name, row, before) for name in JUDGES)
            yield _edit(row, found, judges=judges)
    if rows and rows[-1].history_type == "+":
        yield _edit(rows[-1], [], judges=False)


def changes(row: Any, before: Any) -> list[Change]:
    """How one version differs from another, in words."""
    fields = [one for one in SLODefinition._meta.fields if _differs(one.name, row, before)]
    return [Change(str(one.verbose_name).capitalize(), _text(before, one.name), _text(row, one.name)) for one in fields]


def _edit(row: Any, found: Sequence[Change], *, judges: bool) -> Edit:
    return Edit(row.history_date, str(row.history_user or ""), row.history_change_reason or "", found, judges)


def _differs(name: str, row: Any, before: Any) -> bool:
    known = name not in NOT_SHOWN and hasattr(row, name)
    return known and getattr(row, name) != getattr(before, name)


def _text(row: Any, name: str) -> str:
    value = getattr(row, name)
    shown = getattr(row, f"get_{name}_display", None)
    if shown and not isinstance(value, list):
        return str(shown())
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return f"{timezone.localtime(value):%Y-%m-%d %H:%M}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "only":
        return parts.words(value) or "all of the work"
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return "none" if value in (None, "") else str(value)
