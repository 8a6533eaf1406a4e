"""The KPIs of a range of time, what they were before, by vendor, channel or document type, and the backlog of now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Aggregate, Count, Min, Q, QuerySet, Sum
from django.db.models.functions import ExtractHour, ExtractIsoWeekDay

from accounts.models import Organization
from kpis import counting, ranges
from kpis.figures import Figures
from kpis.models import InvoiceMetric, Rollup, RollupState
from kpis.models.facts import OPEN
from kpis.periods import DAY, EPOCH, Interval, local_date, midnight, weeks_before

MOST_PARTS = 50
AGES = (1, 3, 7, 30)  # days that divide the backlog
WEEK = timedelta(weeks=1)


@dataclass(frozen=True)
class Scope:
    """Of whom, and which part of the work: all of it when `only` is empty. Rows reach back to `since`."""

    organization: Organization
    only: Mapping[str, str]
    since: datetime | None = None

    @property
    def zone(self) -> ZoneInfo:
        return self.organization.time_zone

    def figures(self, spans: Sequence[Interval], *, between: int = ranges.ROWS, binned: bool = True) -> list[Figures]:
        """Of each span; those of a part of the work come from the rows, as far as these reach."""
        if not self.only:
            return ranges.read(self.organization, spans, between=between, since=self.since, binned=binned)
        return counting.count(self.organization, [self.within_reach(span) for span in spans], self.only)

    def within_reach(self, span: Interval) -> Interval:
        start, end = span
        return (start, end) if self.since is None else (min(max(start, self.since), end), end)

    def data_through(self) -> datetime | None:
        """Whatever was ingested until then is in the rollups."""
        state = RollupState.objects.filter(organization=self.organization).values_list("counted_at", flat=True)
        return state.first()


class Middle(Aggregate):
    """The value in the middle, the lower one of two."""

    function = "PERCENTILE_DISC"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"


@dataclass(frozen=True)
class Backlog:
    """What is uploaded and neither approved, rejected, failed nor voided, by its age."""

    invoices: int
    oldest: datetime | None
    middle: datetime | None  # half of them have waited longer
    ages: Sequence[tuple[int | None, int]]  # (younger than so many days and not in the one before, invoices)


def comparable(span: Interval, zone: ZoneInfo) -> dict[str, Interval | None]:
    """The period of the same length before, and the same weekdays and hours earlier; None where no row can lie."""
    start, end = span
    weeks = -(-(end - start) // WEEK)
    earlier = {
        "previous": (_before(span, zone), start),
        "same_weekdays": (weeks_before(start, weeks, zone), weeks_before(end, weeks, zone)),
    }
    return {name: one if one[0] >= EPOCH else None for name, one in earlier.items()}


class Compared(NamedTuple):
    """The figures of a span, and of the earlier ones it is compared with, as `comparable` names them."""

    figures: Figures
    before: Mapping[str, tuple[Interval, Figures] | None]


def compared(scope: Scope, spans: Sequence[Interval]) -> tuple[Compared, Sequence[Figures]]:
    """The figures of the range that `spans` tile, with the earlier ones, and those of each span, read in one go."""
    earlier = comparable((spans[0][0], spans[-1][1]), scope.zone)
    known = {name: one for name, one in earlier.items() if one}
    found = scope.figures([*spans, *known.values()])
    whole = Figures()
    for one in found[: len(spans)]:
        whole.include(one)
    before = {name: (one, figures) for (name, one), figures in zip(known.items(), found[len(spans) :], strict=True)}
    return Compared(whole, {name: before.get(name) for name in earlier}), found[: len(spans)]


def _before(span: Interval, zone: ZoneInfo) -> datetime:
    """Where the period of the same length before begins; of whole local days: of as many days."""
    start, end = span
    first, last = (local_date(at, zone) for at in span)
    if (midnight(first, zone), midnight(last, zone)) == span:
        return midnight(first - (last - first), zone)
    return start - (end - start)


def parts(scope: Scope, span: Interval, by: str) -> tuple[dict[str | None, Figures], bool]:
    """The figures of the largest parts, by what `by` names; and whether there are more."""
    found = counting.count_parts(scope.organization, scope.within_reach(span), by, MOST_PARTS + 1, scope.only)
    return dict(islice(found.items(), MOST_PARTS)), len(found) > MOST_PARTS


def backlog(scope: Scope, *, now: datetime) -> Backlog:
    rows = InvoiceMetric.objects.filter(OPEN, organization=scope.organization, uploaded_at__lte=now, **scope.only)
    borders = [now, *(now - days * DAY for days in AGES)]
    younger = {
        f"age{i}": Count("pk", filter=Q(uploaded_at__lte=newest, uploaded_at__gt=oldest))
        for i, (newest, oldest) in enumerate(pairwise(borders))
    }
    found = rows.aggregate(invoices=Count("pk"), oldest=Min("uploaded_at"), middle=Middle("uploaded_at"), **younger)
    counts = [found[name] for name in younger]
    count = found["invoices"]
    ages = [*zip(AGES, counts, strict=True), (None, count - sum(counts))]
    return Backlog(count, found["oldest"], found["middle"], ages)


def load(scope: Scope, span: Interval) -> dict[tuple[int, int], int]:
    """How many invoices came at which local weekday (1 is Monday) and hour, in the hours that begin in the span."""
    start, end = scope.within_reach(span)
    mine: QuerySet[Any]
    if scope.only:
        mine = InvoiceMetric.objects.filter(voided_at=None, uploaded_at__gte=start, uploaded_at__lt=end, **scope.only)
    else:
        mine = Rollup.objects.filter(width=Rollup.Width.HOUR, figure="uploaded", start__gte=start, start__lt=end)
    moment, number = ("uploaded_at", Count("pk")) if scope.only else ("start", Sum("n"))
    local = ExtractIsoWeekDay(moment, tzinfo=scope.zone), ExtractHour(moment, tzinfo=scope.zone)
    slots = mine.filter(organization=scope.organization).order_by().values_list(*local).annotate(number)
    return {(day, hour): invoices for day, hour, invoices in slots}
