"""What a list of rows behind a figure of an objective is asked for, and what it says of that figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from accounts.models import Organization
from kpis.cursors import Cursor
from kpis.params import Params, Span, refusal
from kpis.periods import BUCKET, floor
from kpis.rows import EXCEPTIONS, INVOICES, OF_AN_INVOICE, Entry, Table
from slos import behind, exclusions, payloads
from slos.behind import Outcome
from slos.excluded import Excluded
from slos.models import SLIType, SLODefinition
from slos.recount import first_bucket, rows_since
from slos.windows import compliance_window

WITH_SLO = ("slo_id", "outcome", "as_of", "days", "start_date", "end_date", "limit", "cursor", "format")
FUTURE = timedelta(days=2)  # messages may tell of tomorrow


@dataclass(frozen=True)
class Figure:
    """The rows of one outcome that an objective counts in [start, end) of `span`, as of `now`."""

    slo: SLODefinition
    table: Table
    outcome: Outcome
    span: Span
    now: datetime
    past: bool
    only: Mapping[str, str]
    newest: bool = False  # first

    @cached_property
    def _left_out(self) -> Excluded:
        return exclusions.between(self.slo.organization_id, self.span.start, self.span.end)

    @property
    def ordered_by(self) -> type[datetime]:
        return datetime

    def about(self) -> Mapping[str, Any]:
        """The figure itself, counted from the same rows."""
        start, end = self.span.start, self.span.end
        counts, pending = behind.counts(
            self.slo, start, end, now=self.now, only=self.only, begun=self.past, left_out=self._left_out
        )
        return {
            "slo": payloads.identity(self.slo),
            "outcome": self.outcome,
            "period": self.span.as_data(),
            "filters": self.only,
            "figure": {
                "good_events_count": payloads.events(counts.good),
                "bad_events_count": payloads.events(counts.total - counts.good),
                "total_events_count": counts.total,
                "pending_events_count": pending,
            },
            "as_of": self.now,
            "counted_since": rows_since(self.slo.organization),
        }

    def page(self, limit: int, after: Cursor | None) -> Sequence[Entry]:
        place = behind.Cursor(after.key, after.id) if after and isinstance(after.key, datetime) else None
        events = behind.page(
            self.slo,
            self.span.start,
            self.span.end,
            self.outcome,
            now=self.now,
            limit=limit,
            only=self.only,
            after=place,
            begun=self.past,
            newest=self.newest,
            left_out=self._left_out,
        )
        return [
            Entry(event.row, Cursor(*event.cursor), {"decided_at": event.at, "good": event.good, "bad": event.bad})
            for event in events
        ]


def behind_figure(organization: Organization, table: Table, params: Params, now: datetime) -> Figure:
    """What the query asks for. Raises Problem."""
    parts = parts_of(table)
    for name in params:
        if name not in (*WITH_SLO, *parts):
            known = f"With slo_id only these may be given: {', '.join((*WITH_SLO, *parts))}."
            raise refusal(name, "contradiction", known)
    slo = _objective(organization, table, params)
    if "outcome" not in params:
        raise refusal("outcome", "required", f"Say which rows: {', '.join(Outcome)}.")
    outcome = Outcome(params.choice("outcome", list(Outcome), ""))
    moment = past_moment(params, organization, now)
    span = _span(slo, outcome, params, moment or now)
    only = {name: value for name in parts if (value := params.text(name))}
    return Figure(slo, table, outcome, span, moment or now, moment is not None, only)


def parts_of(table: Table) -> tuple[str, ...]:
    """The fields by which a figure can be narrowed to a part of the work."""
    return OF_AN_INVOICE if table is INVOICES else (*OF_AN_INVOICE, "kind")


def table_of(slo: SLODefinition) -> Table | None:
    """What an objective counts; None where a program sends its counts."""
    if slo.is_fed:
        return None
    return EXCEPTIONS if slo.sli_type == SLIType.EXCEPTION_RESOLUTION_TIME else INVOICES


def past_moment(params: Params, organization: Organization, now: datetime) -> datetime | None:
    """`as_of`, rounded down to a bucket, if it is given. Raises Problem."""
    moment = params.moment("as_of", organization.time_zone)
    if moment is None:
        return None
    moment, oldest = floor(moment), first_bucket(organization)
    if not oldest <= moment <= now:
        raise refusal("as_of", "range", f"Must lie between {oldest.isoformat()}, where the buckets begin, and now.")
    return moment


def _objective(organization: Organization, table: Table, params: Params) -> SLODefinition:
    wanted = params.uuid("slo_id")
    slo = organization.slos.filter(pk=wanted).first() if wanted else None
    if slo is None:
        raise refusal("slo_id", "unknown", "There is no such objective in your organisation.")
    counted = table_of(slo)
    if counted is None:
        raise refusal("slo_id", "contradiction", "A program sends the counts of this objective: it has no rows.")
    if table is not counted:
        raise refusal("slo_id", "contradiction", f"This objective counts {counted.kind.plural}; ask for those.")
    slo.organization = organization
    return slo


def _span(slo: SLODefinition, outcome: Outcome, params: Params, now: datetime) -> Span:
    """The range that is asked for, else the usual one."""
    if any(name in params for name in ("days", "start_date", "end_date")):
        if outcome == Outcome.PENDING and "days" in params:
            detail = (
                "Pending rows lie at their deadlines, which are to come; give start_date and end_date, or no range."
            )
            raise refusal("days", "contradiction", detail)
        return params.span("days", 30, now, slo.organization.time_zone)
    return usual_span(slo, outcome, now)


def usual_span(slo: SLODefinition, outcome: Outcome, now: datetime) -> Span:
    """The compliance window, or whatever is pending."""
    if outcome == Outcome.PENDING:
        return Span(floor(now), floor(now) + BUCKET + (slo.longest_wait or timedelta(0)) + FUTURE)
    start, end = compliance_window(slo, now, slo.organization)
    return Span(start, end)
