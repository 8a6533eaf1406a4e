"""What the addresses of KPIs answer."""

from datetime import date
from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from kpis.changes import Kind
from kpis.models import SeriesChange
from kpis.rows import OF_AN_INVOICE
from kpis.series import KPIS
from slo_portal.openapi.common import Count, Parts, Percentage, Span, Time, Told, of
from slos.models import Period

Seconds = Annotated[float | None, Meta(description="Seconds; null where there is no data.")]
Minutes = Annotated[float | None, Meta(description="Minutes; null where there is no data.")]


class Volume(Told):
    total_invoices: Count
    successful_invoices: Count
    failed_invoices: Count
    undecided_invoices: Count
    invoices_with_exceptions: Count
    straight_through_invoices: Count
    human_reviews: Count
    retried_invoices: Count
    retries: Count
    duplicates_confirmed: Count
    duplicates_caught: Count


class Performance(Told):
    processing_success_rate: Percentage
    exception_rate: Percentage
    average_processing_time_seconds: Seconds
    average_processing_time_minutes: Minutes
    average_extraction_confidence: Annotated[float | None, Meta(description="0..1")]
    average_approval_time_seconds: Seconds
    average_cycle_time_seconds: Seconds
    first_time_validation_rate: Percentage
    human_review_rate: Percentage
    duplicate_recall: Percentage


class Headline(Told):
    daily_average_invoices: float
    success_rate_grade: of("ABCD") | None  # type: ignore[valid-type]
    performance_trend: of(["improving", "stable", "declining"]) | None  # type: ignore[valid-type]


class Excepted(Told):
    kind: str | None
    invoices: Count
    exceptions: Count
    rate: Percentage


class Amount(Told):
    currency: str | None
    invoices: Count
    total: float


class Details(Told):
    straight_through_rate: Percentage
    percentiles: Annotated[
        dict[str, dict[str, float | None]],
        Meta(description="Seconds by the time that is meant and by percentile, with the sample_size."),
    ]
    exceptions: list[Excepted]
    amounts: list[Amount]


class Group(Details):
    value: str | None
    volume: Volume
    performance: Performance


class Age(Told):
    under_days: float | None
    invoices: Count


class Backlog(Told):
    open_invoices: Count
    oldest_uploaded_at: Time | None
    oldest_age_seconds: Seconds
    median_age_seconds: Seconds
    by_age: list[Age]


class Capacity(Told):
    said: str
    outgrown: bool | None
    outgrows_in_week_of: Annotated[date | None, Meta(description="The Monday of that week.")]
    at_the_earliest: date | None
    at_the_latest: date | None
    done_per_week: float | None
    growth_per_week: float | None
    growth_per_week_low: float | None
    growth_per_week_high: float | None
    reason: Annotated[str | None, Meta(description="Why nothing can be said.")]


class Change(Told):
    before: float | None
    change: float | None
    change_percentage: float | None


class Comparison(Told):
    period: Span
    figures: dict[str, Change]


class Changed(Told):
    """Of a series, by more than chance."""

    kind: of(Kind)  # type: ignore[valid-type]
    granularity: of(SeriesChange.Granularity.values)  # type: ignore[valid-type]
    start: Time
    end: Annotated[Time | None, Meta(description="Null while it goes on.")]
    before: float
    after: float
    confidence: Annotated[float, Meta(description="0..1: 1 less the chance that nothing has changed.")]
    worse: Annotated[bool | None, Meta(description="Null where neither direction is the better one.")]
    cause: Annotated[dict[str, str | float], Meta(description="What changed with it: field, value, share in percent.")]


class SeriesChanged(Changed):
    series: of(KPIS)  # type: ignore[valid-type]


class KpiSummary(Details, kw_only=True):
    filters: Parts
    data_through: Time | None
    counted_since: Time | UnsetType | None = UNSET
    period: Span
    volume: Volume
    performance: Performance
    summary: Headline
    backlog: Backlog
    capacity: Annotated[
        Capacity, Meta(description="When the backlog outgrows what is done in a week, at the trend of four weeks.")
    ]
    comparison: dict[str, Comparison | None]
    changes: Annotated[
        list[SeriesChanged], Meta(description="Shifts, drifts, outliers and silences of the range; none of a part.")
    ]
    group_by: of(OF_AN_INVOICE) | UnsetType = UNSET  # type: ignore[valid-type]
    groups: list[Group] | UnsetType = UNSET
    more_groups: Any = UNSET


class Point(Told):
    period: Time
    partial: bool


class VolumePoint(Point):
    total_invoices: Count
    successful_invoices: Count
    success_rate: Percentage
    invoices_with_exceptions: Count
    exception_rate: Percentage
    straight_through_rate: Percentage


class ConfidencePoint(Point):
    avg_confidence: float | None
    sample_size: Count


class Granular(Span):
    granularity: of(Period.values)  # type: ignore[valid-type]


class InvoiceTrends(Told, kw_only=True):
    filters: Parts
    data_through: Time | None
    counted_since: Time | UnsetType | None = UNSET
    volume_trends: list[VolumePoint]
    processing_trends: Annotated[
        list[dict[str, Any]], Meta(description="period, partial, avg_processing_time_*, sample_size, percentiles.")
    ]
    confidence_trends: list[ConfidencePoint]
    approval_trends: Annotated[
        list[dict[str, Any]], Meta(description="period, partial, avg_approval_time_*, sample_size, percentiles.")
    ]
    period: Granular
