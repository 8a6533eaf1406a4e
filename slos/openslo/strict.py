"""The structure of OpenSLO v1, as far as objectives and their alert policies go. Pure."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

API = "openslo/v1"
Name = Annotated[str, Meta(pattern="^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
Text = Annotated[str, Meta(max_length=1050)]
Duration = Annotated[str, Meta(pattern="^[1-9][0-9]*[mhdwMQY]$")]
AlertAfter = Annotated[str, Meta(pattern="^(0|[1-9][0-9]*)[mhdwMQY]$")]
AnnotationKey = Annotated[str, Meta(pattern="^([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$")]
Severity = Annotated[str, Meta(min_length=1)]


class Strict(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Knows its keys, and no others."""


class Metadata(Strict):
    name: Name
    displayName: str | None = None
    labels: dict[str, str | list[str]] | None = None
    annotations: dict[AnnotationKey, str] | None = None


class MetricSource(Strict):
    spec: dict[str, Any]
    metricSourceRef: str | None = None
    type: str | None = None


class Metric(Strict):
    metricSource: MetricSource


class RatioMetric(Strict):
    counter: bool
    good: Metric | None = None
    bad: Metric | None = None
    total: Metric | None = None
    rawType: Literal["success", "failure"] | None = None
    raw: Metric | None = None


class IndicatorSpec(Strict):
    description: Text | None = None
    thresholdMetric: Metric | None = None
    ratioMetric: RatioMetric | None = None


class Indicator(Strict):
    metadata: Metadata
    spec: IndicatorSpec


class Calendar(Strict):
    startTime: Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$")]
    timeZone: str


class TimeWindow(Strict):
    duration: Duration
    isRolling: bool = False
    calendar: Calendar | None = None


class Objective(Strict):
    displayName: str | None = None
    op: Literal["lte", "gte", "lt", "gt"] | None = None
    value: float | None = None
    target: Annotated[float, Meta(ge=0, lt=1)] | None = None
    targetPercent: Annotated[float, Meta(ge=0, lt=100)] | None = None
    timeSliceTarget: Annotated[float, Meta(gt=0, le=1)] | None = None
    timeSliceWindow: float | Duration | None = None


class BurnRate(Strict):
    threshold: float
    lookbackWindow: Duration
    alertAfter: AlertAfter
    kind: Literal["burnrate"] = "burnrate"
    op: Literal["lte", "gte", "lt", "gt"] | None = None


class ConditionSpec(Strict):
    severity: Severity
    condition: BurnRate
    description: Text | None = None


class Condition(Strict):
    kind: Literal["AlertCondition"]
    metadata: Metadata
    spec: ConditionSpec


class TargetSpec(Strict):
    target: str
    description: Text | None = None


class Target(Strict):
    kind: Literal["AlertNotificationTarget"]
    metadata: Metadata
    spec: TargetSpec


class PolicySpec(Strict):
    conditions: Annotated[list[Condition], Meta(min_length=1, max_length=1)]
    notificationTargets: Annotated[list[Target], Meta(min_length=1)]
    alertWhenNoData: bool = False
    alertWhenResolved: bool = False
    alertWhenBreaching: bool = False
    description: Text | None = None


class Policy(Strict):
    kind: Literal["AlertPolicy"]
    metadata: Metadata
    spec: PolicySpec


class SLOSpec(Strict):
    service: str
    budgetingMethod: Literal["Occurrences", "Timeslices", "RatioTimeslices"]
    objectives: Annotated[list[Objective], Meta(min_length=1)]
    description: Text | None = None
    indicator: Indicator | None = None
    indicatorRef: str | None = None
    timeWindow: Annotated[list[TimeWindow], Meta(min_length=1, max_length=1)] | None = None
    alertPolicies: list[Policy] | None = None


class SLO(Strict):
    apiVersion: Literal["openslo/v1"]
    kind: Literal["SLO"]
    metadata: Metadata
    spec: SLOSpec


def wrong(document: Any) -> str:
    """What makes a document no objective of OpenSLO v1, or ""."""
    try:
        slo = msgspec.convert(document, SLO)
    except msgspec.ValidationError as error:
        return str(error)
    goals = slo.spec.objectives
    if (slo.spec.indicator is None) == (slo.spec.indicatorRef is None):
        return "Exactly one of `indicator` and `indicatorRef` is needed - at `$.spec`"
    if any((goal.target is None) == (goal.targetPercent is None) for goal in goals):
        return "Exactly one of `target` and `targetPercent` is needed - at `$.spec.objectives`"
    return ""
