"""Objectives, what was counted for them, and the figures that every face reads."""

from slos.models.alerting import BurnPolicy, SLOAlertType
from slos.models.calendar import WorkingCalendar
from slos.models.counted import EngineState, Figure, Job, Seal, SLIBucket, SLIMeasurement, SLOSnapshot, TooLate
from slos.models.counters import Counter, Tally
from slos.models.definition import (
    SECONDS_PER,
    TIMED,
    Clock,
    Period,
    SLIType,
    SLODefinition,
    SLODefinitionQuerySet,
    Unit,
    Window,
)
from slos.models.exclusion import ExcludedPeriod, Exclusion
from slos.models.reported import ReportedCount

__all__ = [
    "SECONDS_PER",
    "TIMED",
    "BurnPolicy",
    "Clock",
    "Counter",
    "EngineState",
    "ExcludedPeriod",
    "Exclusion",
    "Figure",
    "Job",
    "Period",
    "ReportedCount",
    "SLIBucket",
    "SLIMeasurement",
    "SLIType",
    "SLOAlertType",
    "SLODefinition",
    "SLODefinitionQuerySet",
    "SLOSnapshot",
    "Seal",
    "Tally",
    "TooLate",
    "Unit",
    "Window",
    "WorkingCalendar",
]
