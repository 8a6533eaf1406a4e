"""Working clocks against one that is read step by step, in forty zones around their clock changes."""

from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from kpis.calendars import Calendar, microseconds, moment, read
from tests.oracle import clocks

MICROSECOND, MINUTE, HOUR = timedelta(microseconds=1), timedelta(minutes=1), timedelta(hours=1)
AROUND = [  # clock changes north and south, a leap day, a year's end, and days that zones have left out or repeated
    "2024-03-10 2024-03-31 2024-04-07 2024-10-06 2024-10-27 2024-11-03 2024-02-28 2024-12-30 2011-12-29 2010-11-06",
    "2018-11-03 2023-04-27 2024-09-07 2021-10-29 2016-08-14",
]
DAYS = [date.fromisoformat(day) for line in AROUND for day in line.split()]
NINE_TO_FIVE = read("zone Europe/Berlin\nMon-Fri 09:00-17:00\n2024-05-09 closed")


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2024-{text}:00+02:00").astimezone(UTC)


def some_start(rng: Random, around: date, step: timedelta) -> datetime:
    begin = datetime(around.year, around.month, around.day, tzinfo=UTC) - timedelta(days=1)
    off = rng.choice([timedelta(0), timedelta(0), MICROSECOND, -MICROSECOND, timedelta(seconds=rng.randrange(300))])
    return begin + rng.randrange(4 * 24 * 60) // (step // MINUTE) * step + off


def check(rng: Random, step: timedelta, starts: int = 15) -> None:
    """Some starts and limits of one calendar."""
    around = rng.choice(DAYS)
    calendar = clocks.some_calendar(rng, around, step // MINUTE)
    ours = read(clocks.text(calendar))
    for _ in range(starts):
        limit = rng.choice([5 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, rng.randrange(1, 900) * MINUTE])
        check_start(rng, calendar, ours, some_start(rng, around, step), limit, step)


def check_start(
    rng: Random, calendar: list[clocks.Times], ours: Calendar, start: datetime, limit: timedelta, step: timedelta
) -> None:
    due = clocks.deadline(calendar, start, limit, step)
    assert ours.due(start, limit) == due, (calendar, start, limit)
    later = start + rng.choice([0, 1, 5, 60, 600, 3000]) * MINUTE
    assert_pieces(ours, start, later + MINUTE, limit, {start: due})
    for end in (due, due + MICROSECOND, due - MICROSECOND, due + rng.randrange(600) * MINUTE):
        first = ours.earliest(end, limit)
        assert (start >= first) == (due >= end), (calendar, start, limit, end)
        assert ours.due(first, limit) >= end
        assert ours.due(first - MICROSECOND, limit) < end


def assert_pieces(
    ours: Calendar, start: datetime, end: datetime, limit: timedelta, known: dict[datetime, datetime]
) -> None:
    """They follow each other without a gap, and say of each start what the function of one start says."""
    pieces = list(ours.pieces(start, end, limit))
    assert [one.start for one in pieces] == [microseconds(start), *(one.end for one in pieces[:-1])]
    assert pieces[-1].end == microseconds(end)
    assert moment(pieces[0].due(microseconds(start))) == known[start]
    for one in pieces:
        for us in (one.start, (one.start + one.end) // 2, one.end - 1):
            assert moment(one.due(us)) == ours.due(moment(us), limit)


def test_a_working_clock_is_due_when_one_that_is_read_step_by_step_is() -> None:
    rng = Random(8)
    for _ in range(20):
        check(rng, 5 * MINUTE)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_ten_thousand_clocks_are_due_when_those_read_minute_by_minute_are(seed: int) -> None:
    rng = Random(seed)
    for k in range(170):
        check(rng, 5 * MINUTE if k % 5 else MINUTE)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("05-15T10:00", 2, "05-15T12:00"),
        ("05-15T15:00", 2, "05-15T17:00"),  # at closing time, not on the next morning
        ("05-15T15:30", 2, "05-16T09:30"),
        ("05-17T20:00", 2, "05-20T11:00"),  # a Friday evening
        ("05-17T16:30", 8, "05-20T16:30"),
        ("05-08T16:00", 2, "05-10T10:00"),  # over a holiday, the ninth
        ("05-09T12:00", 1, "05-10T10:00"),
        ("05-13T08:00", 40, "05-17T17:00"),
    ],
)
def test_a_deadline_is_the_moment_by_which_the_limit_has_been_worked(start: str, hours: int, due: str) -> None:
    assert NINE_TO_FIVE.due(at(start), hours * HOUR) == at(due)


@pytest.mark.parametrize(
    ("start", "due"), [("05-15T16:00", "05-15T17:00"), ("05-15T16:01", "05-16T10:00"), ("05-17T16:30", "05-20T10:00")]
)
def test_what_starts_after_the_cut_off_time_counts_from_the_next_working_day(start: str, due: str) -> None:
    assert read(f"{NINE_TO_FIVE.text}\ncut-off 16:00").due(at(start), HOUR) == at(due)


def test_a_clock_that_hardly_ever_runs_is_due_in_the_far_future_and_never_fails() -> None:
    rarely = read("zone UTC\nSun 10:00-10:01")
    assert rarely.due(at("05-15T16:00"), 90 * 24 * HOUR).year > 2090
    assert rarely.earliest(at("05-15T16:00"), 90 * 24 * HOUR).year < 2000
    assert NINE_TO_FIVE.due(at("05-15T16:00"), 90 * 24 * HOUR).year == 2025
