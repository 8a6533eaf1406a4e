"""When the silence of a feed is too long: a firm's messages over some weeks, and what its silence then means."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction

from accounts.models import Organization
from kpis import feeds
from kpis.periods import BUCKET, floor, weeks_before
from kpis.staleness import FEEDS, FeedState, Week, judge

pytestmark = pytest.mark.django_db
Messages = Iterable[tuple[datetime, int]]
BERLIN = ZoneInfo("Europe/Berlin")
TUESDAY = datetime(2026, 11, 10, 12, tzinfo=BERLIN)
MINUTE, HOUR, DAY, WEEK = (timedelta(**{name: 1}) for name in ("minutes", "hours", "days", "weeks"))


def office_hours(last: datetime, days: int = 35, a_quarter: int = 4) -> Iterator[tuple[datetime, int]]:
    """So many messages every quarter of an hour from 8 to 18 by the wall clock, Monday to Friday, up to `last`."""
    at = last
    while at > last - days * DAY:
        if at.weekday() < 5 and 8 <= at.hour < 18:
            yield at, a_quarter
        at -= timedelta(minutes=15)  # wall time


def a_firm(*told: tuple[str, Messages], zone: str = "Europe/Berlin") -> Organization:
    """A firm that has received these messages, feed by feed."""
    organization = Organization.objects.create(name="Firm", slug="firm", time_zone=zone)
    organization.refresh_from_db()
    for feed, messages in told:
        for at, number in messages:
            feeds.arrived(organization, {feed: number}, now=at)
    feeds.take(organization)
    return organization


def invoices(organization: Organization, now: datetime) -> FeedState:
    return feeds.states(organization, now=now)["invoices"]


def test_a_feed_that_has_never_spoken_is_unknown_and_not_stale() -> None:
    organization = a_firm()
    assert feeds.states(organization, now=TUESDAY) == {name: FeedState(name) for name in FEEDS}


def test_a_feed_is_stale_with_the_thirtieth_message_that_usually_came() -> None:
    organization = a_firm(("invoices", office_hours(TUESDAY)))
    # 12:15 .. 13:45 bring 28 and 14:00 the rest, in the bucket that ends at 14:05
    assert invoices(organization, TUESDAY + 2 * HOUR + 4 * MINUTE) == FeedState("invoices", TUESDAY, 28)
    since = TUESDAY + 2 * HOUR + 5 * MINUTE
    assert invoices(organization, since) == FeedState("invoices", TUESDAY, 32, True, since)
    assert invoices(organization, since + DAY).stale_since == since
    assert invoices(organization, TUESDAY - HOUR) == FeedState("invoices", TUESDAY)


def test_a_message_ends_staleness() -> None:
    organization = a_firm(("invoices", office_hours(TUESDAY)))
    assert invoices(organization, TUESDAY + 5 * HOUR).stale
    feeds.arrived(organization, {"invoices": 1}, now=TUESDAY + 5 * HOUR)
    feeds.take(organization)
    assert invoices(organization, TUESDAY + 5 * HOUR) == FeedState("invoices", TUESDAY + 5 * HOUR)


@pytest.mark.parametrize(
    ("last", "silence"),
    [
        (datetime(2026, 11, 10, 17, 45, tzinfo=BERLIN), 14 * HOUR),  # a night
        (datetime(2026, 11, 13, 17, 45, tzinfo=BERLIN), 62 * HOUR),  # a weekend
        (datetime(2026, 10, 23, 17, 45, tzinfo=BERLIN), 63 * HOUR),  # one with the clock set back
        (datetime(2026, 3, 27, 17, 45, tzinfo=BERLIN), 61 * HOUR),  # one with the clock set forward
    ],
)
def test_a_usual_silence_is_none_and_one_that_goes_on_after_it_is(last: datetime, silence: timedelta) -> None:
    organization = a_firm(("invoices", office_hours(last)))
    opens = (last.astimezone(UTC) + silence).astimezone(BERLIN)
    assert (opens.hour, opens.minute) == (7, 45)
    since = opens + timedelta(hours=2, minutes=5)  # 08:00 .. 09:30 bring 28, 09:45 the rest
    assert not invoices(organization, since - MINUTE).stale
    assert invoices(organization, since).stale_since == since


HOLIDAY = TUESDAY - 2 * WEEK


@pytest.mark.parametrize(
    ("story", "usual"),
    [
        (lambda at, number: None if at.date() == HOLIDAY.date() else number, 32),
        (lambda at, number: None if at.date() in (HOLIDAY.date(), (HOLIDAY - WEEK).date()) else number, 0),
        (lambda at, number: 50_000 if at == HOLIDAY + HOUR else number, 32),
        (lambda at, number: 50_000 if at == HOLIDAY + HOUR else number if at > TUESDAY - HOUR else 1, 8),
        (lambda at, number: number if at > TUESDAY - WEEK - DAY else None, 32),
        (lambda at, number: number if at >= TUESDAY - WEEK else None, 32),
        (lambda at, number: number if at > TUESDAY - WEEK else None, 0),
        (lambda at, number: 9 if TUESDAY - WEEK - DAY < at < TUESDAY - DAY else number, 32),
        (lambda at, number: number if at > HOLIDAY - HOUR and at.date() != HOLIDAY.date() else None, 32),
        (lambda at, number: number if at > HOLIDAY - DAY and at.date() != HOLIDAY.date() else None, 0),
    ],
    ids=[
        "a holiday",
        "two holidays",
        "an import",
        "an import into a quiet feed",
        "a week old",
        "a week old to the instant",
        "younger than a week",
        "one busy week of four",
        "younger than the holiday",
        "two weeks old, one of them with the holiday",
    ],
)
def test_usual_is_what_all_weeks_but_the_lowest_reach(story: Callable[[datetime, int], int | None], usual: int) -> None:
    told = [(at, number) for at, usually in office_hours(TUESDAY) if (number := story(at, usually))]
    state = invoices(a_firm(("invoices", told)), TUESDAY + 2 * HOUR + 5 * MINUTE)
    assert (state.usual, state.stale) == (usual, usual >= 30)


@pytest.mark.parametrize(
    ("weeks", "usual"),
    [
        ([41, 36, 0, 33], 33),
        ([12, 9, 50_000, 14], 12),
        ([28, 90], 28),
        ([31], 31),
        ([30, 29, 31], 30),
        ([29, 29, 31], 29),
        ([], 0),
    ],
)
def test_thirty_that_are_usual_are_too_many(weeks: list[int], usual: int) -> None:
    """The examples of docs/reference/calculation.md, and others."""
    enough_at = [TUESDAY + n * MINUTE for n in range(len(weeks))]
    known = [Week(number, moment if number >= 30 else None) for number, moment in zip(weeks, enough_at, strict=True)]
    state = judge("invoices", TUESDAY, TUESDAY + HOUR, known)
    assert (state.usual, state.stale) == (usual, usual >= 30)
    assert state.stale_since == (max(week.enough_at for week in known if week.enough_at) if state.stale else None)


@pytest.mark.parametrize(
    ("feed", "before", "stale"),
    [
        ("invoices", [], True),
        ("exceptions", [], False),
        ("exceptions", [1], True),  # of one week known one is usual
        ("exceptions", [0, 1, 1, 1], True),
        ("exceptions", [0, 0, 1, 1], False),
    ],
)
def test_after_72_hours_a_feed_is_stale_but_exceptions_may_fail_to_happen(
    feed: str, before: list[int], stale: bool
) -> None:
    last = TUESDAY.astimezone(UTC)
    told = [(last, 1), *((last - (n + 1) * WEEK + 2 * DAY, number) for n, number in enumerate(before))]
    began = [(last - len(before) * WEEK, 1)]
    organization = a_firm((feed, [*told, *began]), zone="UTC")
    assert not feeds.states(organization, now=last + 72 * HOUR - MINUTE)[feed].stale
    for now in (last + 72 * HOUR, last + 365 * DAY):
        state = feeds.states(organization, now=now)[feed]
        assert (state.stale, state.stale_since) == (stale, last + 72 * HOUR if stale else None)


def test_the_two_feeds_and_those_of_another_organisation_are_judged_apart(django_assert_num_queries) -> None:
    organization = a_firm(
        ("invoices", office_hours(TUESDAY)), ("exceptions", office_hours(TUESDAY + HOUR, a_quarter=8))
    )
    neighbour = Organization.objects.create(name="Neighbour", slug="neighbour")
    feeds.arrived(neighbour, {"invoices": 1000}, now=TUESDAY + 2 * HOUR)
    feeds.take(neighbour)
    with django_assert_num_queries(2):
        found = feeds.states(organization, now=TUESDAY + 2 * HOUR)
    assert {name: (state.usual, state.stale) for name, state in found.items()} == {
        "invoices": (28, False),
        "exceptions": (24, False),
        "counts": (0, False),
    }
    assert feeds.states(organization, now=TUESDAY + 2 * HOUR + 6 * MINUTE)["invoices"].stale


# --- against a naive judge ----------------------------------------------------------------------------------
def shown(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)


def first_showing(wanted: datetime, zone: ZoneInfo) -> datetime:
    """The first minute at which a wall clock shows `wanted` or more, found by looking at each."""
    at = wanted.replace(tzinfo=UTC) - 30 * HOUR
    while shown(at, zone) < wanted:
        at += HOUR
    at -= 2 * HOUR  # it may have been set back meanwhile
    while shown(at, zone) < wanted:
        at += MINUTE
    return at


CHANGES = [
    ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("America/St_Johns", datetime(2010, 11, 7, 2, 31, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
]


@pytest.mark.parametrize(("place", "change"), CHANGES)
@pytest.mark.parametrize("weeks", [-1, 0, 3])
def test_a_moment_of_another_week_is_the_first_with_that_wall_time(place: str, change: datetime, weeks: int) -> None:
    zone = ZoneInfo(place)
    for minutes in range(-26 * 60, 26 * 60, 23):
        at = change + minutes * MINUTE
        for target in (at, weeks_before(at, -weeks, zone)):
            assert weeks_before(target, weeks, zone) == first_showing(shown(target, zone) - weeks * WEEK, zone)


def naive(told: list[tuple[datetime, int]], now: datetime, zone: ZoneInfo) -> tuple[int, bool]:
    """Usual and stale of the invoices, by looking at every message."""
    last, began = max(told)[0], min(told)[0]
    until = min(now, last + 72 * HOUR)
    seen = []
    for weeks in (1, 2, 3, 4):
        start, end = (first_showing(shown(at, zone) - weeks * WEEK, zone) for at in (last, until))
        if start >= began:
            seen.append(sum(n for at, n in told if start < floor(at) and floor(at) + BUCKET <= end))
    seen.sort(reverse=True)
    usual = 0 if not seen else seen[-1] if len(seen) < 3 else seen[-2]
    return usual, usual >= 30 or now - last >= 72 * HOUR


def a_story(rng: Random, last: datetime) -> list[tuple[datetime, int]]:
    """Messages of up to five weeks, all of them in the hours that follow `last` by the week."""
    told = [(last, 1)]
    for week in range(1, rng.randint(1, 5) + 1):
        ahead = [rng.randrange(40 * 60) * MINUTE for _ in range(rng.randint(0, 6))]
        told += [(last - week * WEEK + one, rng.randint(1, 25)) for one in ahead]
    return told


def test_every_judgement_is_that_of_a_naive_judge() -> None:
    seen = set()
    for seed in range(150):
        rng = Random(seed)
        place, change = rng.choice(CHANGES)
        zone, last = ZoneInfo(place), change + rng.randint(-40, 40) * HOUR
        told, now = a_story(rng, last), last + rng.randrange(80 * 60) * MINUTE
        with transaction.atomic():
            organization = a_firm(("invoices", told), zone=place)
            state = invoices(organization, now)
            if state.stale_since:
                assert not invoices(organization, state.stale_since - timedelta(microseconds=1)).stale
                assert invoices(organization, state.stale_since).stale
            transaction.set_rollback(True)
        assert (state.usual, state.stale) == naive(told, now, zone), seed
        seen.add((state.stale, now < last + 72 * HOUR, state.usual > 0))
    assert seen >= {(True, True, True), (False, True, True), (False, True, False), (True, False, False)}
