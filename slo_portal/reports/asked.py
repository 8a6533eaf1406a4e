"""What a report is about."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from urllib.parse import urlencode

from django.urls import reverse

from accounts.models import Organization
from kpis.params import Span
from kpis.periods import floor
from kpis.summary import Scope
from slos.drilldown import table_of
from slos.models import SLODefinition
from slos.recount import Recounted, rows_since
from slos.sources import Stored


@dataclass(frozen=True)
class Asked:
    """A range on borders of buckets, the part of the work (all when `only` is empty), and the moment of asking."""

    organization: Organization
    span: Span
    only: Mapping[str, str]
    now: datetime

    @property
    def until(self) -> datetime:
        """The end of what can be known: a range may reach into the future."""
        return min(self.span.end, floor(self.now))

    @cached_property
    def scope(self) -> Scope:
        return Scope(self.organization, self.only, rows_since(self.organization))

    @property
    def borders(self) -> dict[str, str]:
        """The range as the addresses of pages take it."""
        return {"start": iso(self.span.start), "end": iso(self.span.end)}

    def page_of(self, slo: SLODefinition) -> str:
        return f"{reverse('objective', args=[slo.pk])}?{urlencode({'range': 'custom', **self.borders})}"

    def bad_rows(self, slo: SLODefinition) -> str:
        """The address of the rows behind what was bad; of counts that a program sends, the page of the objective."""
        query, table = {"slo": str(slo.pk), "outcome": "bad", **self.borders, **self.only}, table_of(slo)
        return f"{reverse(table.kind.plural)}?{urlencode(query)}" if table else self.page_of(slo)

    def kpis(self) -> str:
        return f"{reverse('kpis')}?{urlencode({'range': 'custom', **self.borders, **self.only})}"

    def invoices(self) -> str:
        return f"{reverse('invoices')}?{urlencode({**self.borders, **self.only})}"

    def source(self, slos: list[SLODefinition], at: datetime) -> Stored:
        """Of sums over any intervals, as they are known at a moment."""
        if self.only:
            return Recounted(self.organization, slos, at, only=self.only, begun=True)
        return Stored(self.organization, at)


def iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
