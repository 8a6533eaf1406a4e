"""The rows behind a figure: exactly those that it counts, each at the moment it was decided."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from kpis.calendars import MICROSECOND
from kpis.models import InvoiceException, InvoiceMetric
from slos import exclusions
from slos.budget import MIN_BAD, Counts
from slos.excluded import Excluded
from slos.indicators import EXCEPTIONS, Count, Events, counting
from slos.models import SLODefinition, SLOSnapshot
from slos.parts import OF_AN_INVOICE
from slos.pending import pending
from slos.sums import Sums

ALL: Mapping[str, str] = {}
AT_ONCE = "0"
MOST_CONTRIBUTORS = 10
MOST_EVENTS = 2_000_000  # that one tick looks through for them: a few seconds


class Outcome(StrEnum):
    GOOD = "good"
    BAD = "bad"
    PENDING = "pending"


# a confidence is a good and a bad part of its invoice
WANTED = {Outcome.GOOD: "{good} > 0", Outcome.BAD: "{good} < 1", Outcome.PENDING: "true"}


class Cursor(NamedTuple):
    """The place of a row in the order of a page."""

    at: datetime
    id: int


@dataclass(frozen=True)
class Event:
    """One row and what it counts for: good and bad parts of 1, both None while it is pending."""

    at: datetime  # when it was decided; the deadline of a pending one
    good: Decimal | None
    row: InvoiceMetric | InvoiceException

    @property
    def bad(self) -> Decimal | None:
        return None if self.good is None else 1 - self.good

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.at, self.row.pk)


@dataclass(frozen=True)
class Contributor:
    """A part of the work that has more than its share of the bad events."""

    field: str
    value: str
    bad: Decimal  # of this part
    total_bad: Decimal  # of all
    total: int  # events of this part
    total_events: int  # of all

    @property
    def share(self) -> Decimal:
        """Of the bad events, 0..1."""
        return self.bad / self.total_bad

    @property
    def lift(self) -> Decimal:
        """How many times more often its events are bad than events in general."""
        return self.share * self.total_events / self.total

    def beats_the_rest(self, times: Decimal) -> bool:
        """Its events are bad at least so many times as often as all others; these also count where they are few."""
        others, bad_others = self.total_events - self.total, self.total_bad - self.bad
        return others > 0 and self.bad * others >= times * bad_others * self.total


@dataclass(frozen=True)
class Due:
    """Pending events of the next time, and the last deadline among them."""

    count: int
    until: datetime | None


def page(
    slo: SLODefinition,
    start: datetime,
    end: datetime,
    outcome: Outcome,
    *,
    now: datetime,
    limit: int,
    only: Mapping[str, str] = ALL,
    after: Cursor | None = None,
    begun: bool = False,
    newest: bool = False,
    left_out: Excluded | None = None,
) -> list[Event]:
    """At most `limit` of the rows that were decided in [start, end), by (moment, id), after the row of `after`.

    Pending ones lie at their deadlines; `begun` leaves out those that start after `now`; `newest` turns the order
    round. Two statements, whose work grows with the page and what lies between its rows, not with the interval; a
    third one where `left_out` (see exclusions.count_of) is not given.
    """
    if slo.is_fed:
        return []
    params: dict[str, Any] = {"organization": slo.organization_id, "now": now, "limit": limit}
    keyset, beyond, order = "", *(("<", "DESC") if newest else (">", "ASC"))
    if after is not None:
        start, end = (start, min(end, after.at + MICROSECOND)) if newest else (max(start, after.at), end)
        keyset = f"AND ({{at}}, r.id) {beyond} (%(after_at)s, %(after_id)s)"
        params |= {"after_at": after.at, "after_id": after.id}
    count = exclusions.count_of(slo, start, end, only, left_out)
    selects = [
        f"(SELECT {events.at} AS at, r.id, {events.good} AS good {events.where}"
        f" AND {WANTED[outcome].format(good=events.good)} {keyset.format(at=events.at)}"
        f" ORDER BY {events.along} {order}, r.id {order} LIMIT %(limit)s)"
        for events in _ranges(count, start, end, outcome, params, begun=begun)
    ]
    if not selects:
        return []
    with connection.cursor() as cursor:
        both = " UNION ALL ".join(selects)
        sql = f"SELECT at, id, good FROM ({both}) e ORDER BY at {order}, id {order} LIMIT %(limit)s"  # noqa: S608
        cursor.execute(sql, params)
        found = cursor.fetchall()
    model = InvoiceException if count.indicator.table == EXCEPTIONS else InvoiceMetric
    rows = model.objects.filter(organization=slo.organization_id).in_bulk([pk for _, pk, _ in found])
    return [Event(at, good, rows[pk]) for at, pk, good in found if pk in rows]


def _ranges(
    count: Count, start: datetime, end: datetime, outcome: Outcome, params: dict[str, Any], *, begun: bool
) -> Iterator[Events]:
    if outcome != Outcome.PENDING:
        yield from count.decided(start, end, params)
    elif waiting := count.undecided(params, start=start, end=end, begun=begun):
        yield waiting


def counts(
    slo: SLODefinition,
    start: datetime,
    end: datetime,
    *,
    now: datetime,
    only: Mapping[str, str] = ALL,
    begun: bool = False,
    left_out: Excluded | None = None,
) -> tuple[Counts, int]:
    """Good and total of what was decided in [start, end), and how many pending events have their deadline in it."""
    count = exclusions.count_of(slo, start, end, only, left_out)
    params: dict[str, Any] = {"organization": slo.organization_id, "now": now}
    sql = counting([count], AT_ONCE, start, end, params)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found = cursor.fetchone()
    sums = Sums(*found[2:]) if found else Sums()
    waiting = pending(slo.organization, [count], now, (start, end), begun=begun)
    return Counts(sums.good, sums.total), waiting[count]


def contributors(
    slo: SLODefinition, start: datetime, end: datetime, *, now: datetime, left_out: Excluded | None = None
) -> list[Contributor]:
    """The parts of the work that are over-represented among the bad events of [start, end).

    Invoices by vendor, channel and document type, exceptions by kind. A part counts with at least 3 bad events, or
    with all there are. The one with the most bad events beyond its share of all events comes first.
    """
    if slo.is_fed:
        return []
    count = exclusions.count_of(slo, start, end, left_out=left_out)
    fields = ("kind",) if count.indicator.table == EXCEPTIONS else OF_AN_INVOICE
    params: dict[str, Any] = {"organization": slo.organization_id, "now": now}
    params |= {"few": MIN_BAD, "most": MOST_CONTRIBUTORS}
    columns = ", ".join(fields)
    groups = " UNION ALL ".join(
        f"SELECT sum(1 - {events.good}) AS bad, count(*) AS total, {columns} {events.where} GROUP BY {columns}"
        for events in count.decided(start, end, params)
    )
    by_value = ", ".join(f"('{field}', {field})" for field in fields)
    sql = f"""
        WITH groups AS MATERIALIZED ({groups}),
        whole AS MATERIALIZED (SELECT sum(bad) AS bad, sum(total)::bigint AS total FROM groups),
        parts AS (
            SELECT field, value, sum(bad) AS bad, sum(total)::bigint AS total
            FROM groups, LATERAL (VALUES {by_value}) v (field, value) WHERE value IS NOT NULL GROUP BY field, value
        )
        SELECT field, value, p.bad, w.bad, p.total, w.total FROM parts p, whole w
        WHERE p.bad > 0 AND (p.bad >= %(few)s OR p.bad = w.bad) AND p.bad * w.total > w.bad * p.total
        ORDER BY p.bad - w.bad * p.total / w.total DESC, field, value LIMIT %(most)s"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [Contributor(*row) for row in cursor.fetchall()]


