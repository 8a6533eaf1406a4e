"""What is done to an objective as a whole, the same from every face: pause, archive, give it away, count it again.

Each act says beforehand why it would change nothing, and is judged again by the row as it is when it is done.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import User
from kpis import poke
from slos.lock import wait_alone
from slos.models import SLODefinition, SLOSnapshot

ARCHIVED = "It is archived: restore it first."


@dataclass(frozen=True)
class Act:
    """`why_not` gets the objective and the value that it is to have (None: not known yet); "": nothing hinders it."""

    name: str
    verb: str
    done: str
    effect: str
    why_not: Callable[[SLODefinition, str | None], str]
    changes: Callable[[str, datetime], dict[str, Any]] | None = None  # None: it is counted again


class Unchanged(Exception):
    """Why an act has changed nothing."""


def perform(
    act: Act, slo: SLODefinition, value: str = "", *, reason: str, by: User | None, now: datetime
) -> SLODefinition:
    """Do it; the history keeps who and why. Raises Unchanged."""
    with transaction.atomic():
        if act.changes is None:
            wait_alone(slo.organization)  # before the row: so does the tick, and it would write over what is marked
        current = SLODefinition.objects.select_for_update(of=("self",)).get(pk=slo.pk)
        if why := act.why_not(current, value):
            raise Unchanged(why)
        if act.changes is None:
            SLOSnapshot.objects.filter(slo=current.pk).update(counted_as="")  # as if it were new: the tick looks there
        else:
            _save(current, act.changes(value, now), reason, by)
        poke.look_now(current.organization_id)
    return current


def _save(slo: SLODefinition, changes: Mapping[str, Any], reason: str, by: User | None) -> None:
    for name, value in changes.items():
        setattr(slo, name, value)
    slo._change_reason, slo._history_user = reason, by  # type: ignore[attr-defined]
    slo.save(update_fields=[*changes, "updated_at"])


def _unless_archived(slo: SLODefinition, why: str = "") -> str:
    return ARCHIVED if slo.archived_at else why


ACTS = (
    Act(
        "pause",
        "Pause",
        "paused",
        "Nothing is counted for it and no alert watches it, but it stays in the lists, as paused. Its open alerts end. "
        "Resumed, it is counted as if it had never paused, as far back as invoices are kept.",
        lambda slo, _: _unless_archived(slo, "" if slo.is_active else "It is paused already."),
        lambda value, now: {"is_active": False},
    ),
    Act(
        "resume",
        "Resume",
        "resumed",
        "It is counted and watched again, with what it has missed, as far back as invoices are kept.",
        lambda slo, _: _unless_archived(slo, "It is not paused." if slo.is_active else ""),
        lambda value, now: {"is_active": True},
    ),
    Act(
        "set_owner",
        "Change the owner of",
        "given to another owner",
        "The new owner answers for it, and is told of its alerts from now on.",
        lambda slo, owner: _unless_archived(slo, "It has this owner already." if slo.slos_owner == owner else ""),
        lambda owner, now: {"slos_owner": owner},
    ),
    Act(
        "recalculate",
        "Recalculate",
        "counted again within seconds",
        "It is counted again from the invoices, as far back as they are kept. What is older stays as it is.",
        lambda slo, _: _unless_archived(slo, "" if slo.is_active else "It is paused: it is counted once resumed."),
    ),
    Act(
        "archive",
        "Archive",
        "archived",
        "It leaves the overview, the lists, the reports and the exported file; nothing is counted for it and its open "
        "alerts end. Its page, its history and all that was measured stay, and so does its name; it can be restored.",
        lambda slo, _: "It is archived already." if slo.archived_at else "",
        lambda value, now: {"is_active": False, "archived_at": now},
    ),
    Act(
        "restore",
        "Restore",
        "restored: counted again with the next calculation",
        "It is back in the lists, counted and watched, with what it has missed as far back as invoices are kept.",
        lambda slo, _: "" if slo.archived_at else "It is not archived.",
        lambda value, now: {"is_active": True, "archived_at": None},
    ),
)
