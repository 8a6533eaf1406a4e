"""How the measured values of an objective are spread: counted in bins, from the rows that a figure counts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from slos import exclusions
from slos.excluded import Excluded
from slos.models import SLIType, SLODefinition

STEPS = 5  # bins up to the limit; as many again up to twice that
SLOP = 5e-7  # as slos.indicators compares
CONFIDENCES = tuple(k / 20 for k in range(10, 20))  # 0.5 to 0.95


@dataclass(frozen=True)
class Spread:
    """Bin k lies between edges[k - 1] and edges[k]; the last one has no end.

    A value on an edge is a short duration (below it), and a high confidence (above it).
    """

    edges: tuple[float, ...]  # seconds of a timed SLI, else confidences
    counts: tuple[int, ...]
    going_on: int  # late, and not ended yet
    limit: float  # one of the edges

    @property
    def total(self) -> int:
        return sum(self.counts) + self.going_on

    @property
    def below(self) -> int:
        """Bins up to the limit."""
        return self.edges.index(self.limit) + 1


def spread(
    slo: SLODefinition, start: datetime, end: datetime, *, now: datetime, left_out: Excluded | None = None
) -> Spread | None:
    """Of what was decided in [start, end); None for an SLI that is only kept or missed, or read on a working clock."""
    count = exclusions.count_of(slo, start, end, left_out=left_out)
    if count.calendar is not None:
        return None  # what a row took is elapsed time
    if count.limit is not None:
        limit = count.limit.total_seconds()
        edges = (*(limit * k / STEPS for k in range(1, 2 * STEPS + 1)), limit * 5)
        value, above = f"r.{count.indicator.took}", tuple(edge + SLOP for edge in edges)
        ended = f"(r.{count.indicator.ended} <= %(now)s) IS TRUE AND {value} IS NOT NULL"
    elif slo.sli_type == SLIType.EXTRACTION_ACCURACY:
        limit = float(slo.target_value)
        edges = tuple(sorted({*CONFIDENCES, limit}))
        value, above, ended = count.indicator.good, edges, "true"
    else:
        return None
    params: dict[str, Any] = {"organization": slo.organization_id, "now": now, "edges": list(above)}
    selects = " UNION ALL ".join(
        f"SELECT CASE WHEN {ended} THEN width_bucket(({value})::float8, %(edges)s::float8[]) END AS bin {events.where}"
        for events in count.decided(start, end, params)
    )
    counts, going_on = [0] * (len(edges) + 1), 0
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT bin, count(*) FROM ({selects}) e GROUP BY bin", params)  # noqa: S608
        for bin_, number in cursor.fetchall():
            if bin_ is None:
                going_on = number
            else:
                counts[bin_] = number
    return Spread(edges, tuple(counts), going_on, limit)
