"""Every operation of the API, by the name of its address and its method: what it takes and what it answers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from alerts.kinds import AlertType, Severity
from kpis import messages
from kpis.rows import EXCEPTIONS, INVOICES, OF_AN_INVOICE, Table
from slo_portal.openapi import alerts, exclusions, facts, kpis, objectives, reports
from slo_portal.reports.models import Report
from slos import reported
from slos.behind import Outcome
from slos.exclusions import STATES
from slos.models import Period, SLIType

JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"
MOMENT = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
TEXT = {"type": "string", "minLength": 1, "maxLength": 200}
FLAG = {"type": "boolean"}
ID = {"type": "string", "format": "uuid"}
EDITORS = "Needs the role of an SLO editor."
Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Param:
    name: str
    schema: Schema
    text: str
    required: bool = False


@dataclass(frozen=True)
class Operation:
    """`answer` is the type of `data`, `body` that of the request, `batch` the member that holds several of these."""

    summary: str
    answer: type
    params: tuple[Param, ...] = ()
    body: Any = None
    batch: str = ""
    media: tuple[str, ...] = (JSON,)
    status: int = 200
    file: bool = False
    page: bool = False
    text: str = ""
    conflicts: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)


def whole(low: int, high: int, default: int | None = None) -> Schema:
    more = {} if default is None else {"default": default}
    return {"type": "integer", "minimum": low, "maximum": high, **more}


def choice(names: Iterable[str], **more: Any) -> Schema:
    return {"type": "string", "enum": [str(name) for name in names], **more}


def texts(*names: str) -> tuple[Param, ...]:
    return tuple(Param(name, TEXT, f"Only with this {name.replace('_', ' ')}.") for name in names)


def span(days: str, most: int, default: int | None) -> tuple[Param, ...]:
    return (
        Param(days, whole(1, most, default), "The last days until now. Not together with start_date."),
        Param("start_date", MOMENT, "Start of the range, inclusive; a bare date is the start of a local day."),
        Param("end_date", MOMENT, "End of the range, exclusive; goes with start_date."),
    )


AS_OF = Param("as_of", MOMENT, "That moment instead of now, rounded down to 5 minutes, from today's facts.")
PARTS = texts(*OF_AN_INVOICE)
FORMAT = Param(
    "format", choice(("json", "csv"), default="json"), "csv: the whole list as a file, without limit and cursor."
)
PAGES = (
    Param("limit", whole(1, 500, 100), "Rows of a page."),
    Param("cursor", {"type": "string", "minLength": 1, "maxLength": 2000}, "next_cursor of the page before."),
    FORMAT,
)
ATOMIC = (Param("atomic", {**FLAG, "default": False}, "All rows or none: 422 when one is refused."),)


def rows(table: Table) -> tuple[Param, ...]:
    steps = [
        Param(f"{name}_{side}", MOMENT, f"{name} {word}.")
        for name in table.kind.times
        for side, word in (("from", "at this moment or later"), ("to", "before this moment"))
    ]
    return (
        *texts(*table.filters),
        Param("search", TEXT, f"Only with this in the {table.kind.key}, in upper or lower case."),
        Param("label", {**TEXT, "maxLength": 601}, "Only with this label: its name, or name=value."),
        Param("status", choice(table.status_names), "Only with this status."),
        *steps,
        Param(
            "slo_id", ID, "The rows behind a figure of this objective; with outcome, a range, and parts of the work."
        ),
        Param("outcome", choice(Outcome), "Which of them; required with slo_id."),
        AS_OF,
        *span("days", 365, None),
        *PAGES,
    )


def takes(summary: str, kind: messages.Kind, more: str = "") -> Operation:
    text = "One object, or a batch of up to 5,000. Good rows are stored even if others are refused, unless atomic."
    text = f"{text} {more}".strip()
    return Operation(summary, facts.Stored, ATOMIC, kind.struct, kind.wrapper, (JSON, NDJSON), text=text)


def act(summary: str, answer: type, body: Any = None) -> Operation:
    return Operation(summary, answer, body=body, conflicts=True)


OPERATIONS: dict[tuple[str, str], Operation] = {
    ("api-invoices", "post"): takes("Tell of invoices", messages.INVOICE),
    ("api-invoices", "get"): Operation("List invoices", facts.Invoices, rows(INVOICES), file=True),
    ("api-invoice", "get"): Operation("Show an invoice", facts.OneInvoice),
    ("api-exceptions", "post"): takes("Tell of exceptions", messages.EXCEPTION),
    ("api-exceptions", "get"): Operation("List exceptions", facts.Exceptions, rows(EXCEPTIONS), file=True),
    ("api-system", "post"): takes("Tell of system figures", messages.SYSTEM),
    ("api-counts", "post"): takes(
        "Tell how many were good, of how many",
        reported.COUNT,
        "For objectives of the SLI good_total. `at` lies anywhere in its bucket of 5 minutes; the last message about a"
        " bucket wins, so sending one again changes nothing.",
    ),
    ("api-events", "post"): Operation(
        "Tell what happened, as CloudEvents",
        facts.Stored,
        ATOMIC,
        facts.Event,
        "[]",
        ("application/cloudevents+json", "application/cloudevents-batch+json", JSON, NDJSON),
        text="An event whose source and id were seen before changes nothing.",
    ),
    ("api-kpis", "get"): Operation(
        "Show KPIs",
        kpis.KpiSummary,
        (*span("days", 90, 7), *PARTS, Param("group_by", choice(OF_AN_INVOICE), "The same for each of its values.")),
    ),
    ("api-trends", "get"): Operation(
        "Show trends of invoices",
        kpis.InvoiceTrends,
        (
            *span("days", 365, 30),
            Param("granularity", choice(Period.values, default="daily"), "Length of a period."),
            *PARTS,
        ),
    ),
    ("api-dashboard", "get"): Operation(
        "Show every objective",
        objectives.Dashboard,
        (
            *span("time_range_days", 365, 30),
            Param(
                "slo_types",
                {"type": "array", "items": choice([*SLIType.values, "duplicate_detection_recall"])},
                "Only these SLIs; repeatable.",
            ),
            AS_OF,
            *PARTS,
        ),
    ),
    ("api-definitions", "get"): Operation(
        "List definitions",
        objectives.Definitions,
        (
            Param("active_only", {**FLAG, "default": True}, "false: those that are paused, too."),
            Param("archived", {**FLAG, "default": False}, "true: the archived ones instead."),
        ),
    ),
    ("api-measurements", "get"): Operation(
        "List measurements",
        objectives.Measurements,
        (
            *span("days", 365, 30),
            Param("period", choice(Period.values), "The objective's own one where it is left out."),
            Param("limit", whole(1, 500, 100), "Rows of a page."),
            Param("cursor", MOMENT, "next_cursor of the page before."),
            FORMAT,
        ),
        file=True,
    ),
    ("api-initialize", "post"): Operation("Create the default objectives", objectives.Initialized, status=202),
    ("api-calculate", "post"): Operation(
        "Write measurements again",
        objectives.Calculation,
        (
            Param("period", choice(Period.values), "Required, here or in the body."),
            Param("hours_back", whole(1, 168, 24), "How far back."),
        ),
        status=202,
        more={
            "body": {
                "type": "object",
                "properties": {"period": choice(Period.values), "hours_back": whole(1, 168)},
                "additionalProperties": False,
            }
        },
    ),
    ("api-job", "get"): Operation("Show a job", objectives.OneJob),
    ("api-exclusions", "get"): Operation(
        "List exclusions",
        exclusions.Exclusions,
        (
            Param("state", choice(STATES), "Only those that hold, or that were withdrawn."),
            Param("slo_id", ID, "Only what this objective leaves out, what all do included."),
            Param("limit", whole(1, 500, 50), "Rows of a page."),
            Param("cursor", ID, "next_cursor of the page before."),
        ),
    ),
    ("api-exclusions", "post"): Operation(
        "Exclude a period or an invoice", exclusions.OneExclusion, body=exclusions.Excluding, status=201, text=EDITORS
    ),
    ("api-exclusion-preview", "post"): Operation(
        "Try an exclusion",
        exclusions.Previewed,
        body=exclusions.Excluding,
        text=f"What it would do to the figures of now, calculated by a tick of which nothing is kept. {EDITORS}",
    ),
    ("api-exclusion", "get"): Operation("Show an exclusion", exclusions.OneExclusion),
    ("api-exclusion-withdraw", "post"): Operation(
        "Withdraw an exclusion", exclusions.OneExclusion, text=f"Once withdrawn it stays so; make another. {EDITORS}"
    ),
    ("api-reports", "get"): Operation(
        "List reports",
        reports.Reports,
        (
            Param("kind", choice(Report.Kind.values), "Only of this kind."),
            Param("limit", whole(1, 500, 50), "Rows of a page."),
            Param("cursor", ID, "next_cursor of the page before."),
        ),
    ),
    ("api-reports", "post"): Operation(
        "Make a report",
        reports.OneReport,
        body=reports.ReportWish,
        status=201,
        text="Of any range, widened to whole buckets of 5 minutes, and a part of the work. It is kept as it is made.",
    ),
    ("api-report", "get"): Operation(
        "Show a report",
        reports.OneReport,
        (
            Param(
                "format",
                choice(("json", "csv", "html", "pdf"), default="json"),
                "csv: its figures as a file; html and pdf: to print or keep.",
            ),
        ),
        file=True,
        page=True,
    ),
    ("api-alerts", "get"): Operation(
        "List alerts",
        alerts.Alerts,
        (
            Param("severity", choice(Severity), "Only of this severity."),
            Param("resolved", FLAG, "Only resolved or only open ones."),
            Param("acknowledged", FLAG, "Only those that somebody has taken on, or nobody."),
            Param("slo_id", ID, "Only of this objective."),
            Param("alert_type", choice(AlertType), "Only of this type."),
            Param("limit", whole(1, 500, 50), "Rows of a page."),
            Param("offset", whole(0, 10_000_000, 0), "How many to leave out."),
        ),
    ),
    ("api-alert", "get"): Operation("Show an alert", alerts.OneAlert),
    ("api-acknowledge", "post"): act("Acknowledge an alert", alerts.Acknowledged, alerts.Acknowledging),
    ("api-unacknowledge", "post"): act("Take an acknowledgement back", alerts.Acknowledged),
    ("api-resolve", "post"): act("Resolve an alert", alerts.Resolved, alerts.Resolving),
    ("api-reopen", "post"): act("Reopen an alert", alerts.Reopened, alerts.Noting),
    ("api-snooze", "post"): act("Snooze an alert", alerts.Snoozed, alerts.Snoozing),
    ("api-unsnooze", "post"): act("End a snooze", alerts.Snoozed),
    ("api-assign", "post"): act("Assign an alert", alerts.Assigned, alerts.Assigning),
    ("api-notes", "post"): act("Write a note", alerts.Done, alerts.Writing),
}