def due_next(slo: SLODefinition, *, now: datetime, within: timedelta) -> Due:
    """The pending events whose deadline comes before `now` + `within`."""
    params: dict[str, Any] = {"organization": slo.organization_id, "now": now}
    waiting = Count.of(slo).undecided(params, end=now + within)
    if waiting is None:
        return Due(0, None)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*), max({waiting.at}) {waiting.where}", params)
        return Due(*cursor.fetchone())


class Looks:
    """Behind the figures of one moment: what many alerts ask for is looked up once.

    Once `most` events have been looked through, whatever else stands out is left unsaid: alerts must not be late.
    """

    def __init__(self, most: int = MOST_EVENTS, snapshots: Mapping[UUID, SLOSnapshot] | None = None) -> None:
        self.left, self._snapshots = most, dict(snapshots or {})
        self._contributors: dict[tuple[object, ...], list[Contributor]] = {}
        self._due: dict[tuple[object, ...], Due] = {}

    def contributors(
        self, slo: SLODefinition, start: datetime, end: datetime, *, now: datetime, events: int
    ) -> list[Contributor]:
        """`events` is about how many there are in [start, end)."""
        key = slo.organization_id, Count.of(slo), start, end, now
        if key not in self._contributors and self.left > 0:
            self.left -= events
            self._contributors[key] = contributors(slo, start, end, now=now)
        return self._contributors.get(key, [])

    def snapshot(self, slo: SLODefinition) -> SLOSnapshot | None:
        return self._snapshots.get(slo.pk) or SLOSnapshot.objects.filter(slo=slo).first()

    def due_next(self, slo: SLODefinition, *, now: datetime, within: timedelta) -> Due:
        key = slo.organization_id, Count.of(slo), now, within
        if key not in self._due:
            self._due[key] = due_next(slo, now=now, within=within)
        return self._due[key]
