"""What is left out is set aside: the figures of a tick follow the exclusions that have come or gone before it.

A 5-minute bucket keeps what was decided in it, whether it counts or not. One that is left out lies under another
width, where no sum looks for it, and comes back as it was. An invoice is left out by counting its buckets anew.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from accounts.models import Organization
from kpis.models import DirtyBucket, InvoiceException, InvoiceMetric
from kpis.periods import floor
from slos import exclusions
from slos.buckets import ASIDE, TABLE, Changed, sum_up
from slos.excluded import Excluded, merged, multirange
from slos.indicators import INDICATORS
from slos.models import ExcludedPeriod, Exclusion, SLODefinition

INSTANTS = {
    model: sorted({name for one in INDICATORS.values() if one.table == model._meta.db_table for name in one.instants})
    for model in (InvoiceMetric, InvoiceException)
}


def any_held(organization: Organization) -> bool:
    """Whether there is anything to leave out or to take back."""
    return organization.exclusions.filter(Q(settled=False) | Q(withdrawn_at=None)).exists()


def follow(organization: Organization, *, sealed_before: datetime | None) -> Changed:
    """Set aside, and take back, what exclusions want that no tick has seen; returns the changed buckets.

    Buckets of invoices are only marked: the tick counts them anew.
    """
    fresh = list(Exclusion.objects.select_for_update().filter(organization=organization, settled=False))
    if not fresh:
        return set()
    Exclusion.objects.filter(pk__in=[one.pk for one in fresh]).update(settled=True)
    if numbers := {one.invoice_id for one in fresh if one.invoice_id}:
        leave_out_invoices(organization)
        _mark(organization, numbers, sealed_before)
    changed = _move(organization, [one for one in fresh if not one.invoice_id])
    sum_up(organization, changed)
    return changed


def leave_out_invoices(organization: Organization) -> None:
    """Tell each objective which invoices it leaves out, of those whose rows are still there."""
    wanted = _invoices(organization)
    for slo in SLODefinition.objects.filter(organization=organization).only("pk", "sli_type", "excluded_invoices"):
        numbers = _of(slo, wanted)
        if numbers != slo.excluded_invoices:  # not by save(): it is no new version of the definition
            SLODefinition.objects.filter(pk=slo.pk).update(excluded_invoices=numbers)


def invoices_of(organization: Organization, slo: SLODefinition) -> list[str]:
    """What the next tick tells one objective."""
    return _of(slo, _invoices(organization))


def _invoices(organization: Organization) -> set[tuple[UUID | None, str]]:
    """(objective, or None for all of them, invoice)."""
    there = InvoiceMetric.objects.filter(organization=organization).values("invoice_id")
    held = organization.exclusions.filter(withdrawn_at=None, invoice_id__in=there)
    return set(held.values_list("slos", "invoice_id"))


def _of(slo: SLODefinition, wanted: Collection[tuple[UUID | None, str]]) -> list[str]:
    """None where no invoice is counted."""
    return [] if slo.is_fed else sorted({number for of, number in wanted if of in (None, slo.pk)})


def _mark(organization: Organization, numbers: Collection[str], sealed_before: datetime | None) -> None:
    marks = set()
    for model, names in INSTANTS.items():
        rows = model._default_manager.filter(organization=organization, invoice_id__in=numbers)
        for instants in rows.values_list(*names):
            marks |= {(name, floor(at)) for name, at in zip(names, instants, strict=True) if at}
    DirtyBucket.objects.bulk_create(
        DirtyBucket(organization=organization, field=name, start=at)
        for name, at in sorted(marks)
        if sealed_before is None or at >= sealed_before  # nobody has sent anything too late
    )


def _move(organization: Organization, fresh: Sequence[Exclusion]) -> Changed:
    """Put the buckets within some exclusions where all that hold want them."""
    times = ExcludedPeriod.objects.filter(exclusion__in=fresh).values_list("start", "end")
    touched = merged(times)
    if not touched:
        return set()
    start, end = touched[0][0], touched[-1][1]
    wanted = exclusions.between(organization, start, end)
    params: dict[str, Any] = {"organization": organization.pk, "start": start, "end": end}
    params |= {"touched": multirange(touched), "aside": ASIDE, **wanted.params}
    sql = f"""
        UPDATE {TABLE} b SET width = -b.width WHERE b.organization_id = %(organization)s
        AND b.width IN (5, %(aside)s) AND b.start >= %(start)s AND b.start < %(end)s
        AND b.start <@ %(touched)s::tstzmultirange
        AND (b.width = %(aside)s) IS DISTINCT FROM {Excluded.holds("b.slo_id", "b.start")}
        RETURNING b.slo_id, b.start"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return set(cursor.fetchall())
