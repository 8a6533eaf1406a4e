"""The rows behind a figure are those that the oracle counts, each once, and their sum is the stored figure."""

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Organization
from kpis.models import InvoiceException, InvoiceMetric
from kpis.periods import BUCKET, floor
from slos import behind
from slos.behind import Contributor, Cursor, Event, Outcome
from slos.models import SLIBucket, SLIMeasurement, SLODefinition
from tests.facts import NOON, at, exception, firm, invoice, slo
from tests.oracle import slis, worlds
from tests.slos.playing import Play

pytestmark = pytest.mark.django_db
AGES = timedelta(days=90)
DAY = timedelta(days=1)
DECIDED = (Outcome.GOOD, Outcome.BAD)


def every_page(
    slo: SLODefinition, start: datetime, end: datetime, outcome: Outcome, now: datetime, **more: Any
) -> list[Event]:
    """Page by page, as somebody reads on; bounded by what such a world can hold."""
    found: list[Event] = []
    after: Cursor | None = None
    for _ in range(100):
        page = behind.page(slo, start, end, outcome, now=now, limit=2, after=after, **more)
        found += page
        if len(page) < 2:
            return found
        after = page[-1].cursor
    raise AssertionError("the pages never end")


def expected(account: slis.Account, outcome: Outcome) -> list[tuple[datetime, Fraction | None]]:
    if outcome == Outcome.PENDING:
        return [(deadline, None) for deadline in sorted(account.pending)]
    wanted = {Outcome.GOOD: lambda good: good > 0, Outcome.BAD: lambda good: good < 1}[outcome]
    return sorted((event.decided_at, event.good) for event in account.events if wanted(event.good))


def told(events: list[Event]) -> list[tuple[datetime, Fraction | None]]:
    in_order = sorted(events, key=lambda event: event.cursor)
    assert events == in_order
    return sorted((event.at, None if event.good is None else Fraction(event.good)) for event in events)


def compare(play: Play, rng: Random, now: datetime) -> None:
    for sli, objective in play.slos.items():
        account = play.account(sli, now)
        objective.refresh_from_db(fields=["excluded_invoices"])
        for outcome in Outcome:
            found = every_page(objective, now - AGES, now + AGES, outcome, now)
            assert told(found) == expected(account, outcome), (sli, outcome)
            assert {event.row.organization_id for event in found} <= {play.organization.pk}
        middle = now - timedelta(microseconds=rng.randrange(10**6 * 3600 * 72))
        halves = [behind.counts(objective, *half, now=now) for half in ((now - AGES, middle), (middle, now + AGES))]
        assert sum(counts.total for counts, _ in halves) == len(account.events)
        assert sum(Fraction(counts.good) for counts, _ in halves) == sum(event.good for event in account.events)
        assert sum(pending for _, pending in halves) == len(account.pending)
        compare_stored(objective, now)


def compare_stored(objective: SLODefinition, now: datetime) -> None:
    """Every bucket and every measurement is the sum of its rows."""
    buckets = SLIBucket.objects.filter(slo=objective, width=5)
    stored = [(row.start, row.start + BUCKET, row.good, row.total) for row in buckets]
    stored += [
        (row.period_start, row.period_end, row.good_events_count, row.total_events_count)
        for row in SLIMeasurement.objects.filter(slo=objective).exclude(period="hourly")
    ]
    for start, end, good, total in stored:
        rows = {outcome: every_page(objective, start, end, outcome, now) for outcome in DECIDED}
        assert sum(event.good for event in rows[Outcome.GOOD]) == good
        assert sum(event.bad for event in rows[Outcome.BAD]) == total - good
        assert len({event.row.pk for events in rows.values() for event in events}) == total


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(rng=st.randoms(use_true_random=False))
def test_the_rows_behind_every_figure_are_those_of_the_oracle(rng: Random) -> None:
    with transaction.atomic():
        script = worlds.script(rng, clocks=True)
        neighbour = Play(script, slug="neighbour")
        for now, step in script.steps:
            if isinstance(step, worlds.Tell):
                neighbour.tell(step.kind, step.messages, now)
        play = Play(script)
        play.run()
        compare(play, rng, script.end)
        transaction.set_rollback(True)


def test_the_worlds_hold_rows_of_every_outcome() -> None:
    play = Play(worlds.script(Random(0), invoices=40, exceptions=20))
    play.run()
    now = play.script.start + DAY
    for outcome in Outcome:
        found = every_page(play.slos["exception_resolution_time"], now - AGES, now + AGES, outcome, now)
        assert found
        assert told(found) == expected(play.account("exception_resolution_time", now), outcome)


@pytest.fixture
def office(db: None) -> Organization:
    """Invoices uploaded a minute apart from noon on: of three vendors, every third late."""
    organization = firm()
    for i in range(12):
        vendor = "Acme" if i % 3 == 0 else ("Bolt", "Core")[i % 2]
        fields = {"vendor": vendor, "channel": "email", "uploaded_at": i, "ready_at": i + (30 if i % 3 == 0 else 3)}
        invoice(organization, f"i{i}", now=at(60), **fields)
    return organization


