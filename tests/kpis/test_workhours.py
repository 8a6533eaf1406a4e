"""Working hours as people write them."""

from datetime import date

import pytest

from kpis.workhours import Unreadable, parse, usual_day, week_words

OFFICE = """
zone Europe/Berlin  # head office
Mon-Thu 08:30-12:00, 13:00-17:30
fri 8:30-15:00
cut-off 16:00
2026-12-24 08:30-12:00
2026-12-27..2026-12-31 closed
from 2027-01-01
Fri closed
cut-off none
"""


def test_hours_are_read_as_they_are_written_and_what_a_version_does_not_name_stays() -> None:
    first, second = parse(OFFICE)
    assert list(week_words(first)) == ["Mon-Thu 08:30-12:00, 13:00-17:30", "Fri 08:30-15:00", "Sat-Sun closed"]
    assert list(week_words(second)) == ["Mon-Thu 08:30-12:00, 13:00-17:30", "Fri-Sun closed"]
    assert (first.cut_off, second.cut_off) == (960, None)
    assert (first.since, second.since) == (None, date(2027, 1, 1))
    assert first.hours(date(2026, 12, 24)) == ((510, 720),)
    assert first.hours(date(2026, 12, 28)) == second.hours(date(2026, 12, 28)) == ()
    assert usual_day(first) == 8 * 60


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Mon-Fri 09:00-17:00", "Name the time zone"),
        ("zone Mars/Olympus", "Line 1: “Mars/Olympus” is no time zone"),
        ("zone UTC", "the week has no working hours"),
        ("zone UTC\nMon 9-17", "Line 2: “9” is no time of day"),
        ("zone UTC\nMon 09:00-12:00, 11:00-17:00", "Line 2: 11:00 lies before 12:00: these hours overlap"),
        ("zone UTC\nMon 22:00-06:00", "Over midnight: 22:00-24:00 and, the day after, 00:00-06:00"),
        ("zone UTC\nMon-Fri 09:00-12:00\nWed closed", "Line 3: Wed has been named before"),
        ("zone UTC\nMon 09:00-12:00\n2026-02-30 closed", "Line 3: “2026-02-30” is no date"),
        ("zone UTC\nMon 09:00-12:00\n2026-02-01 closed\n2026-02-01 closed", "Line 4: 2026-02-01 has been named"),
        ("zone UTC\nMon 09:00-12:00\nfrom 2026-02-01\nMon closed", "From 2026-02-01: the week has no"),
        ("zone UTC\nMon 09:00-12:00\nfrom 2026-02-01\nfrom 2026-01-01", "Line 4: 2026-01-01 does not come after"),
        ("zone UTC\nMonday 09:00-12:00", "Line 2: “Monday” is not known"),
        ("zone UTC\nMon 09:00-24:01", "“24:01” is no time of day"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line_and_the_way_out(text: str, said: str) -> None:
    with pytest.raises(Unreadable, match=said.replace("(", r"\(")):
        parse(text)
