"""Overdue work that no later message confirms, against a naive count, and together with what the buckets hold."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from random import Random

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Organization
from kpis import feeds
from kpis.ingest import store_rows
from kpis.messages import INVOICE
from kpis.periods import floor
from slos.indicators import Count
from slos.models import SLIBucket, SLIType, SLODefinition, SLOSnapshot
from slos.tick import tick
from slos.unconfirmed import overdue_since
from tests import facts
from tests.facts import at, exception, firm, invoice
from tests.oracle import slis, worlds
from tests.slos.playing import Play
from tests.together import Before

pytestmark = pytest.mark.django_db
PAST = at(-60 * 24 * 365)
SECOND = timedelta(seconds=1)


def unconfirmed(slo: SLODefinition, *, since: datetime = PAST, now: datetime) -> list[tuple[datetime, int]]:
    """As of a tick at this moment."""
    feeds.take(slo.organization)
    return overdue_since(slo.organization, {Count.of(slo): since}, now=now)[Count.of(slo)]


def confirmed_by_feed(organization: Organization, sli: str, feed: str, now: datetime) -> list[tuple[datetime, int]]:
    """What the last message of the feed leaves unconfirmed, as of a tick."""
    tick(organization, now=now)
    since = feeds.states(organization, now=now)[feed].last_message_at
    assert since is not None
    return unconfirmed(facts.slo(organization, sli), since=since, now=now)


def test_overdue_work_waits_for_a_later_message_and_one_that_changes_nothing_will_do() -> None:
    organization = firm()
    invoice(organization, "late", uploaded_at=0, now=at(0))
    sli = SLIType.TIME_TO_READY

    assert confirmed_by_feed(organization, sli, "invoices", at(4.9)) == []
    assert confirmed_by_feed(organization, sli, "invoices", at(5)) == [(at(5), 1)]
    exception(organization, "e", opened_at=6, now=at(6))  # another feed, which says nothing of this one
    assert confirmed_by_feed(organization, sli, "invoices", at(7)) == [(at(5), 1)]
    assert invoice(organization, "late", uploaded_at=0, now=at(8)).unchanged == 1
    assert confirmed_by_feed(organization, sli, "invoices", at(9)) == []


def test_exceptions_are_confirmed_by_exceptions() -> None:
    organization = firm()
    exception(organization, "e", opened_at=0, now=at(0))
    invoice(organization, "i", uploaded_at=240, now=at(241))
    sli = SLIType.EXCEPTION_RESOLUTION_TIME

    assert confirmed_by_feed(organization, sli, "exceptions", at(242)) == [(at(240), 1)]
    exception(organization, "other", opened_at=242, now=at(243))
    assert confirmed_by_feed(organization, sli, "exceptions", at(244)) == []


def test_a_deadline_at_the_last_message_is_confirmed_and_one_at_now_is_overdue() -> None:
    organization = firm()
    slo = facts.slo(organization, SLIType.TIME_TO_READY)
    for minutes in (0, 1, 2, 3):
        invoice(organization, f"i{minutes}", uploaded_at=minutes, now=at(3))

    assert unconfirmed(slo, since=at(5), now=at(7)) == [(at(5), 2)]
    assert unconfirmed(slo, since=at(5) - SECOND, now=at(7) - SECOND) == [(at(5), 2)]
    assert unconfirmed(slo, since=at(8), now=at(7)) == []


@pytest.mark.parametrize(
    "more",
    [{"ready_at": 5}, {"ready_at": 6}, {"voided_at": 1}, {"ready_at": -1}],
    ids=["in time", "late, but known", "voided", "contradictory"],
)
def test_what_has_ended_or_does_not_count_is_not_overdue(more: dict[str, float]) -> None:
    organization = firm()
    slo = facts.slo(organization, SLIType.TIME_TO_READY)
    invoice(organization, "i", uploaded_at=0, now=at(0))
    assert unconfirmed(slo, now=at(10)) == [(at(5), 1)]
    invoice(organization, "i", **more, now=at(10))
    assert unconfirmed(slo, now=at(10)) == []


def test_an_end_that_lies_ahead_has_not_come() -> None:
    organization = firm()
    invoice(organization, "i", uploaded_at=0, ready_at=20, now=at(0))
    slo = facts.slo(organization, SLIType.TIME_TO_READY)
    assert unconfirmed(slo, now=at(19)) == [(at(5), 1)]
    assert unconfirmed(slo, now=at(20)) == []


def test_a_part_of_the_work_an_untimed_sli_and_another_organisation_have_their_own() -> None:
    organization, neighbour = firm(), firm("neighbour")
    slo = facts.slo(organization, SLIType.TIME_TO_READY)
    invoice(organization, "a", uploaded_at=0, vendor="Acme", now=at(0))
    invoice(organization, "b", uploaded_at=1, vendor="Brix", now=at(1))
    invoice(neighbour, "c", uploaded_at=2, vendor="Acme", now=at(2))
    whole, acme = Count.of(slo), Count.of(slo, {"vendor": "Acme"})
    rate = Count.of(facts.slo(organization, SLIType.PROCESSING_SUCCESS_RATE))

    feeds.take(organization)
    found = overdue_since(organization, {whole: at(0), acme: at(0), rate: at(0)}, now=at(10))
    assert found == {whole: [(at(5), 2)], acme: [(at(5), 1)], rate: []}


def test_all_counts_take_one_statement(django_assert_num_queries) -> None:
    organization = firm()
    counts = [Count(sli, timedelta(minutes=n)) for sli in slis.TIMED for n in range(1, 31)]
    with django_assert_num_queries(1):
        overdue_since(organization, dict.fromkeys(counts, PAST), now=at(0))
    with django_assert_num_queries(0):
        assert overdue_since(organization, {Count(SLIType.EXTRACTION_ACCURACY): PAST}, now=at(0))


# --- while messages come ------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_work_whose_good_end_comes_late_in_one_batch_never_burns_whenever_that_is_committed() -> None:
    organization = firm()
    slo = facts.slo(organization, SLIType.TIME_TO_READY)
    organization.slos.exclude(pk=slo.pk).update(is_active=False)
    ids = [f"i{n}" for n in range(20)]

    def say(now: datetime, **fields: object) -> object:
        return store_rows(INVOICE, organization, [{"invoice_id": name, **fields} for name in ids], now=now)

    def burns(now: datetime) -> bool:
        tick(organization, now=now)
        return SLOSnapshot.objects.get(slo=slo).burning

    for n in range(100):
        start = at(n * 7 * 60)
        back = start + timedelta(minutes=21)
        ids = [f"i{n}-{k}" for k in range(20)]
        say(start, uploaded_at=start)
        assert not burns(back - SECOND)
        moment = Before(n, partial(say, back, ready_at=start))
        with connection.execute_wrapper(moment):
            assert not burns(back), n
        if not moment.done:  # the tick has fewer statements; all are bad still, and another message says so
            break
        assert not burns(back + SECOND)
    assert n > 10
    invoice(organization, "another", now=back + SECOND)
    assert burns(back + SECOND)


# --- against the oracle -------------------------------------------------------------------------------------
def naive(play: Play, sli: str, now: datetime) -> Iterator[datetime]:
    """The deadlines that have passed of work that counts and goes on."""
    due_of = play.due(sli, slis.threshold(*play.limits[sli]))
    for work in slis.works(sli, slis.part_of(play.world, play.slos[sli].only), play.world):
        due = due_of(work.start)
        nonsense = any(moment and moment < work.start for moment in (work.end, work.stopped))
        goes_on = work.end is None or work.end > now
        if due <= now and goes_on and not nonsense and not (work.stopped and work.stopped <= due):
            yield due


def compare(play: Play, rng: Random, now: datetime) -> Iterator[tuple[int, int]]:
    """Yields the numbers of bad events, unconfirmed and confirmed."""
    for sli in slis.TIMED:
        overdue = list(naive(play, sli, now))
        since = rng.choice([PAST, now, *overdue, play.script.start + timedelta(minutes=rng.randrange(4000))])
        found = Counter(dict(unconfirmed(play.slos[sli], since=since, now=now)))
        assert found == Counter(floor(due) for due in overdue if due > since)

        stored = SLIBucket.objects.filter(slo=play.slos[sli], width=5)
        bad = {row.start: row.total - int(row.good) for row in stored}
        decided = [decided for decided, good in play.account(sli, now).events if not good]
        confirmed = Counter(map(floor, decided)) - found
        assert {start: found[start] + confirmed[start] for start in bad} == bad
        assert found.keys() <= bad.keys()
        yield found.total(), confirmed.total()


def test_it_is_what_a_naive_count_finds_and_the_rest_of_what_the_buckets_hold() -> None:
    seen: set[tuple[int, int]] = set()

    @settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(st.randoms(use_true_random=False))
    def check(rng: Random) -> None:
        with transaction.atomic():
            play = Play(worlds.script(rng, clocks=True), only=slis.TIMED)
            for now, step in play.script.steps:
                if isinstance(step, worlds.Tell):
                    play.tell(step.kind, step.messages, now)
            tick(play.organization, now=play.script.end)
            seen.update(compare(play, rng, play.script.end))
            transaction.set_rollback(True)

    check()
    assert all(any(kind) for kind in zip(*seen, strict=True))  # some of both
