"""Series of SLIs, as kpis.changes takes them: closed local hours or days, summed from the stored buckets."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from accounts.models import Organization
from kpis.changes import Sample, Scale
from kpis.series import periods, slot
from slos.budget import Counts, percent
from slos.models import SLODefinition
from slos.sums import Sums, over_periods

SCALE = Scale.RATE  # of all of them; a mean of confidences varies less


def read(
    organization: Organization, slos: Sequence[SLODefinition], granularity: str, *, now: datetime
) -> dict[UUID, list[Sample]]:
    """The SLI of each objective (0..100) over the last weeks, from its first event on."""
    zone = organization.time_zone
    closed = periods(granularity, now, zone)
    sums = over_periods(organization, [slo.pk for slo in slos], closed)
    series = {}
    for slo in slos:
        found = [(start, sums.get((slo.pk, start), Sums())) for start, _ in closed]
        first = next((i for i, (_, one) in enumerate(found) if one.total), len(found))
        series[slo.pk] = [
            Sample(start, slot(granularity, start, zone), percent(Counts(one.good, one.total).ratio), one.total)
            for start, one in found[first:]
        ]
    return series
