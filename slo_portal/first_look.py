"""After a past has been filled in: what the schedule would do within the hour is asked for at once."""

from collections.abc import Callable
from datetime import datetime

from accounts.models import Organization
from kpis.found import looked_until
from kpis.models import RollupMark
from slo_portal import broker
from slo_portal.schedule import REPORTED_AT
from slos.models import EngineState

LOOK, REPORT = "slo_portal.tasks.changes", "slo_portal.tasks.report"
Ask = Callable[..., bool]  # the name of a task and its arguments; whether a worker will do it


class FirstLook:
    """Asks for the look for changes once everything told until `told` is counted, and then for the reports, which name
    what was found. Each is asked for once: should it be lost, the schedule does it."""

    def __init__(self, organization: Organization, told: datetime, ask: Ask = broker.takes) -> None:
        self.organization, self.told, self.ask = organization, told, ask
        self.looked, self.reports = False, list(REPORTED_AT)

    @property
    def done(self) -> bool:
        return not self.reports

    def turn(self) -> None:
        """Whenever there is time for it; it waits for nothing."""
        slug = self.organization.slug
        if not self.looked:
            self.looked = self._counted() and self.ask(LOOK, slug)
        elif self.reports and looked_until(self.organization) and self.ask(REPORT, self.reports[0], slug):
            self.reports.pop(0)

    def _counted(self) -> bool:
        ticked = EngineState.objects.filter(organization=self.organization, ticked_at__gte=self.told)
        return ticked.exists() and not RollupMark.objects.filter(organization=self.organization).exists()
