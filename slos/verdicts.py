"""What single rows count for: in which figures, when that was decided, and in words why."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Min

from accounts.models import Organization
from kpis.messages import EARLIEST
from kpis.models import InvoiceException, InvoiceMetric
from kpis.periods import BUCKET
from kpis.rows import EXCEPTIONS, Row, Table
from slos import exclusions, indicators, parts, words
from slos.exclusions import Reason
from slos.indicators import Count
from slos.models import SLIType, SLODefinition
from slos.sums import Query

MOST_COUNTS = 40  # in one statement; the planner's time grows faster than that
FAR = timedelta(days=3_650)
DONE = {"ready_at": "ready", "approved_at": "approved", "resolved_at": "resolved"}
NOT_YET = {
    "uploaded_at": "not uploaded yet",
    "ready_at": "not ready yet",
    "opened_at": "not opened yet",
    "validated_at": "not validated yet",
    "completed_at": "not completed yet",
    "extracted_at": "not extracted yet",
    "duplicate_confirmed_at": "not known as a duplicate",
}


@dataclass(frozen=True)
class Verdict:
    """What a row counts for in the figures of an objective: nothing while `at` is None, undecided while `good` is."""

    slo: SLODefinition
    row: Row
    now: datetime
    at: datetime | None = None  # when it was decided; the deadline of a pending one
    good: Decimal | None = None
    excluded: str = ""  # why it does not count

    @property
    def outcome(self) -> str:
        """good, bad, partly, pending or none."""
        if self.at is None or self.excluded:
            return "none"
        if self.good is None:
            return "pending"
        return {Decimal(0): "bad", Decimal(1): "good"}.get(self.good, "partly")

    @property
    def because(self) -> str:
        if self.excluded:
            return f"excluded: {self.excluded}"
        if self.at is None:
            return _not_counted(self.slo, self.row)
        if self.slo.is_timed:
            return self._in_time(self.at)
        return _judged(self.slo.sli_type, self.row)

    def _in_time(self, at: datetime) -> str:
        """Of a bad or pending row `at` is the deadline."""
        indicator = Count.of(self.slo).indicator
        done, ended = DONE[indicator.ended], getattr(self.row, indicator.ended)
        if self.outcome == "good":
            return f"{done} after {_span(getattr(self.row, indicator.took))}"
        if self.outcome == "pending":
            return f"not {done} yet, {_span((at - self.now).total_seconds())} left"
        if ended is None or ended > self.now:
            return f"not {done}, {_span((self.now - at).total_seconds())} overdue"
        return f"{done} {_span((ended - at).total_seconds())} late"


def verdicts(
    table: Table,
    organization: Organization,
    slos: Iterable[SLODefinition],
    rows: Sequence[Row],
    *,
    now: datetime,
    most: int | None = None,
) -> dict[int, list[Verdict]]:
    """By the key of a row: one for each of the objectives that count rows of this table, in their order.

    None at all where the objectives count in more than `most` ways.
    """
    counted = [(slo, replace(Count.of(slo), besides=())) for slo in slos]
    counted = [(slo, count) for slo, count in counted if count.indicator.table == _name(table)]
    counts = sorted({count for _, count in counted}, key=lambda count: count.signature) if rows else []
    if most is not None and len(counts) > most:
        return {}
    found: dict[tuple[Count, int], tuple[datetime, Decimal | None]] = {}
    for k in range(0, len(counts), MOST_COUNTS):
        found |= _found(organization, counts[k : k + MOST_COUNTS], [row.pk for row in rows], now)
    judged = {
        row.pk: [Verdict(slo, row, now, *found.get((count, row.pk), (None, None))) for slo, count in counted]
        for row in rows
    }
    return _with_reasons(organization, judged, now)


def _with_reasons(
    organization: Organization, judged: dict[int, list[Verdict]], now: datetime
) -> dict[int, list[Verdict]]:
    """A pending row is left out when it is decided in a time that is; an excluded invoice already now."""
    known = [one for several in judged.values() for one in several if one.at]
    if not known:
        return judged
    moments = [one.at for one in known if one.at]
    numbers = {one.row.invoice_id for one in known if one.row.invoice_id}
    why = exclusions.reasons(organization, min(moments), max(moments) + BUCKET, numbers)
    return {pk: [replace(one, excluded=_excluded(one, why)) for one in several] for pk, several in judged.items()}


def _excluded(one: Verdict, why: Iterable[Reason]) -> str:
    for reason in why:
        decided = reason.invoice_id or one.good is not None
        if one.at and decided and reason.holds(one.slo.pk, one.at, one.row.invoice_id):
            return f"{reason.word.lower()}, {reason.reason}"
    return ""


def of_invoices(slo: SLODefinition, numbers: Collection[str], *, now: datetime) -> Query:
    """When each of some invoices, or of their exceptions, is decided (`at`), and its `good` part; excluded or not."""
    sql, params = _query(slo.organization, [replace(Count.of(slo), besides=())], "invoice_id", numbers, now)
    return f"SELECT at, good FROM ({sql}) found (k, id, at, good) WHERE good IS NOT NULL", params  # noqa: S608


def _name(table: Table) -> str:
    return indicators.EXCEPTIONS if table is EXCEPTIONS else indicators.INVOICES


def _found(
    organization: Organization, counts: Sequence[Count], those: Collection[int], now: datetime
) -> dict[tuple[Count, int], tuple[datetime, Decimal | None]]:
    """Of rows by their ids."""
    with connection.cursor() as cursor:
        cursor.execute(*_query(organization, counts, "id", those, now))
        return {(counts[k], pk): (at, good) for k, pk, at, good in cursor.fetchall()}


def _query(
    organization: Organization,
    counts: Sequence[Count],
    column: str,
    those: Collection[int] | Collection[str],
    now: datetime,
) -> Query:
    """By the conditions of the figures themselves, so that a row and a figure never disagree.

    The rows, `those` by their ids or the numbers of their invoices, come first: the ranges of the figures would lead
    the planner to all rows there are.
    """
    table = counts[0].indicator.table
    params: dict[str, Any] = {"organization": organization.pk, "now": now, "those": list(those)}
    selects = []
    for k, count in enumerate(counts):
        since = _first_start(organization, count, column, those, now) if count.calendar else EARLIEST
        events = [*count.decided(since, now + FAR, params, f"_{k}")]
        if waiting := count.undecided(params, f"_{k}"):
            events.append(waiting)
        among = [one.where.replace(f"FROM {table} r", "FROM those r", 1) for one in events]
        selects += [f"SELECT {k}, r.id, {one.at}, {one.good} {where}" for one, where in zip(events, among, strict=True)]
    sql = f"""
        WITH those AS MATERIALIZED (
            SELECT * FROM {table} WHERE organization_id = %(organization)s AND {column} = ANY(%(those)s)
        ) {" UNION ALL ".join(selects)}"""  # noqa: S608
    return sql, params


def _first_start(
    organization: Organization, count: Count, column: str, those: Collection[Any], now: datetime
) -> datetime:
    """Of those rows: no one of them is decided before."""
    model = InvoiceException if count.indicator.table == indicators.EXCEPTIONS else InvoiceMetric
    rows = model.objects.filter(organization=organization, **{f"{column}__in": those})
    return rows.aggregate(first=Min(count.indicator.started))["first"] or now


def _not_counted(slo: SLODefinition, row: Row) -> str:
    indicator = Count.of(slo).indicator
    if _of_another_part(slo, row):
        return f"only {parts.words(slo.only)} is counted"
    if isinstance(row, InvoiceMetric) and row.voided_at and slo.sli_type != SLIType.DUPLICATE_RECALL:
        return "voided"
    begins = indicator.started or indicator.ended
    if getattr(row, begins) is None:
        return NOT_YET[begins]
    if not slo.is_timed:
        return "its outcome is not known"
    took = getattr(row, indicator.took)
    if took is not None and took < 0:
        return f"{DONE[indicator.ended]} before it began: its times contradict each other"
    if isinstance(row, InvoiceException):
        return "its invoice is voided" + (f", or not of {parts.words(slo.only)}" if slo.only else "")
    return "withdrawn, or outside of what is counted"


def _of_another_part(slo: SLODefinition, row: Row) -> bool:
    """As far as the row itself tells: the vendor of an exception is that of its invoice."""
    for name, value in slo.only.items():
        label = name.removeprefix(parts.LABEL)
        if (row.labels.get(label) if label != name else getattr(row, name, value)) != value:
            return True
    return False


def _judged(sli_type: str, row: Any) -> str:
    """Of an SLI without a time limit."""
    if sli_type == SLIType.VALIDATION_PASS_RATE:
        failed = [
            name for name, passed in (("structure", row.structural_valid), ("sums", row.math_valid)) if not passed
        ]
        return f"failed the check of its {' and '.join(failed)}" if failed else "passed both checks"
    if sli_type == SLIType.EXTRACTION_ACCURACY:
        return f"read with a confidence of {words.plain(row.extraction_confidence)}"
    if sli_type == SLIType.DUPLICATE_RECALL:
        return "a duplicate that was flagged" if row.duplicate_flagged else "a duplicate that was missed"
    return "processing " + (row.processing_outcome or "")


def _span(seconds: float) -> str:
    return words.ago(seconds)
