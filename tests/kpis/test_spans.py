"""The range that a page is about."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from django.template.loader import render_to_string

from kpis.fiscal import Year
from kpis.spans import chosen

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)


def asked(query: str):
    return chosen(QueryDict(query), Year(BERLIN), now=NOW)


@pytest.mark.parametrize(
    ("query", "key", "start", "end"),
    [
        ("", "30d", "2026-10-24T14:05Z", "2026-11-23T14:05Z"),
        ("range=7d", "7d", "2026-11-16T14:05Z", "2026-11-23T14:05Z"),
        ("range=quarter", "quarter", "2026-09-30T22:00Z", "2026-11-23T14:05Z"),
        ("range=custom&start=2026-11-01&end=2026-11-08", "custom", "2026-10-31T23:00Z", "2026-11-07T23:00Z"),
        ("start=2026-11-01T06:00:00Z&end=2026-11-02", "custom", "2026-11-01T06:00Z", "2026-11-01T23:00Z"),
    ],
)
def test_a_range_is_read_from_the_address_by_the_clock_of_the_organisation(query, key, start, end):
    found = asked(query)
    span = tuple(datetime.fromisoformat(text) for text in (start, end))
    assert (found.key, (found.span.start, found.span.end), found.error) == (key, span, "")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("range=fortnight", "range:"),
        ("range=custom", "start:"),
        ("range=custom&start=2026-11-01", "end:"),
        ("range=custom&start=yesterday&end=2026-11-02", "start:"),
        ("range=custom&start=2026-11-02&end=2026-11-02", "end:"),
        ("range=custom&start=2020-01-01&end=2026-11-02", "end:"),
        ("range=%00", "range:"),
    ],
)
def test_what_cannot_be_read_is_named_and_the_usual_range_is_shown(query, field):
    found = asked(query)
    assert found.error.startswith(field)
    assert (found.key, found.span) == ("30d", asked("").span)
    assert field in render_to_string("_range.html", {"range": found})


def test_the_links_keep_what_else_the_address_says_but_not_the_place_in_a_list():
    found = asked("range=7d&vendor=A%26B&after=cursor")
    assert found.query == "vendor=A%26B&range=7d"
    html = render_to_string("_range.html", {"range": found})
    assert 'href="?vendor=A%26B&amp;range=90d"' in html
    assert '<input type="hidden" name="vendor" value="A&amp;B">' in html
    assert "cursor" not in html
