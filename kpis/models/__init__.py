from kpis.models.changes import SeriesChange, SeriesLook
from kpis.models.facts import (
    Arrival,
    DirtyBucket,
    Feed,
    FeedCount,
    ImportedFile,
    InvoiceException,
    InvoiceMetric,
    SeenEvent,
    SystemMetric,
)
from kpis.models.rollups import ExceptedInvoice, Rollup, RollupMark, RollupState

__all__ = [
    "Arrival",
    "DirtyBucket",
    "ExceptedInvoice",
    "Feed",
    "FeedCount",
    "ImportedFile",
    "InvoiceException",
    "InvoiceMetric",
    "Rollup",
    "RollupMark",
    "RollupState",
    "SeenEvent",
    "SeriesChange",
    "SeriesLook",
    "SystemMetric",
]
