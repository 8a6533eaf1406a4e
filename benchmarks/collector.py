"""What most exporters do, to compare with: at each scrape, every sample made of rows by prometheus_client."""

from collections.abc import Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from accounts.models import Organization
from monitoring import families
from slos import budget, counters
from slos.models import SLODefinition, SLOSnapshot
from slos.status import SLOStatus
from slos.windows import look_back_counts

NAMED, SLOTH = ("organization", "slo_name"), ("organization", "sloth_id", "sloth_service", "sloth_slo")


def text(organization: Organization, now: datetime) -> bytes:
    registry = CollectorRegistry()
    registry.register(Rows(organization, now))
    return generate_latest(registry)


class Rows(Collector):
    """The series of objectives, as both sets of ours have them."""

    def __init__(self, organization: Organization, now: datetime) -> None:
        self.organization, self.now = organization, now

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        slos = list(self.organization.slos.active())
        snapshots = SLOSnapshot.objects.in_bulk([slo.pk for slo in slos])
        counted = counters.values(self.organization)[counters.EVENTS]
        typed = [*NAMED, "sli_type"]
        achieved = GaugeMetricFamily(families.ACHIEVED.name, families.ACHIEVED.help, labels=[*typed, "period"])
        consumed = GaugeMetricFamily(families.CONSUMED.name, families.CONSUMED.help, labels=typed)
        events = CounterMetricFamily(families.EVENTS.name, families.EVENTS.help, labels=[*NAMED, "outcome"])
        ratios = {one.name: GaugeMetricFamily(one.name, one.help, labels=list(SLOTH)) for one in families.SLOTH}
        for slo in slos:
            status = SLOStatus(slo, snapshots[slo.pk], self.now)
            named = [self.organization.slug, slo.name]
            achieved.add_metric([*named, slo.sli_type, slo.measurement_period], status.achieved_percentage or 0)
            consumed.add_metric([*named, slo.sli_type], status.consumed_percentage or 0)
            for outcome in (counters.GOOD, counters.BAD):
                events.add_metric([*named, outcome], float(counted.get((slo.name, outcome), 0)))
            for name, value in _ratios(slo, status).items():
                ratios[name].add_metric([self.organization.slug, slo.name, self.organization.slug, slo.name], value)
        yield from (achieved, consumed, events, *ratios.values())


def _ratios(slo: SLODefinition, status: SLOStatus) -> dict[str, float]:
    errors = {name: look_back_counts(status.snapshot, name) for name in families.ERRORS}
    burn = {name: budget.burn_rate(counts, status.share) for name, counts in errors.items()}
    spent = float(budget.consumed(status.window.counts, status.share) or 0)
    return {
        families.OBJECTIVE.name: float(slo.target_percentage / 100),
        families.BUDGET.name: float(status.share),
        families.DAYS.name: status.window.length.total_seconds() / 86_400,
        **{families.ERRORS[name].name: float(each.bad) / each.total for name, each in errors.items() if each.total},
        families.BURN.name: float(burn["5m"] or 0),
        families.PERIOD_BURN.name: spent,
        families.REMAINING.name: 1 - spent,
    }
