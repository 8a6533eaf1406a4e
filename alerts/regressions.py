"""What got worse in a series of KPIs or SLIs, as information: it is told, and pages nobody."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from accounts.models import Organization
from alerts.kinds import AlertType, Severity
from alerts.known import Facts
from alerts.system import Finding
from kpis.changes import Kind
from kpis.models import SeriesChange
from kpis.periods import DAY
from slos import found
from slos.models import SLODefinition

NEWS = 14 * DAY  # after that it is the usual
OVER = 2 * DAY  # so long it is said that it is over
PLACES = Decimal("0.000001")


def findings(
    organization: Organization, slos: Mapping[UUID, SLODefinition], *, now: datetime
) -> Iterator[tuple[SLODefinition | None, Finding]]:
    """One for each series that got worse lately. Silences are left to the alert about feeds."""
    rows = SeriesChange.objects.filter(organization=organization, start__gte=now - NEWS - OVER, worse=True)
    by_series: dict[str, list[SeriesChange]] = {}
    for row in rows.exclude(kind=Kind.SILENCE).order_by("granularity", "-start"):  # what days say comes first
        by_series.setdefault(row.series, []).append(row)
    wanted = {str(pk): slo for pk, slo in slos.items()}
    for series, changes in by_series.items():
        if not found.is_objective(series) or series in wanted:
            slo = wanted.get(series)
            yield slo, _finding(organization, slo, series, changes, now)


def _finding(
    organization: Organization, slo: SLODefinition | None, series: str, changes: list[SeriesChange], now: datetime
) -> Finding:
    going_on = [row for row in changes if row.end is None and row.start >= now - NEWS]
    row = [*going_on, *changes][0]
    told = found.tell(organization, row, slo)
    facts = Facts(
        AlertType.REGRESSION,
        Severity.INFO,
        now,
        organization.time_zone,
        slo=told.label,
        changed=told.said,
        changed_with=told.cause,
    )
    value, before = (Decimal(str(figure)).quantize(PLACES) for figure in (row.after, row.before))
    severity = Severity.INFO if going_on else None
    return Finding("" if slo else series, severity, facts, value=value, threshold=before)
