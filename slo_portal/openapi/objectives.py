"""What the addresses of objectives answer."""

from datetime import date
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from alerts.kinds import AlertType, Severity
from kpis.periods import LOOK_BACKS
from slo_portal.openapi.common import Consumed, Count, Id, Part, Parts, Percentage, Span, Time, Told, of
from slo_portal.openapi.facts import Objective
from slo_portal.openapi.kpis import Changed
from slos.models import BurnPolicy, Clock, Job, Period, Unit, Window

Burns = Annotated[
    dict[str, float | None],
    Meta(description=f"By look-back: {', '.join(LOOK_BACKS)}. 1 spends just the budget; null where there is no data."),
]
FORECAST = "Made anew each hour; null before the first time, and for another moment or a part of the work."


class Definition(Objective):
    error_budget_percentage: float
    alerting_threshold_percentage: float
    measurement_periods: list[of(Period.values)]  # type: ignore[valid-type]
    burn_rate_alert_threshold: float
    critical_threshold_percentage: float
    burn_policy: of(BurnPolicy.values)  # type: ignore[valid-type]
    burn_rate_warning_threshold: float
    burn_rate_warning_hours: int
    burn_rate_alert_hours: int
    critical_performance_percentage: float
    consecutive_failures: int
    min_events: int
    min_bad: int
    confidence: float
    resolve_after_minutes: int
    alert_types_off: list[str]
    window: of(Window.values)  # type: ignore[valid-type]
    clock: Annotated[
        of(Clock.values),  # type: ignore[valid-type]
        Meta(description="How the limit of a timed SLI is read: day and night, or only in working hours."),
    ]
    calendar: Annotated[str, Meta(description="Name of the one that a working clock keeps; empty: none.")]
    only: Annotated[
        dict[str, str],
        Meta(description="The part of the work that is counted: vendor, channel, document_type, label:NAME. {}: all."),
    ]
    window_days: Annotated[int | None, Meta(description="null for a calendar window.")]
    is_active: bool
    archived_at: Annotated[Time | None, Meta(description="Since when; null: it is not archived.")]
    notification_channels: list[str]
    next_review_at: date | None
    created_at: Time
    updated_at: Time


class Definitions(Told):
    definitions: list[Definition]
    count: Count
    active_only: bool


class Latest(Told):
    """The last closed measurement; zeros and nulls where there is none."""

    period_start: Time | None
    period_end: Time | None
    achieved_percentage: Percentage
    actual_value: float | None
    error_budget_consumed: Consumed
    good_events_count: Part
    total_events_count: Count


class WindowOfTime(Told):
    kind: of(Window.values)  # type: ignore[valid-type]
    start: Time
    end: Time
    days: Count


class ErrorBudget(Told):
    """Of the compliance window."""

    percentage: float
    consumed_percentage: Consumed
    remaining_percentage: float | None
    achieved_percentage: Percentage
    allowed_events: Part
    bad_events: Part
    remaining_events: float
    good_events_count: Part
    total_events_count: Count
    pending_events_count: Count
    too_few_to_judge: bool
    window: WindowOfTime


class Forecasted(Told):
    """Of the error budget, in percent of it; nulls where nothing can be said."""

    said: str
    until: Time | None
    left_percentage: float | None
    left_percentage_low: float | None
    left_percentage_high: float | None
    runs_out: Time | None
    at_the_earliest: Time | None
    at_the_latest: Time | None
    reason: str | None


class RecentAlert(Told):
    id: Id
    type: of(AlertType)  # type: ignore[valid-type]
    severity: of(Severity)  # type: ignore[valid-type]
    title: str
    created_at: Time


class OpenAlert(RecentAlert):
    slo_name: str | None
    message: str


class Entry(Objective):
    status: of(["healthy", "warning", "critical", "no_data"])  # type: ignore[valid-type]
    latest_measurement: Latest
    error_budget: ErrorBudget
    burn_rates: Burns
    forecast: Annotated[Forecasted | None, Meta(description=FORECAST)]
    recent_alerts: list[RecentAlert]
    alert_count: Count


class StatusCounts(Told):
    total_slos: Count
    healthy_slos: Count
    warning_slos: Count
    critical_slos: Count
    no_data_slos: Count


class Dashboard(Told):
    time_range: Span
    summary: StatusCounts
    slos: list[Entry]
    alerts: list[OpenAlert]
    as_of: Time
    data_through: Time | None
    filters: Parts
    counted_since: Time | UnsetType | None = UNSET


class Partial(Told):
    partial: Annotated[bool, Meta(description="Whether its period is still in progress.")]


class Measurement(Told):
    id: Id
    period_start: Time
    period_end: Time
    measurement_period: of(Period.values)  # type: ignore[valid-type]
    actual_value: float | None
    target_value: float
    target_unit: of(Unit.values)  # type: ignore[valid-type]
    target_percentage: float
    achieved_percentage: Percentage
    error_budget_consumed: Consumed
    good_events_count: Part
    total_events_count: Count
    pending_events_count: Count
    measurement_metadata: Partial
    created_at: Time
    updated_at: Time


class MeasurementSummary(Told):
    latest_achieved_percentage: Percentage
    latest_error_budget_consumed: Consumed
    average_achieved_percentage: Percentage
    min_achieved_percentage: Percentage
    max_achieved_percentage: Percentage
    average_error_budget_consumed: Consumed
    measurements_count: Count


class TimePages(Told):
    limit: int
    next_cursor: Annotated[Time | None, Meta(description="`cursor` of the next page; null on the last one.")]
    has_more: bool


class ObjectiveChanged(Changed):
    series: Id


class Measurements(Told):
    slo: Definition
    measurements: list[Measurement]
    summary: MeasurementSummary
    forecast: Annotated[Forecasted | None, Meta(description=FORECAST)]
    changes: Annotated[list[ObjectiveChanged], Meta(description="What changed in its SLI in or over the range.")]
    period: Span
    pagination: TimePages


class Initialized(Told):
    task: str
    initiated_by: str
    initiated_at: Time
    created: Count


class Calculation(Told):
    period: of(Period.values)  # type: ignore[valid-type]
    period_start: Time
    period_end: Time
    hours_back: Annotated[int, Meta(ge=1, le=168)]
    initiated_by: str
    initiated_at: Time
    task_id: Id


class OneJob(Told):
    id: Id
    state: of(Job.State.values)  # type: ignore[valid-type]
    error: str
    done: Annotated[int, Meta(ge=0, description="Periods that are written.")]
    total: Annotated[int, Meta(ge=0, description="Periods of the job.")]
    period: of(Period.values)  # type: ignore[valid-type]
    period_start: Time
    period_end: Time
    created_at: Time
    finished_at: Time | None