def test_a_confidence_is_a_good_and_a_bad_part(office: Organization) -> None:
    invoice(office, "i0", now=at(60), extracted_at=1, extraction_confidence="0.9")
    invoice(office, "i1", now=at(60), extracted_at=2, extraction_confidence="1")
    invoice(office, "i2", now=at(60), extracted_at=3, extraction_confidence="0")
    objective = slo(office, "extraction_accuracy")
    shares = {
        outcome: [
            (event.row.invoice_id, str(event.good), str(event.bad))
            for event in every_page(objective, NOON, at(60), outcome, at(60))
        ]
        for outcome in Outcome
    }
    assert shares == {
        Outcome.GOOD: [("i0", "0.900000", "0.100000"), ("i1", "1.000000", "0.000000")],
        Outcome.BAD: [("i0", "0.900000", "0.100000"), ("i2", "0.000000", "1.000000")],
        Outcome.PENDING: [],
    }


@pytest.mark.parametrize(("only", "ids"), [({"vendor": "Acme"}, "i0 i3 i6 i9"), ({"vendor": "Bolt"}, "")])
def test_a_part_of_the_work_has_only_its_own_rows(office: Organization, only: dict[str, str], ids: str) -> None:
    objective = slo(office, "time_to_ready")
    late = every_page(objective, NOON, at(60), Outcome.BAD, at(60), only=only)
    assert [event.row.invoice_id for event in late] == ids.split()
    counts, pending = behind.counts(objective, NOON, at(60), now=at(60), only=only)
    assert (counts.bad, counts.total, pending) == (len(late), 4, 0)


def test_work_that_waits_is_listed_at_its_deadline_and_not_before_it_begins(office: Organization) -> None:
    objective = slo(office, "time_to_ready")
    waiting = {
        begun: [
            (event.row.invoice_id, event.at)
            for event in every_page(objective, NOON, at(60), Outcome.PENDING, at(4), begun=begun)
        ]
        for begun in (True, False)
    }
    began = [(f"i{i}", at(i + 5)) for i in (0, 2, 3, 4)]  # i1 is ready by then
    assert waiting[True] == began
    assert waiting[False] == [*began, *((f"i{i}", at(i + 5)) for i in range(5, 12))]
    assert behind.counts(objective, NOON, at(60), now=at(4), begun=True)[1] == len(began)
    due = behind.due_next(objective, now=at(4), within=timedelta(minutes=4))
    assert (due.count, due.until) == (2, at(7))
    assert behind.due_next(slo(office, "duplicate_recall"), now=at(4), within=DAY) == behind.Due(0, None)


def test_the_vendor_with_more_than_its_share_of_the_late_ones_stands_out(office: Organization) -> None:
    found = behind.contributors(slo(office, "time_to_ready"), NOON, at(60), now=at(60))
    assert found == [Contributor("vendor", "Acme", bad=4, total_bad=4, total=4, total_events=12)]
    assert (found[0].share, found[0].lift) == (1, 3)


@pytest.mark.parametrize(
    ("bad", "total_bad", "total", "everything", "beats"),
    [
        (12, 22, 50, 100, True),  # 24 % against 20 %
        (11, 21, 50, 100, False),
        (18, 18, 90, 100, True),  # all of them, though it is most of the work
        (18, 18, 100, 100, False),  # there is nobody else
    ],
)
def test_who_is_worse_is_compared_with_the_rest_of_the_work(
    bad: int, total_bad: int, total: int, everything: int, beats: bool
) -> None:
    one = Contributor("vendor", "Acme", Decimal(bad), Decimal(total_bad), total, everything)
    assert one.beats_the_rest(Decimal("1.2")) == beats


def test_who_has_most_beyond_its_share_comes_first_and_few_do_not_count(office: Organization) -> None:
    for i in range(10):
        invoice(office, f"j{i}", now=at(60), vendor="Acme", uploaded_at=i, ready_at=1 + i)
        late = {"vendor": "Bolt", "channel": "fax"} if i < 7 else {"vendor": "Core", "channel": f"desk {i}"}
        invoice(office, f"k{i}", now=at(60), document_type="credit note", uploaded_at=i, **late)
    found = behind.contributors(slo(office, "time_to_ready"), NOON, at(60), now=at(60))
    assert [(one.field, one.value, one.bad, one.total_bad, one.total, one.total_events) for one in found] == [
        ("document_type", "credit note", 10, 14, 10, 32),
        ("channel", "fax", 7, 14, 7, 32),
        ("vendor", "Bolt", 7, 14, 11, 32),
    ]


def test_exceptions_stand_out_by_their_kind(office: Organization) -> None:
    for i in range(6):
        kind = "price" if i < 4 else "address"
        exception(office, f"e{i}", now=at(600), kind=kind, opened_at=i, **({} if i < 3 else {"resolved_at": i + 5}))
    found = behind.contributors(slo(office, "exception_resolution_time"), NOON, at(600), now=at(600))
    assert [(one.field, one.value, one.bad, one.total) for one in found] == [("kind", "price", 3, 4)]


def test_nobody_stands_out_where_nothing_is_bad(office: Organization) -> None:
    assert behind.contributors(slo(office, "time_to_ready"), at(60), at(120), now=at(120)) == []
    assert behind.contributors(slo(office, "validation_pass_rate"), NOON, at(60), now=at(60)) == []


def test_only_rows_of_the_own_organisation_are_listed(office: Organization) -> None:
    other = firm("other")
    invoice(other, "i0", now=at(60), vendor="Other", uploaded_at=0)
    objective = slo(other, "time_to_ready")
    assert [event.row for event in every_page(objective, NOON, at(60), Outcome.BAD, at(60))] == [
        InvoiceMetric.objects.get(organization=other)
    ]
    assert behind.contributors(objective, NOON, at(60), now=at(60)) == []
    assert not InvoiceException.objects.filter(organization=other).exists()
    assert floor(NOON) == NOON
