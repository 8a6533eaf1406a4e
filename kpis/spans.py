"""The range that a page is about, as its address names it: range=7d, 30d, 90d, quarter, close or custom, start, end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from accounts.problems import Problem
from kpis.fiscal import Year
from kpis.params import Span, read_moment
from kpis.periods import DAY

ROLLING = {"7d": 7, "30d": 30, "90d": 90}
TO_DATE = {"quarter": "Quarter to date", "close": "Month-end close"}
WORDS = {**{key: f"{days} days" for key, days in ROLLING.items()}, **TO_DATE, "custom": "Custom"}
CUSTOM = "custom"
MOST_DAYS = 731
NAMES = ("range", "start", "end")


class Choice(NamedTuple):
    """One of the ranges, and the query of the address that shows it."""

    key: str
    word: str
    query: str


@dataclass(frozen=True)
class Chosen:
    """A range and how to choose another; `error` says what of the address could not be read."""

    key: str
    span: Span
    others: Mapping[str, str]  # the parameters beside those of the range
    start: str = ""  # what stands in the fields of the form
    end: str = ""
    error: str = ""

    @property
    def word(self) -> str:
        return WORDS[self.key]

    @property
    def choices(self) -> list[Choice]:
        return [Choice(key, WORDS[key], urlencode({**self.others, "range": key})) for key in (*ROLLING, *TO_DATE)]

    @property
    def query(self) -> str:
        """Of the address of this page, with its other parameters."""
        given = {"start": self.start, "end": self.end} if self.key == CUSTOM else {}
        return urlencode({**self.others, "range": self.key, **given})


def chosen(
    query: Mapping[str, str], year: Year, *, now: datetime, default: str = "30d", drop: tuple[str, ...] = ("after",)
) -> Chosen:
    """What the query of a page asks for; what cannot be read gives the default and an `error` that names the field.

    Rolling ranges end at `now`. A date is the start of a local day and an end is exclusive, as in the API. `drop` names
    the parameters that mean nothing in another range, such as the cursor of a list.
    """
    others = {name: value for name, value in query.items() if value and name not in (*NAMES, *drop)}
    given = {name: query.get(name, "").strip()[:40] for name in NAMES}
    start, end, key = given["start"], given["end"], given["range"] or (CUSTOM if query.get("start") else default)
    usual = Chosen(default, _known(default, year, now), others, start, end)
    if key in WORDS and key != CUSTOM:
        return Chosen(key, _known(key, year, now), others)
    if key != CUSTOM:
        return _refused(usual, f"range: Must be one of: {', '.join(WORDS)}.")
    try:
        return Chosen(CUSTOM, _between(start, end, year.zone), others, start, end)
    except Problem as problem:
        return _refused(usual, str(problem.detail))


def _refused(usual: Chosen, why: str) -> Chosen:
    return Chosen(usual.key, usual.span, usual.others, usual.start, usual.end, why)


def _known(key: str, year: Year, now: datetime) -> Span:
    if key in ROLLING:
        return Span(now - ROLLING[key] * DAY, now)
    start, end = year.close(now) if key == "close" else year.window(key, now)
    return Span(start, min(end, now))


def _between(start: str, end: str, zone: ZoneInfo) -> Span:
    """Raises Problem."""
    for name, text in (("start", start), ("end", end)):
        if not text:
            raise Problem(400, f"{name}: Missing; a custom range has a start and an end.")
    span = Span(read_moment("start", start, zone), read_moment("end", end, zone))
    if span.start >= span.end:
        raise Problem(400, "end: Must lie after the start; the end itself is not included.")
    if span.end - span.start > MOST_DAYS * DAY:
        raise Problem(400, f"end: A range may have up to {MOST_DAYS} days.")
    return span
