"""The SLIs: how to count good and total events, by the moment each was decided, from ranges of rows.

A timed SLI needs two index ranges per bucket: what ended in it in time, and what had its deadline in it and had not
ended by then. So overdue work is found by its deadline, and nothing ever searches for it. A moment after `now` is
not decided yet.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from kpis.calendars import MICROSECOND, Calendar
from kpis.models import Arrival, InvoiceException, InvoiceMetric
from slos.clocks import Clock
from slos.models import ReportedCount, SLIType, SLODefinition
from slos.parts import LABEL, OF_AN_INVOICE

INVOICES, EXCEPTIONS, ARRIVALS, REPORTED = (
    model._meta.db_table for model in (InvoiceMetric, InvoiceException, Arrival, ReportedCount)
)
FED = "slo_id"  # of a reported count: the objective that it is for
AHEAD = timedelta(days=3)  # a message may name a start a day from now
WITHDRAWN = timedelta(days=35)  # of what ends late, looked back for whether it had been withdrawn in time
BIN = "date_bin('5 minutes', {at}, timestamptz '2000-01-01 00:00Z')"
NEVER = "null::float8"
NOT_VOIDED = "r.voided_at IS NULL"
INVOICE_NOT_VOIDED = (
    f"NOT EXISTS (SELECT FROM {INVOICES} i WHERE i.organization_id = r.organization_id"
    " AND i.invoice_id = r.invoice_id AND i.voided_at IS NOT NULL)"
)


@dataclass(frozen=True)
class Indicator:
    """How one SLI counts. `ended` is when an event ends; a timed one also has a start and the time it took."""

    table: str
    ended: str
    counted: str  # condition: the row is an event
    good: str = ""  # expression: its good part (untimed)
    total: str = "1"  # expression: how many events the row is
    started: str = ""
    took: str = ""  # seconds from `started` to `ended`
    withdrawn: str = NEVER  # seconds from `started` to what makes an overdue row no event

    @property
    def instants(self) -> tuple[str, ...]:
        """The fields whose change is a change of this SLI."""
        return (self.ended, self.started) if self.started else (self.ended,)


INDICATORS = {
    SLIType.TIME_TO_READY: Indicator(
        INVOICES,
        "ready_at",
        f"{NOT_VOIDED} AND coalesce(r.ready_after, 0) >= 0",
        started="uploaded_at",
        took="ready_after",
    ),
    SLIType.APPROVAL_LATENCY: Indicator(
        INVOICES,
        "approved_at",
        f"{NOT_VOIDED} AND coalesce(r.approved_after, 0) >= 0 AND coalesce(r.rejected_after, 0) >= 0",
        started="ready_at",
        took="approved_after",
        withdrawn="r.rejected_after",
    ),
    SLIType.EXCEPTION_RESOLUTION_TIME: Indicator(
        EXCEPTIONS,
        "resolved_at",
        f"coalesce(r.resolved_after, 0) >= 0 AND {INVOICE_NOT_VOIDED}",
        started="opened_at",
        took="resolved_after",
    ),
    SLIType.VALIDATION_PASS_RATE: Indicator(
        INVOICES,
        "validated_at",
        f"{NOT_VOIDED} AND r.structural_valid IS NOT NULL AND r.math_valid IS NOT NULL",
        good="(r.structural_valid AND r.math_valid)::int",
    ),
    SLIType.PROCESSING_SUCCESS_RATE: Indicator(
        INVOICES,
        "completed_at",
        f"{NOT_VOIDED} AND r.processing_outcome IS NOT NULL",
        good="(r.processing_outcome = 'succeeded')::int",
    ),
    SLIType.EXTRACTION_ACCURACY: Indicator(
        INVOICES,
        "extracted_at",
        f"{NOT_VOIDED} AND r.extraction_confidence IS NOT NULL",
        good="r.extraction_confidence",
    ),
    SLIType.DUPLICATE_RECALL: Indicator(
        INVOICES,
        "duplicate_confirmed_at",
        "r.duplicate_confirmed",
        good="coalesce(r.duplicate_flagged, false)::int",
    ),
    SLIType.GOOD_TOTAL: Indicator(REPORTED, "counted_at", "r.total > 0", good="r.good", total="r.total"),
}


@dataclass(frozen=True)
class Events:
    """Rows that one index range finds, as pieces of a SELECT. The row is `r`."""

    at: str  # when it is decided
    along: str  # the column whose order is that of `at`
    good: str  # its good part, 0..1
    where: str  # FROM and WHERE


@dataclass(frozen=True)
class Count:
    """What is counted for one or more objectives: an SLI, its limit, and a part of the work (field: value).

    Excluded invoices are no part of it, nor is what was decided in `without`, a multirange. Buckets are counted with
    it: they are set aside as a whole.
    """

    sli_type: str
    limit: timedelta | None = None
    only: tuple[tuple[str, str], ...] = field(default=())
    besides: tuple[str, ...] = ()  # invoices
    without: str = ""
    calendar: Calendar | None = None  # whose working time the limit is read in

    @classmethod
    def of(cls, slo: SLODefinition, only: Mapping[str, str] | None = None, *, without: str = "") -> "Count":
        """`only` narrows further what the objective itself counts."""
        seconds = slo.limit_seconds
        limit = None if seconds is None else timedelta(seconds=seconds)
        fed = {FED: str(slo.pk)} if slo.is_fed else {}
        parts = tuple(sorted({*slo.only.items(), *(only or {}).items(), *fed.items()}))
        return cls(slo.sli_type, limit, parts, tuple(slo.excluded_invoices), without, slo.hours)

    @property
    def signature(self) -> str:
        """What is stored beside the counted buckets, to see when they must be counted anew."""
        limit = "" if self.limit is None else f" {self.limit.total_seconds()!r} s"
        limit += f" of {self.calendar.digest}" if self.calendar else ""
        return self.sli_type + limit + (f" {json.dumps(self.only, ensure_ascii=False)}" if self.only else "")

    @cached_property
    def indicator(self) -> Indicator:
        return INDICATORS[SLIType(self.sli_type)]

    @cached_property
    def clock(self) -> Clock:
        return Clock(self.limit or timedelta(0), self.calendar)

    @property
    def _started(self) -> str:
        return f"r.{self.indicator.started}"

    def _condition(self, params: dict[str, Any], tag: str) -> str:
        """The row is an event of the wanted part of the work."""
        terms = [self.indicator.counted]
        for k, (name, value) in enumerate(self.only):
            params[f"o{k}{tag}"] = value
            if self.indicator.table == REPORTED and name != FED:
                terms.append("false")  # of whom a program has counted is not known
            elif name.startswith(LABEL):
                params[f"l{k}{tag}"] = name.removeprefix(LABEL)
                terms.append(f"r.labels ->> %(l{k}{tag})s = %(o{k}{tag})s")
            elif self.by_invoice and name in OF_AN_INVOICE:
                terms.append(
                    f"EXISTS (SELECT FROM {INVOICES} f WHERE f.organization_id = r.organization_id"
                    f" AND f.invoice_id = r.invoice_id AND f.{name} = %(o{k}{tag})s)"
                )
            else:
                terms.append(f"r.{name} = %(o{k}{tag})s")
        if self.besides:
            params[f"besides{tag}"] = list(self.besides)
            terms.append(f"(r.invoice_id = ANY(%(besides{tag})s)) IS NOT TRUE")
        return " AND ".join(terms)

    def _counts_at(self, moment: str, params: dict[str, Any], tag: str) -> str:
        if not self.without:
            return ""
        params[f"without{tag}"] = self.without
        return f" AND NOT {moment} <@ %(without{tag})s::tstzmultirange"

    @property
    def by_invoice(self) -> bool:
        """Which part an event belongs to is written on another row: that of its invoice."""
        return self.indicator.table == EXCEPTIONS and any(name in OF_AN_INVOICE for name, _ in self.only)

    def scans(self, bucket: str, start: datetime, end: datetime, params: dict[str, Any], tag: str) -> Iterator[str]:
        """SELECTs of (start, good, total, duration_us, duration_count) of what was decided in [start, end)."""
        this = self.indicator
        self._know(start, end, params, tag)
        ended = self._ended(start, end, params, tag)
        ended_in = bucket.format(at=f"r.{this.ended}")
        if self.limit is None:
            yield f"SELECT {ended_in}, {this.good}::numeric, {this.total}, 0::bigint, 0 {ended}"
            return
        in_time = f"{self._in_time(tag)}::int"
        yield (
            f"SELECT {ended_in}, {in_time}::numeric, {in_time}, (r.{this.took} * 1000000)::bigint, 1"
            f" {ended} AND r.{this.took} IS NOT NULL AND {self._not_withdrawn(tag)}"
        )
        due_in = bucket.format(at=self._deadline(tag))
        yield f"SELECT {due_in}, 0::numeric, 1, 0::bigint, 0 {self._overdue(start, end, params, tag)}"

    def decided(self, start: datetime, end: datetime, params: dict[str, Any], tag: str = "") -> Iterator[Events]:
        """The events that `scans` counts, range by range."""
        self._know(start, end, params, tag)
        ended = f"r.{self.indicator.ended}"
        where = self._ended(start, end, params, tag)
        if self.limit is None:
            yield Events(ended, ended, f"{self.indicator.good}::numeric", where)
            return
        yield Events(ended, ended, "1::numeric", f"{where} AND {self._in_time(tag)} AND {self._not_withdrawn(tag)}")
        yield Events(self._deadline(tag), self._along(tag), "0::numeric", self._overdue(start, end, params, tag))

    def _know(self, start: datetime, end: datetime, params: dict[str, Any], tag: str) -> None:
        """The deadlines of whatever may be decided in [start, end)."""
        if self.calendar and self.limit:
            first = self.clock.first(start)
            since = first if self.indicator.withdrawn == NEVER else min(first, start - WITHDRAWN)
            self.clock.know(params, tag, since, min(end, params["now"] + MICROSECOND))

    def _from(self, params: dict[str, Any], tag: str) -> str:
        condition = self._condition(params, tag)
        joined = self.clock.joined(self._started, tag) if self.limit else ""
        return f"FROM {self.indicator.table} r{joined} WHERE r.organization_id = %(organization)s AND {condition}"

    def _ended(self, start: datetime, end: datetime, params: dict[str, Any], tag: str) -> str:
        params |= {f"s{tag}": start, f"e{tag}": end}
        ended = f"r.{self.indicator.ended}"
        return (
            f"{self._from(params, tag)} AND {ended} >= %(s{tag})s AND {ended} < %(e{tag})s AND {ended} <= %(now)s"
            f"{self._counts_at(ended, params, tag)}"
        )

    def unconfirmed(self, since: datetime, params: dict[str, Any], tag: str) -> Events:
        """What is bad by a deadline in (since, now] and goes on.

        As the tick has counted it: a row of a batch that was committed since then may have been counted as going on,
        whatever has become of it, and is in as well.
        """
        self._know(since, params["now"] + MICROSECOND, params, tag)
        due = self._due(since + MICROSECOND, params["now"] + MICROSECOND, params, tag)
        goes_on = f"coalesce(r.{self.indicator.ended}, 'infinity') > %(now)s AND {self._not_withdrawn(tag)}"
        new = f"r.updated_at IN (SELECT at FROM {ARRIVALS} WHERE organization_id = %(organization)s)"  # noqa: S608
        return Events(self._deadline(tag), self._along(tag), "0::numeric", f"{due} AND ({goes_on} OR {new})")

    def _overdue(self, start: datetime, end: datetime, params: dict[str, Any], tag: str) -> str:
        """What had its deadline in [start, end) and had not ended by then."""
        late = f"{self._in_time(tag)} IS NOT TRUE AND {self._not_withdrawn(tag)}"
        return f"{self._due(start, end, params, tag)} AND {late}"

    def _due(self, start: datetime, end: datetime, params: dict[str, Any], tag: str) -> str:
        """What has its deadline in [start, end), up to now."""
        clock, started = self.clock, self._started
        params |= {f"ds{tag}": clock.first(start), f"de{tag}": clock.first(end), f"dn{tag}": clock.last(params["now"])}
        return (
            f"{self._from(params, tag)} AND {started} >= %(ds{tag})s AND {started} < %(de{tag})s"
            f" AND {started} <= %(dn{tag})s{self._counts_at(f'({self._deadline(tag)})', params, tag)}"
        )

    def _deadline(self, tag: str) -> str:
        return self.clock.deadline(self._started, tag)

    def _along(self, tag: str) -> str:
        """On a working clock many starts share a deadline."""
        return self._deadline(tag) if self.calendar else self._started

    def _in_time(self, tag: str) -> str:
        return self.clock.keeps(f"r.{self.indicator.took}", self._started, tag)

    def _not_withdrawn(self, tag: str) -> str:
        """What ends in time counts, withdrawn or not."""
        withdrawn = self.indicator.withdrawn
        after = self.clock.breaks(withdrawn, self._started, tag)
        return f"({withdrawn} IS NULL OR {after} OR {self._in_time(tag)} IS TRUE)"

    def pending(
        self,
        params: dict[str, Any],
        tag: str,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        begun: bool = False,
    ) -> str:
        """SELECT of the number of events undecided at `now`, of those whose deadline lies in [start, end).

        `begun` leaves out what starts after `now`.
        """
        waiting = self.undecided(params, tag, start, end, begun=begun)
        return f"SELECT count(*) {waiting.where}" if waiting else "SELECT 0"

    def undecided(
        self,
        params: dict[str, Any],
        tag: str = "",
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        begun: bool = False,
    ) -> Events | None:
        """The events that `pending` counts, at their deadlines; None for an SLI without a limit."""
        this, clock, own = self.indicator, self.clock, f"{tag}p"
        if self.limit is None:
            return None
        bounds = [f"r.{this.started} > %(pn{tag})s", *([f"r.{this.started} <= %(now)s"] if begun else [])]
        params[f"pn{tag}"] = clock.last(params["now"])
        for name, moment, sign in (("ps", start, ">="), ("pe", end, "<")):
            if moment is not None:
                bounds.append(f"r.{this.started} {sign} %({name}{tag})s")
                params[f"{name}{tag}"] = clock.first(moment)
        clock.know(params, own, clock.last(params["now"]), params.get(f"pe{tag}", params["now"] + AHEAD))
        where = (
            f"{self._from(params, own)} AND {' AND '.join(bounds)}"
            f" AND coalesce(r.{this.ended}, 'infinity') > %(now)s AND {self._not_withdrawn(own)}"
        )
        return Events(self._deadline(own), self._along(own), "null::numeric", where)


def counting(counts: Sequence[Count], bucket: str, start: datetime, end: datetime, params: dict[str, Any]) -> str:
    """One statement for several counts: (k, start, good, total, duration_us, duration_count), k = place in `counts`."""
    selects = []
    for k, count in enumerate(counts):
        scans = " UNION ALL ".join(count.scans(bucket, start, end, params, f"_{k}"))
        selects.append(
            f"SELECT {k} AS k, start, sum(good) AS good, sum(total)::bigint AS total,"  # noqa: S608
            f" sum(duration_us)::bigint AS duration_us, sum(duration_count)::bigint AS duration_count"
            f" FROM ({scans}) e (start, good, total, duration_us, duration_count) GROUP BY start"
            f" HAVING sum(total) > 0 OR sum(duration_count) > 0"
        )
    return " UNION ALL ".join(selects)
