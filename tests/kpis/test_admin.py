"""The facts in the admin: found, shown, and never touched."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.admin_lists import NewestOnly
from kpis.ingest import store_rows
from kpis.messages import EXCEPTION, INVOICE
from kpis.models import InvoiceException, InvoiceMetric, SystemMetric
from tests.admin_world import address, listed, text

pytestmark = pytest.mark.django_db


def stored(house, *rows, kind=INVOICE):
    for row in rows:  # each a message of its own: what contradicts an earlier one is stored
        assert store_rows(kind, house.ours, [row], now=timezone.now()).rejected == 0


def key(model, **fields):
    return str(model.objects.get(**fields).pk)


def test_invoices_are_found_by_their_whole_id_and_only_by_it(house):
    stored(house, {"invoice_id": "A 1"}, {"invoice_id": "A 10"})
    client = house.client("viewer")
    assert listed(client, InvoiceMetric, q=" A 1 ") == [key(InvoiceMetric, invoice_id="A 1")]
    assert listed(client, InvoiceMetric, q="A") == []
    assert listed(client, InvoiceMetric, q="Theirs-1") == []


def test_exceptions_are_found_by_their_own_and_their_invoices_id(house):
    stored(
        house, {"exception_id": "E", "invoice_id": "A"}, {"exception_id": "A"}, {"exception_id": "F"}, kind=EXCEPTION
    )
    assert len(listed(house.client("viewer"), InvoiceException, q="A")) == 2


@pytest.mark.parametrize("end", ["ready_at", "approved_at", "rejected_at"])
def test_an_end_before_its_start_is_listed_as_inconsistent(house, end):
    now = timezone.now()
    start = "uploaded_at" if end == "ready_at" else "ready_at"
    stored(house, {"invoice_id": "odd", start: now}, {"invoice_id": "odd", end: now - timedelta(hours=1)})
    client = house.client("viewer")
    assert listed(client, InvoiceMetric, inconsistent="yes") == [key(InvoiceMetric, invoice_id="odd")]
    assert "inconsistent: -1:00:00" in text(
        client.get(address(InvoiceMetric, "change", key(InvoiceMetric, invoice_id="odd")))
    )
    stored(house, {"invoice_id": "odd", start: now - timedelta(hours=2)})
    assert listed(client, InvoiceMetric, inconsistent="yes") == []


def test_an_exception_resolved_before_it_opened_is_inconsistent(house):
    now = timezone.now()
    late, early = (
        {"exception_id": "odd", "opened_at": now},
        {"exception_id": "odd", "resolved_at": now - timedelta(hours=1)},
    )
    stored(house, late, early, kind=EXCEPTION)
    assert listed(house.client("viewer"), InvoiceException, inconsistent="yes") == [
        key(InvoiceException, exception_id="odd")
    ]


def test_invoices_are_filtered_by_what_became_of_them(house):
    now = timezone.now()
    stored(
        house,
        {"invoice_id": "void", "voided_at": now},
        {"invoice_id": "bad", "processing_outcome": "failed", "completed_at": now, "uploaded_at": now},
    )
    client = house.client("viewer")
    void, bad, old = (key(InvoiceMetric, invoice_id=name) for name in ("void", "bad", "Ours-1"))
    assert listed(client, InvoiceMetric, voided="yes") == [void]
    assert sorted(listed(client, InvoiceMetric, voided="no")) == sorted([bad, old])
    assert listed(client, InvoiceMetric, processing_outcome__exact="failed") == [bad]
    assert listed(client, InvoiceMetric, uploaded_at__isnull="True") == [void]
    assert listed(client, InvoiceMetric, uploaded_at__gte=(now - timedelta(hours=1)).isoformat()) == [bad]


def test_every_field_is_shown_and_none_can_be_changed(house):
    invoice = InvoiceMetric.objects.get(invoice_id="Ours-1")
    for who in ("admin", "root"):
        client = house.client(who)
        answer = client.get(address(InvoiceMetric, "change", invoice.pk))
        shown = {name for fieldset in answer.context["adminform"] for line in fieldset for name in line.fields}
        hidden = {field.name for field in InvoiceMetric._meta.fields} - shown
        assert hidden == {"id", "ready_after", "approved_after", "rejected_after"}  # the last three in words
        assert "Ours vendor" in text(answer)
        for model in (InvoiceMetric, InvoiceException, SystemMetric):
            row = model.objects.filter(organization=house.ours).first()
            for page, args in (("add", ()), ("change", (row.pk,)), ("delete", (row.pk,))):
                assert client.post(address(model, page, *args), {"post": "yes", "vendor": "me"}).status_code == 403
    invoice.refresh_from_db()
    assert invoice.vendor == "Ours vendor"


def test_a_long_list_is_counted_to_a_bound_and_says_so(house, monkeypatch, django_assert_num_queries):
    client = house.client("viewer")
    InvoiceMetric.objects.bulk_create(InvoiceMetric(organization=house.ours, invoice_id=f"L-{k}") for k in range(120))
    assert "121 invoices" in text(client.get(address(InvoiceMetric, "changelist")))
    monkeypatch.setattr(NewestOnly, "most", 100)
    page = text(client.get(address(InvoiceMetric, "changelist")))
    assert "The first 100 of more invoices" in page
    assert client.get(address(InvoiceMetric, "changelist"), {"p": "3"}).status_code == 302  # beyond the bound
