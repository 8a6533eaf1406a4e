"""What the addresses of reports answer, and what a report may be asked for."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from kpis.changes import Kind
from slo_portal.openapi.common import Consumed, Count, Id, Pages, Part, Parts, Percentage, Span, Time, Told, of
from slo_portal.openapi.kpis import Amount, Capacity, Excepted, Performance, Volume
from slo_portal.openapi.objectives import Forecasted
from slo_portal.reports.models import Report
from slos.budget import Status

MOMENT: dict[str, Any] = {
    "extra_json_schema": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
}
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Points = Annotated[float | None, Meta(description="In points, against the period before.")]


class Brief(Told):
    id: Id
    kind: of(Report.Kind.values)  # type: ignore[valid-type]
    title: str
    headline: str
    period_start: Time
    period_end: Time
    filters: Parts
    created_at: Time
    created_by: str | None


class Reports(Told):
    reports: list[Brief]
    pagination: Pages


class Standing(Told):
    status: of(Status)  # type: ignore[valid-type]
    word: str
    mark: str
    tone: str
    window: str
    achieved_percentage: Percentage
    remaining_percentage: Percentage
    burn_rate_1d: float | None
    too_few_to_judge: bool


class Attained(Told):
    id: Id
    name: str
    sli_type: str
    promise: str
    target_percentage: float
    good_events_count: Part
    bad_events_count: Part
    total_events_count: Count
    achieved_percentage: Percentage
    met: Annotated[bool | None, Meta(description="null where nothing was decided.")]
    error_budget_consumed: Consumed
    before_achieved_percentage: Percentage
    change: Points
    standing: Annotated[Standing | None, Meta(description="At the end; null where no bucket reaches back so far.")]
    url: Annotated[str, Meta(description="The page of the objective.")]
    bad_rows: Annotated[str, Meta(description="The page of the rows behind what was bad.")]
    forecast: Annotated[
        Forecasted | UnsetType | None,
        Meta(description="As of the end; null of a part; not in old reports."),
    ] = UNSET


class Finding(Told):
    name: str
    id: Id
    what: str
    contributor: dict[str, str | float] | None
    why: str
    next_step: str
    bad_rows: str


class Missed(Told):
    name: str
    row: str
    at: Time


class BudgetRow(Told):
    name: str
    left: list[Percentage]


class Budgets(Told):
    by: of(["", "daily", "weekly"])  # type: ignore[valid-type]
    moments: list[Time]
    rows: list[BudgetRow]


class ReportedFigure(Told):
    name: str
    label: str
    value: float | None
    shown: str
    before: float | None
    before_shown: str
    change: float | None


class ReportedKpis(Told):
    volume: Volume
    performance: Performance
    daily_average_invoices: float
    success_rate_grade: of("ABCD") | None  # type: ignore[valid-type]
    performance_trend: str | None
    straight_through_rate: Percentage
    percentiles: dict[str, dict[str, float | None]]
    exceptions: list[Excepted]
    amounts: list[Amount]
    shown: list[ReportedFigure]
    url: str
    rows: str


class ReportedAlert(Told):
    id: Id
    title: str
    severity: str
    name: str
    opened_at: Time
    acknowledged_at: Time | None
    resolved_at: Time | None
    url: str


class ReportedAlerts(Told):
    opened: Count
    acknowledged: Count
    resolved: Count
    still_open: Count
    by_severity: dict[str, int]
    median_seconds_to_acknowledge: float | None
    median_seconds_to_resolve: float | None
    listed: list[ReportedAlert]
    more: bool


class ReportedIncident(Told):
    title: str
    owner: str | None
    opened_at: Time
    closed_at: Time | None
    url: str


class ReportedChange(Told):
    name: str
    at: Time
    by: str | None
    what: str


class Regression(Told):
    name: str
    kind: of(Kind)  # type: ignore[valid-type]
    direction: of(["worse", "better", "changed"])  # type: ignore[valid-type]
    what: str
    why: str
    next_step: str
    start: Time
    before: float
    after: float
    confidence: Annotated[float, Meta(description="0..1: 1 less the chance that nothing has changed.")]
    url: str


class Content(Told, kw_only=True):
    form: int
    headline: str
    period: Span
    time_zone: str
    filters: Parts
    data_through: Time | None
    counted_since: Time | None
    objectives: list[Attained]
    findings: list[Finding]
    regressions: Annotated[
        list[Regression] | UnsetType, Meta(description="What changed by more than chance; not in reports of before.")
    ] = UNSET
    misses: list[Missed]
    budgets: Budgets
    kpis: ReportedKpis
    alerts: ReportedAlerts
    incidents: list[ReportedIncident]
    changes: list[ReportedChange]
    capacity: Annotated[
        Capacity | UnsetType | None,
        Meta(description="Of a range that ends at most two days ago; not in old reports."),
    ] = UNSET


class Restated(Told):
    name: str
    figure: str
    stored: float
    now: float


class Posted(Told):
    target: str
    state: str
    sent_at: Time | None
    error: str


class OneReport(Brief):
    content: Annotated[Content, Meta(description="As it was made.")]
    restated: Annotated[list[Restated], Meta(description="Figures that late data has moved since.")]
    deliveries: list[Posted]
    as_of: Time


class PartOfWork(Struct, forbid_unknown_fields=True):
    vendor: Name | UnsetType = UNSET
    channel: Name | UnsetType = UNSET
    document_type: Name | UnsetType = UNSET


class ReportWish(Struct, forbid_unknown_fields=True):
    start_date: Annotated[str, Meta(description="Inclusive; a bare date is the start of a local day.", **MOMENT)]
    end_date: Annotated[str, Meta(description="Exclusive. A report may cover up to 731 days.", **MOMENT)]
    filters: PartOfWork | UnsetType = UNSET
