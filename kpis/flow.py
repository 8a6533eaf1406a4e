"""What came and what left, day by day, and what becomes of the backlog: counted with the daily look at the series."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate

from accounts.models import Organization
from kpis.capacity import DAYS, LONGEST, WEEK, Capacity, Day, capacity
from kpis.models import InvoiceMetric, SeriesLook
from kpis.periods import Interval, local_date
from kpis.summary import Scope
from kpis.words import number

NOT_YET = "days are looked through once a day, and no day has been yet"
OF_ALL = "it is known of all the work only"


def count(scope: Scope, days: Sequence[Interval]) -> list[list[int]]:
    """[came, left] of the last of these local days, as far as rows reach back."""
    wanted = [day for day in days[-DAYS:] if scope.since is None or day[0] >= scope.since]
    if not wanted:
        return []
    span = wanted[0][0], wanted[-1][1]
    rows = InvoiceMetric.objects.filter(organization=scope.organization, voided_at=None, uploaded_at__lt=span[1])
    failed = rows.filter(approved_at=None, rejected_at=None, processing_outcome="failed")
    came = _by_day(rows, "uploaded_at", span, scope)
    left = _by_day(rows, "approved_at", span, scope) + _by_day(failed, "completed_at", span, scope)
    left += _by_day(rows.filter(approved_at=None), "rejected_at", span, scope)
    dates = [local_date(start, scope.zone) for start, _ in wanted]
    return [[came[day], left[day]] for day in dates]


def _by_day(rows: QuerySet[InvoiceMetric], field: str, span: Interval, scope: Scope) -> Counter[date]:
    inside = rows.filter(**{f"{field}__gte": span[0], f"{field}__lt": span[1]}).order_by()
    found = inside.values_list(TruncDate(field, tzinfo=scope.zone)).annotate(Count("pk"))
    return Counter(dict(found))


def ahead(organization: Organization, backlog: int) -> tuple[Capacity, datetime | None]:
    """Of all the work, and the end of the days that it is judged by."""
    looks = SeriesLook.objects.filter(organization=organization, granularity="daily")
    found = looks.values_list("flow", "until").first()
    if found is None:
        return Capacity(reason=NOT_YET), None
    flow, until = found
    return capacity([Day(*day) for day in flow], backlog), until


def as_data(scope: Scope, backlog: int) -> dict[str, Any]:
    """For the API, the page and reports: in words, per week, and the first days of weeks; nulls where it cannot say."""
    found, until = (Capacity(reason=OF_ALL), None) if scope.only else ahead(scope.organization, backlog)
    known = not found.reason
    today = local_date(until, scope.zone) if until else date.min
    weeks = {
        "outgrows_in_week_of": _monday(today, found.week),
        "at_the_earliest": _monday(today, found.earliest),
        "at_the_latest": _monday(today, found.latest),
    }
    return {
        "said": said(found, backlog, weeks),
        "outgrown": found.outgrown if known else None,
        **weeks,
        "done_per_week": round(found.done, 2) if known else None,
        "growth_per_week": round(found.growth, 2) if known else None,
        "growth_per_week_low": round(found.low, 2) if known else None,
        "growth_per_week_high": round(found.high, 2) if known else None,
        "reason": found.reason or None,
    }


def _monday(today: date, weeks: int | None) -> date | None:
    """Of the week that holds the last day of so many weeks."""
    if weeks is None:
        return None
    last = today + timedelta(days=WEEK * weeks - 1)
    return last - timedelta(days=last.weekday())


def said(found: Capacity, backlog: int, weeks: dict[str, date | None]) -> str:
    """In one or two sentences."""
    if found.reason:
        return f"When the backlog outgrows what is done in a week cannot be said: {found.reason}."
    done, moves = f"about {number(round(found.done))}", _moves(found)
    if found.outgrown:
        return f"The backlog of {number(backlog)} is more than what is done in a week, {done}. It {moves}."
    if found.by_chance or found.growth < 0:
        return f"The backlog {moves}; in a week {done} are done."
    week, sooner, later = weeks.values()
    if week is None:
        return f"The backlog {moves}. It does not outgrow what is done in a week, {done}, within {LONGEST} weeks."
    between = f"between {_day(sooner)} and {_day(later)}" if later else f"from {_day(sooner)} on, or much later"
    outgrows = f"it outgrows what is done in a week, {done}, in the week of {_day(week)}"
    return f"The backlog {moves}. So {outgrows} ({between})."


def _moves(found: Capacity) -> str:
    if found.by_chance:
        return "has not changed by more than chance in four weeks"
    low, size, high = sorted(abs(round(one)) for one in (found.low, found.growth, found.high))
    verb = "grows" if found.growth > 0 else "shrinks"
    return f"{verb} by about {number(size)} a week ({number(low)} to {number(high)})"


def _day(at: date | None) -> str:
    return f"{at:%-d %B}" if at else ""
