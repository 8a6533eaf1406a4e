"""KPIs from rollups and rows, at any moment and for any range, equal those of a naive count over the same rows."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db.models.expressions import RawSQL

from accounts.models import Organization
from kpis import rollups, summary, trends
from kpis.figures import DURATIONS
from kpis.ingest import store_rows
from kpis.messages import INVOICE
from kpis.models import ExceptedInvoice, InvoiceMetric, Rollup, RollupMark, RollupState
from kpis.periods import Interval
from kpis.summary import Scope
from slo_portal import tasks
from slos.buckets import take_marks
from tests.facts import NOON, at, exception, invoice
from tests.kpis.comparing import assert_equal, count_again
from tests.oracle import kpis as oracle
from tests.oracle import worlds
from tests.oracle.facts import World
from tests.slos.playing import KINDS

pytestmark = pytest.mark.django_db
NUMBERS = count()
ADA = {"vendor": "Ada"}
XMIN = RawSQL("kpis_rollup.xmin::text", [])  # the transaction that wrote a row


def another_organization(zone: object = "UTC") -> Organization:
    slug = f"k{next(NUMBERS)}"
    organization = Organization.objects.create(name=slug, slug=slug, time_zone=zone)
    organization.refresh_from_db()
    return organization


def touched_by_hand(rng: Random) -> Iterator[dict[str, Any]]:
    for n in range(0, 40, 2):
        reviewed, currency = rng.choice([True, False, None]), rng.choice(["EUR", "USD", None])
        yield {
            "invoice_id": f"i{n}",
            "requires_human_review": reviewed,
            "retry_count": rng.randrange(3),
            **({"amount": Decimal(rng.randrange(-900, 9000)) / 100, "currency": currency} if n % 6 else {}),
        }


def some_spans(rng: Random, script: worlds.Script) -> Iterator[Interval]:
    for _ in range(3):
        start = script.start + timedelta(minutes=rng.randrange(-3000, 9000), seconds=rng.randrange(60))
        yield start, start + rng.choice([timedelta(minutes=20), timedelta(hours=5), timedelta(days=1, hours=3)])
    yield script.start - timedelta(days=30), script.end + timedelta(days=2)


@pytest.mark.parametrize("seed", [4, 7, 13, 17, 23, 25, 33, 36])
def test_the_kpis_of_any_range_equal_a_naive_count(seed: int) -> None:
    rng = Random(seed)
    script = worlds.script(rng, invoices=40)
    organization, world = another_organization(script.zone), World()
    scope = Scope(organization, {})
    for now, step in script.steps:
        if isinstance(step, worlds.Tell):
            store_rows(KINDS[step.kind], organization, step.messages, now=now)
            for message in step.messages:
                world.tell(step.kind, message, now)
        elif isinstance(step, worlds.Tick):
            count_again(organization, now)
    for message in touched_by_hand(rng):
        store_rows(INVOICE, organization, [message], now=script.end)
        world.tell("invoice", message, script.end)
    count_again(organization, script.end)
    for span in some_spans(rng, script):
        assert_equal(scope.figures([span])[0], oracle.kpis(world, span))
        assert_equal(Scope(organization, ADA).figures([span])[0], oracle.kpis(world, span, ADA))
        is_long = span[1] - span[0] > timedelta(days=30)  # too long for percentiles by hours
        granularity = rng.choice(["daily", "weekly"] if is_long else ["hourly", "daily"])
        points = [point for point in trends.points(scope, granularity, span) if point.figures.numbers]
        assert sum(point.figures.uploaded for point in points) == oracle.kpis(world, span).counts["total"]
        for point in points[:10]:
            assert_equal(point.figures, oracle.kpis(world, point.span))
    whole = oracle.kpis(world, span)
    assert min(whole.counts[name] for name in ("total", "succeeded", "excepted", "checked", "retried")) > 0
    assert all(whole.seconds[duration] for duration in DURATIONS)
    parts, _ = summary.parts(scope, span, "vendor")
    counted = [row for row in world.invoices if "uploaded_at" in row and "voided_at" not in row]
    assert parts.keys() == {row.get("vendor") for row in counted}
    for vendor, figures in parts.items():
        assert_equal(figures, oracle.kpis(world, span, {"vendor": vendor}))
    open_ = oracle.backlog(world, script.end)
    found = summary.backlog(scope, now=script.end)
    assert (found.invoices, found.oldest) == (len(open_), open_[0] if open_ else None)
    assert sum(n for _, n in found.ages) == len(open_)
    assert RollupMark.objects.filter(organization=organization).count() == 0
    assert ExceptedInvoice.objects.filter(organization=organization).count() == 0


def uploads(organization: Organization, minutes: range) -> None:
    rows = [{"invoice_id": str(minute), "uploaded_at": at(minute)} for minute in minutes]
    store_rows(INVOICE, organization, rows, now=NOON)


def total(organization: Organization, since: datetime | None = None) -> int:
    return Scope(organization, {}, since).figures([(at(-100 * 24 * 60), at(24 * 60))])[0].uploaded


def state(organization: Organization) -> RollupState:
    return RollupState.objects.get(organization=organization)


def test_a_long_history_is_counted_in_batches_the_newest_first() -> None:
    organization = another_organization()
    uploads(organization, range(-60 * 24 * 9, 0, 30))
    rollups.note(organization, take_marks(organization))

    assert rollups.refresh(organization, now=NOON)
    assert state(organization).counted_at is None
    assert 0 < total(organization) < 9 * 48
    (newest,) = Scope(organization, {}).figures([(at(-120), at(0))])
    assert newest.uploaded == 4

    assert count_again(organization) > 1
    assert state(organization).counted_at == NOON
    assert total(organization) == 9 * 48


def test_a_new_time_zone_has_everything_counted_anew_by_its_own_hours() -> None:
    organization = another_organization()
    uploads(organization, range(-60 * 24 * 3, 0, 10))
    count_again(organization)
    before = set(Rollup.objects.filter(organization=organization).values_list("start", flat=True))
    assert {start.minute for start in before} == {0}

    organization.time_zone = ZoneInfo("Asia/Kathmandu")  # 5:45 hours ahead
    organization.save()
    count_again(organization)

    after = set(Rollup.objects.filter(organization=organization).values_list("start", flat=True))
    assert {start.minute for start in after} == {15}
    assert total(organization) == 3 * 144


def test_what_rows_no_longer_tell_stays_as_it_was() -> None:
    organization = another_organization()
    uploads(organization, range(-60 * 48, 0, 10))
    count_again(organization)
    sealed = at(-60 * 24)
    InvoiceMetric.objects.filter(organization=organization, uploaded_at__lt=sealed).delete()

    invoice(organization, "late", now=NOON, uploaded_at=-60 * 30)
    invoice(organization, "live", now=NOON, uploaded_at=-5)
    count_again(organization, since=sealed)
    assert total(organization, sealed) == 2 * 144 + 1

    organization.time_zone = ZoneInfo("Asia/Kathmandu")
    organization.save()
    count_again(organization, since=sealed)
    assert 2 * 144 - 4 <= total(organization, sealed) <= 2 * 144 + 1  # hours that overlap the border keep their old one


def test_an_exception_counts_whether_it_or_its_invoice_comes_first_and_moves_with_its_invoice_id() -> None:
    organization = another_organization()

    def excepted() -> list[int]:
        count_again(organization)
        spans = [(at(-60 * hours - 60), at(-60 * hours)) for hours in (1, 2)]
        return [figures.number("excepted") for figures in Scope(organization, {}).figures(spans)]

    exception(organization, "E", now=NOON, invoice_id="one", kind="price")
    assert excepted() == [0, 0]
    invoice(organization, "one", now=NOON, uploaded_at=-90)
    invoice(organization, "two", now=NOON, uploaded_at=-150)
    assert excepted() == [1, 0]
    exception(organization, "E", now=NOON, invoice_id="two")
    assert excepted() == [0, 1]
    exception(organization, "E", now=NOON, invoice_id=None)
    assert excepted() == [0, 0]


def test_nothing_is_written_where_nothing_differs() -> None:
    organization = another_organization()
    uploads(organization, range(-600, 0, 10))
    count_again(organization)
    written = dict(Rollup.objects.filter(organization=organization).annotate(x=XMIN).values_list("pk", "x"))
    assert written

    invoice(organization, "-300", now=NOON, vendor="Acme")  # marks its hour, and changes no KPI of all the work
    assert RollupMark.objects.filter(organization=organization).count() == 0
    count_again(organization)

    assert dict(Rollup.objects.filter(organization=organization).annotate(x=XMIN).values_list("pk", "x")) == written


@time_machine.travel(NOON, tick=False)
def test_the_task_of_the_tick_keeps_the_kpis() -> None:
    organization = another_organization()
    uploads(organization, range(-600, 0, 10))

    tasks.tick_organization(str(organization.pk))

    assert total(organization) == 60
    assert state(organization).counted_at == NOON
