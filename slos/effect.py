"""What an exclusion would do, by the engine itself: a tick with it, of which nothing is kept."""

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import Organization
from slos import exclusions, status, words
from slos.budget import Counts
from slos.lock import wait_alone
from slos.models import Exclusion, SLODefinition
from slos.status import SLOStatus
from slos.tick import tick


@dataclass(frozen=True)
class Effect:
    """How one objective stands, and how it would."""

    before: SLOStatus
    after: SLOStatus

    @property
    def slo(self) -> SLODefinition:
        return self.before.slo

    @property
    def left_out(self) -> Counts:
        """Of the compliance window."""
        before, after = self.before.window.counts, self.after.window.counts
        return Counts(before.good - after.good, before.total - after.total)

    @property
    def said(self) -> str:
        gone, kind = self.left_out, self.slo.sli_type
        return (
            f"{words.events(gone.bad)} bad and {words.events(gone.good)} good {words.noun(kind, gone.total)} less;"
            f" achieved {_change(self.before.achieved_percentage, self.after.achieved_percentage)};"
            f" budget left {_change(self.before.remaining_percentage, self.after.remaining_percentage)}"
        )


def _change(before: float | None, after: float | None) -> str:
    return f"{words.percentage(before)} → {words.percentage(after)}"


def preview(exclusion: Exclusion, slos: Iterable[SLODefinition], *, now: datetime) -> list[Effect]:
    """Of every active objective whose compliance window it changes. `exclusion` stays unsaved."""
    organization, draft = exclusion.organization, copy(exclusion)
    with transaction.atomic():
        wait_alone(organization)
        before = _figures(organization, now)
        exclusions.make(draft, slos)
        after = _figures(organization, now)
        transaction.set_rollback(True)
    found = [Effect(one, after[pk]) for pk, one in before.items() if pk in after]
    return sorted((one for one in found if one.left_out.total), key=lambda one: one.slo.name)


def _figures(organization: Organization, now: datetime) -> dict[UUID, SLOStatus]:
    tick(organization, now=now)
    return {one.slo.pk: one for one in status.overview(organization, now=now).slos}
