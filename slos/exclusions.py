"""Leave a period or an invoice out of the figures, and take that back. The next tick makes the figures follow."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import Organization, User
from kpis import poke, recurrence
from kpis.models import InvoiceMetric
from kpis.periods import Interval, ceil, floor
from slos.excluded import Excluded
from slos.indicators import Count
from slos.models import EngineState, ExcludedPeriod, Exclusion, SLODefinition
from slos.retention import FINE

STATES = HOLDS, WITHDRAWN = "holds", "withdrawn"
LONGEST = timedelta(days=100)
MOST_INVOICES = 500  # of an organisation, at a time: a statement names each of them
MOST_PERIODS = 10_000
MOST_REASONS = 1_000  # that a page reads


def wrong(exclusion: Exclusion, *, now: datetime) -> dict[str, str]:
    """What is wrong with one that is not saved yet, by field."""
    found = {} if exclusion.reason.strip() else {"reason": "Say why it must not count."}
    if exclusion.invoice_id:
        return found | _wrong_invoice(exclusion)
    if exclusion.start is None or exclusion.end is None:
        missing = "start" if exclusion.start is None else "end"
        return found | {missing: "Name the start and the end of a period, or the number of an invoice."}
    return found | _wrong_period(exclusion, exclusion.start, exclusion.end, now)


def _wrong_invoice(exclusion: Exclusion) -> dict[str, str]:
    if exclusion.start or exclusion.end or exclusion.rrule:
        return {"invoice_id": "Name a period or an invoice, not both."}
    known = InvoiceMetric.objects.filter(organization=exclusion.organization_id)
    if not known.filter(invoice_id=exclusion.invoice_id).exists():
        return {"invoice_id": "There is no such invoice, or its details have been deleted. Exclude a period instead."}
    others = Exclusion.objects.filter(organization=exclusion.organization_id, withdrawn_at=None).exclude(invoice_id="")
    if known.filter(invoice_id__in=others.values("invoice_id")).count() >= MOST_INVOICES:
        return {"invoice_id": f"{MOST_INVOICES} invoices are excluded already. Exclude the period in which it was."}
    return {}


def _wrong_period(exclusion: Exclusion, start: datetime, end: datetime, now: datetime) -> dict[str, str]:
    if end <= start:
        return {"end": "Name a time after the start."}
    if end - start > LONGEST:
        return {"end": f"One period lasts {LONGEST.days} days at most. Pause the objective instead."}
    since = max(fine_since(exclusion.organization_id) or now - FINE, now - FINE)
    if start < since:
        oldest = ceil(since).astimezone(exclusion.organization.time_zone)
        return {"start": f"Of what is older only sums of days are left: begin at {oldest:%Y-%m-%d %H:%M} or later."}
    why = exclusion.rrule and recurrence.wrong(exclusion.rrule, start, end, exclusion.organization.time_zone)
    if why:
        return {"rrule": why}
    held = ExcludedPeriod.objects.filter(organization=exclusion.organization_id, exclusion__withdrawn_at=None).count()
    return {} if held < MOST_PERIODS else {"start": f"{held:,} periods are excluded already. Withdraw some first."}


def fine_since(organization: UUID) -> datetime | None:
    return EngineState.objects.filter(organization=organization).values_list("fine_since", flat=True).first()


def occurrences(exclusion: Exclusion) -> Iterator[Interval]:
    """Each time that it takes out, widened to whole buckets; none for an invoice."""
    if exclusion.start is None or exclusion.end is None:
        return
    each: Iterable[Interval] = [(exclusion.start, exclusion.end)]
    if exclusion.rrule:
        zone = exclusion.organization.time_zone
        each = recurrence.occurrences(exclusion.rrule, exclusion.start, exclusion.end, zone)
    for start, end in each:
        yield floor(start), ceil(end)


class Reason(NamedTuple):
    """Why an objective leaves something out: a time, or an invoice."""

    slo: UUID | None  # None: all of them
    start: datetime | None
    end: datetime | None
    invoice_id: str
    category: str
    reason: str
    by: str | None

    @property
    def word(self) -> str:
        return str(Exclusion.Category(self.category).label)

    def holds(self, slo: UUID, at: datetime, invoice_id: str | None) -> bool:
        if self.slo not in (None, slo):
            return False
        if self.invoice_id:
            return self.invoice_id == invoice_id
        return self.start is not None and self.end is not None and self.start <= at < self.end


def reasons(
    organization: Organization | UUID, start: datetime, end: datetime, invoices: Collection[str]
) -> list[Reason]:
    """Of what is left out of [start, end), and of some invoices, oldest first; one statement."""
    return _reasons(organization, _touching(start, end, invoices), MOST_REASONS)


def of_objective(slo: SLODefinition, start: datetime, end: datetime) -> list[Reason]:
    """All that it leaves out of [start, end), and its excluded invoices, oldest first; one statement."""
    its = Q(slos=None) | Q(slos=slo.pk)
    return _reasons(
        slo.organization_id, its & _touching(start, end, slo.excluded_invoices), MOST_PERIODS + MOST_INVOICES
    )


def _touching(start: datetime, end: datetime, invoices: Collection[str]) -> Q:
    times = Q(periods__start__lt=end, periods__end__gt=start)
    return times | Q(invoice_id__in=[number for number in invoices if number])


def _reasons(organization: Organization | UUID, wanted: Q, most: int) -> list[Reason]:
    rows = Exclusion.objects.filter(wanted, organization=organization, withdrawn_at=None)
    names = ("slos", "periods__start", "periods__end", "invoice_id", "category", "reason", "created_by__username")
    return [Reason._make(row) for row in rows.order_by("periods__start", "created_at").values_list(*names)[:most]]


@transaction.atomic
def make(exclusion: Exclusion, slos: Iterable[SLODefinition]) -> Exclusion:
    """Save one that is not `wrong`, of these objectives (none: of all), and put it in force."""
    exclusion.save()
    exclusion.slos.set(slos)
    put_in_force(exclusion)
    return exclusion


def page(
    organization: Organization, limit: int, *, state: str = "", slo: UUID | None = None, after: Exclusion | None = None
) -> list[Exclusion]:
    """The newest first, at most `limit` behind the one that is given. `slo`: only what that objective leaves out."""
    found = _whole(organization)
    if state:
        found = found.filter(withdrawn_at__isnull=state == HOLDS)
    if slo:
        found = found.filter(Q(slos=None) | Q(slos=slo))
    if after:
        at = after.created_at
        found = found.filter(Q(created_at__lt=at) | Q(pk__lt=after.pk), created_at__lte=at)
    return list(found.order_by("-created_at", "-pk")[:limit])


def find(organization: Organization, pk: UUID) -> Exclusion | None:
    return _whole(organization).filter(pk=pk).first()


def _whole(organization: Organization) -> QuerySet[Exclusion]:
    found = Exclusion.objects.filter(organization=organization)
    return found.select_related("created_by", "withdrawn_by").prefetch_related("slos")


@transaction.atomic
def put_in_force(exclusion: Exclusion) -> None:
    """Of one that is saved together with its objectives: the next tick applies it. Raises Unreadable."""
    ExcludedPeriod.objects.filter(exclusion=exclusion).delete()
    ExcludedPeriod.objects.bulk_create(
        ExcludedPeriod(organization=exclusion.organization, exclusion=exclusion, start=start, end=end)
        for start, end in occurrences(exclusion)
    )
    Exclusion.objects.filter(pk=exclusion.pk).update(settled=False)
    poke.look_now(exclusion.organization_id)


@transaction.atomic
def withdraw(exclusion: Exclusion, *, by: User | None, now: datetime) -> bool:
    """What it left out counts again with the next tick; False when somebody has withdrawn it before."""
    waiting = Exclusion.objects.filter(pk=exclusion.pk, withdrawn_at=None)
    changed = waiting.update(withdrawn_at=now, withdrawn_by=by, settled=False)
    exclusion.refresh_from_db(fields=["withdrawn_at", "withdrawn_by", "settled"])
    poke.look_now(exclusion.organization_id)
    return bool(changed)


def between(organization: Organization | UUID, start: datetime, end: datetime) -> Excluded:
    """What is left out of [start, end), and perhaps some more; one statement."""
    held = ExcludedPeriod.objects.filter(organization=organization, exclusion__withdrawn_at=None)
    rows = held.filter(end__gt=start, start__lt=end).order_by()
    return Excluded.of(rows.values_list("exclusion__slos", "start", "end"))


def count_of(
    slo: SLODefinition,
    start: datetime,
    end: datetime,
    only: Mapping[str, str] | None = None,
    left_out: Excluded | None = None,
) -> Count:
    """What the figures of [start, end) count, for whoever counts rows: without the periods that they leave out.

    `left_out`: what `between` tells of this time or of a longer one, where it has been read.
    """
    known = between(slo.organization_id, start, end) if left_out is None else left_out
    return Count.of(slo, only, without=known.text(slo.pk))
