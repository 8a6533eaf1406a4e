"""An objective may count a part of the work: figures, rows, verdicts and the form agree on which."""

from datetime import timedelta

import pytest

from accounts.models import Organization
from kpis.ingest import store_rows
from kpis.messages import EXCEPTION, INVOICE
from kpis.models import InvoiceMetric
from kpis.rows import INVOICES
from slos import behind, parts
from slos.behind import Outcome
from slos.indicators import Count
from slos.models import SLODefinition
from slos.tick import tick
from slos.verdicts import verdicts
from tests.slos.worlds_to_show import NOW

AT = NOW - timedelta(hours=5)


@pytest.fixture
def organization(db: None) -> Organization:
    made = Organization.objects.create(name="Parts", slug="parts")
    made.refresh_from_db()
    return made


def objective(organization: Organization, sli_type: str = "time_to_ready", **only: str) -> SLODefinition:
    return SLODefinition.objects.create(
        organization=organization, name=f"{sli_type} {only}", sli_type=sli_type, target_percentage=90, target_value=5,
        target_unit="minutes", measurement_periods=["daily"],
        only={name.replace("label_", "label:"): value for name, value in only.items()},
    )  # fmt: skip


def counted(organization: Organization, slo: SLODefinition, minutes: int = 0) -> tuple[int, int]:
    tick(organization, now=NOW + timedelta(minutes=minutes))
    slo.refresh_from_db()
    return int(slo.snapshot.good), slo.snapshot.total


def test_figures_rows_and_verdicts_are_of_the_same_part(organization: Organization) -> None:
    slo = objective(organization, vendor="Ada", label_region="north")
    rows = [("1", "Ada", "north", 3), ("2", "Ada", "south", 3), ("3", "Bo", "north", 3), ("4", "Ada", "north", 9)]
    told = [
        {"invoice_id": i, "vendor": vendor, "labels": {"region": region}, "uploaded_at": AT,
         "ready_at": AT + timedelta(minutes=took)} for i, vendor, region, took in rows
    ]  # fmt: skip
    store_rows(INVOICE, organization, told, now=NOW)
    assert counted(organization, slo) == (1, 2)
    span = AT - timedelta(days=1), NOW
    good = behind.page(slo, *span, Outcome.GOOD, now=NOW, limit=9)
    assert [str(event.row) for event in good] == ["1"]
    assert behind.counts(slo, *span, now=NOW, only={"vendor": "Bo"})[0].total == 0
    invoices = list(InvoiceMetric.objects.order_by("invoice_id"))
    found = verdicts(INVOICES, organization, [slo], invoices, now=NOW)
    said = [found[row.pk][0].because for row in invoices]
    assert said[0] == "ready after 3 min".replace(" min", "\N{NO-BREAK SPACE}min")
    assert said[1] == said[2] == "only vendor Ada and label region = north is counted"
    slo.only = {}
    slo.save()
    assert counted(organization, slo, 1) == (3, 4)


@pytest.mark.parametrize("invoice_first", [True, False])
@pytest.mark.parametrize("time", ["uploaded_at", "voided_at", None])
def test_an_exception_follows_its_invoice_to_another_part(
    organization: Organization, invoice_first: bool, time: str | None
) -> None:
    slo = objective(organization, "exception_resolution_time", vendor="Ada")
    exception = {"exception_id": "e", "invoice_id": "i", "opened_at": AT, "resolved_at": AT}
    invoice = {"invoice_id": "i", "vendor": "Ada", **({time: AT} if time else {})}
    messages = [(INVOICE, invoice), (EXCEPTION, exception)]
    for minute, (kind, message) in enumerate(messages if invoice_first else messages[::-1]):
        store_rows(kind, organization, [message], now=NOW)
        total = counted(organization, slo, minute)[1]
    assert total == (time != "voided_at")
    store_rows(INVOICE, organization, [{"invoice_id": "i", "voided_at": None}], now=NOW)
    assert counted(organization, slo, 2) == (1, 1)
    store_rows(INVOICE, organization, [{"invoice_id": "i", "vendor": "Bo"}], now=NOW)
    assert counted(organization, slo, 3) == (0, 0)


def test_what_is_stored_of_a_count_tells_every_part_apart(organization: Organization) -> None:
    several = [{}, {"vendor": "a"}, {"vendor": "a channel=b"}, {"vendor": "a", "channel": "b"}, {"label:vendor": "a"}]
    signatures = {Count.of(objective(organization, **one)).signature for one in several}
    assert len(signatures) == len(several)


@pytest.mark.parametrize(
    ("only", "says"),
    [
        ({"vendor": "Acme", "label:region": "north"}, ""),
        ([], "object"),
        ({"kind": "price"}, "vendor, channel, document_type or label:NAME"),
        ({"vendor": ""}, "needs a text"),
        ({"label:": "x"}, "needs a text"),
        ({"vendor": 3}, "needs a text"),
        ({"vendor": "x" * 201}, "at most 200"),
        ({"label:a\nb": "x"}, "one line"),
        ({f"label:{k}": "x" for k in range(9)}, "at most 8"),
    ],
)
def test_a_part_that_makes_no_sense_is_refused(only: object, says: str) -> None:
    said = parts.wrong(only)
    assert says in said
    assert bool(said) == bool(says)
