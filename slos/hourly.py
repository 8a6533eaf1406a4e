"""What is counted of the facts for monitoring, hour by hour: SQL for each instant of an invoice or an exception."""

from collections.abc import Sequence
from dataclasses import dataclass

from slos.indicators import EXCEPTIONS, INVOICES

PROCESSED, DURATION, CONFIDENCE, VALIDATED, RAISED = (
    "invoices_processed",
    "processing_duration",
    "extraction_confidence",
    "validation_results",
    "exceptions",
)
SECONDS = (10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 86400, 259200)
CONFIDENCES = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.92, 0.95, 0.98, 0.99, 1)
UNKNOWN = "unknown"
ACTIVE = "uploaded_at"
VALID = "r.voided_at IS NULL"


@dataclass(frozen=True)
class Hourly:
    """The rows whose instant lies in an hour, by labels; `amount` is summed up beside, for a histogram.

    The last label of a histogram is the place of the first edge that is not below the value.
    """

    name: str
    table: str
    labels: str  # SQL: text[]
    where: str
    amount: str = ""

    def select(self, field: str) -> str:
        """Answers (field, hour, labels, number, sum of amounts in millionths) of the hours in the parameter `field`.

        OFFSET keeps the planner from joining: then it takes the index of the instant for each hour. Behind row
        security an expression is no border for an index either, so that the end of an hour is a column.
        """
        return f"""
            SELECT '{field}', h.start, {self.labels}, count(*), (sum({self.amount or 0}) * 1000000)::bigint
            FROM (
                SELECT at, at + interval '1 hour' FROM unnest(%({field})s::timestamptz[]) at OFFSET 0
            ) h (start, stop), LATERAL (
                SELECT * FROM {self.table} r WHERE r.organization_id = %(organization)s
                AND r.{field} >= h.start AND r.{field} < h.stop AND {self.where} OFFSET 0
            ) r GROUP BY 1, 2, 3"""  # noqa: S608 - our own tables


def _edge(value: str, edges: Sequence[float], slack: str = "0") -> str:
    """SQL: the place of the edge, as text; a value that equals one is within."""
    below = ", ".join(str(-edge) for edge in reversed(edges))
    return f"({len(edges)} - width_bucket((-{value} + {slack})::float8, ARRAY[{below}]::float8[]))::text"


def _duration(step: str, took: str) -> Hourly:
    edge = _edge(f"r.{took}", SECONDS, "5e-7")  # seconds are whole microseconds, but for the last bit
    return Hourly(DURATION, INVOICES, f"ARRAY['{step}', {edge}]", f"r.{took} >= 0 AND {VALID}", f"r.{took}")


HOURLY = {
    "ready_at": _duration("upload_ready", "ready_after"),
    "approved_at": _duration("ready_approved", "approved_after"),
    "completed_at": Hourly(
        PROCESSED, INVOICES, "ARRAY[r.processing_outcome]::text[]", f"r.processing_outcome IS NOT NULL AND {VALID}"
    ),
    "extracted_at": Hourly(
        CONFIDENCE,
        INVOICES,
        f"ARRAY[{_edge('r.extraction_confidence', CONFIDENCES)}]",
        f"r.extraction_confidence IS NOT NULL AND {VALID}",
        "r.extraction_confidence",
    ),
    "validated_at": Hourly(
        VALIDATED,
        INVOICES,
        "ARRAY[CASE WHEN r.structural_valid AND r.math_valid THEN 'pass' ELSE 'fail' END]",
        f"r.structural_valid IS NOT NULL AND r.math_valid IS NOT NULL AND {VALID}",
    ),
    "opened_at": Hourly(
        RAISED,
        EXCEPTIONS,
        f"ARRAY[coalesce(nullif(r.kind, ''), '{UNKNOWN}'), coalesce(nullif(r.severity, ''), '{UNKNOWN}')]",
        "true",
    ),
    ACTIVE: Hourly("", INVOICES, "ARRAY[]::text[]", f"r.completed_at IS NULL AND r.rejected_at IS NULL AND {VALID}"),
}
