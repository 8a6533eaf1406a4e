"""Query parameters and fields of a body: each read as what it is, every other one refused with the way out."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from django.http import HttpRequest
from rest_framework.request import Request

from accounts.bodies import read_body
from accounts.problems import Problem
from kpis.bodies import UNREADABLE
from kpis.messages import syntax
from kpis.periods import DAY, midnight

MOST = 100  # parameters in one query
DATE = r"\d{4}-\d\d-\d\d"
TIME = re.compile(rf"{DATE}[T ]\d\d:\d\d(:\d\d([.,]\d{{1,6}})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
FIRST_YEAR, LAST_YEAR = 2000, 2199
MOMENT = "an ISO 8601 time with an offset such as 2026-01-31T08:00:00Z (a + is written %2B), or a date for a local day"


@dataclass(frozen=True)
class Span:
    """A range of time, [start, end)."""

    start: datetime
    end: datetime

    @property
    def days(self) -> int:
        """In whole days, at least 1; a local day of 23 or 25 hours is one."""
        return max(1, round((self.end - self.start) / DAY))

    def as_data(self) -> dict[str, object]:
        return {"start_date": self.start, "end_date": self.end, "days": self.days}


class Params:
    """The query of a request. Raises Problem for one that is unknown, repeated or cannot be read."""

    def __init__(self, request: HttpRequest, *known: str, repeatable: Sequence[str] = ()) -> None:
        self.values: dict[str, list[str]] = {}
        for name, value in _pairs(request.META.get("QUERY_STRING", "")):
            if name not in known:
                raise refusal(name[:100], "unknown", f"Unknown parameter. Known: {', '.join(known) or 'none'}.")
            if name in self.values and name not in repeatable:
                raise refusal(name, "repeated", "May be given once.")
            if not value or "\0" in value:
                raise refusal(name, "invalid", "Is empty or holds the character NUL; leave it out.")
            self.values.setdefault(name, []).append(value)

    def __iter__(self) -> Iterator[str]:
        """The names that are given."""
        return iter(self.values)

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str, most: int = 200) -> str | None:
        """At most `most` characters; None where it is not given."""
        value = self.values.get(name, [None])[0]
        if value is not None and len(value) > most:
            raise refusal(name, "range", f"May have up to {most} characters.")
        return value

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        return whole_number(name, self.values.get(name, [default])[0], low, high)

    def flag(self, name: str, default: bool) -> bool:
        given = self.values.get(name, [str(default)])[0].lower()
        return one_of(name, given, ("true", "false")) == "true"

    def choice(self, name: str, choices: Sequence[str], default: str) -> str:
        return one_of(name, self.values.get(name, [default])[0], choices)

    def uuid(self, name: str) -> UUID | None:
        given = self.text(name)
        try:
            return UUID(given) if given else None
        except ValueError:
            raise refusal(name, "invalid", "Must be an id, a UUID.") from None

    def many(self, name: str, choices: Sequence[str]) -> list[str]:
        return [one_of(name, value, choices) for value in self.values.get(name, [])]

    def moment(self, name: str, zone: ZoneInfo) -> datetime | None:
        """A time with an offset, or the start of a local day."""
        value = self.values.get(name, [None])[0]
        return None if value is None else read_moment(name, value, zone)

    def span(self, days: str, default: int, now: datetime, zone: ZoneInfo, *, most: int = 365) -> Span:
        """The last `days` days until `now`, or the range from `start_date` to `end_date`."""
        start, end = self.moment("start_date", zone), self.moment("end_date", zone)
        if start is None and end is None:
            return Span(now - timedelta(days=self.integer(days, default, 1, most)), now)
        if days in self:
            raise refusal(days, "contradiction", "Give this or start_date and end_date, not both.")
        if start is None or end is None:
            missing = "start_date" if start is None else "end_date"
            raise refusal(missing, "required", "start_date and end_date belong together.")
        if start >= end:
            raise refusal("end_date", "range", "Must lie after start_date; the end is exclusive.")
        return Span(start, end)


def refusal(field: str, code: str, message: str, *, status: int = 400) -> Problem:
    """For one parameter, or with status 422 for one field of a body."""
    return Problem(status, f"{field}: {message}", [{"field": field, "code": code, "message": message}])


def body_object(request: Request, *known: str) -> Mapping[str, Any]:
    """The members of a JSON object in the body; none when there is no body. Raises Problem."""
    body, _ = read_body(request._request)
    if not body.strip():
        return {}
    try:
        fields = msgspec.json.decode(body, type=dict[str, Any])
    except UNREADABLE as error:
        raise Problem(400, f"{syntax(error)} Send a JSON object, or no body.") from None
    for name in fields:
        if name not in known:
            known_ones = f"Unknown field. Known: {', '.join(known) or 'none'}."
            raise refusal(name[:100], "unknown_field", known_ones, status=422)
    return fields


def whole_number(name: str, value: object, low: int, high: int, *, status: int = 400) -> int:
    # its length first: a number of thousands of digits takes long to read, and Python refuses it
    text = str(value) if isinstance(value, str) or type(value) is int else ""
    if not re.fullmatch(r"-?\d{1,9}", text, re.ASCII) or not low <= int(text) <= high:
        raise refusal(name, "range", f"Must be a whole number from {low} to {high}.", status=status)
    return int(text)


def one_of(name: str, value: object, choices: Sequence[str], *, status: int = 400) -> str:
    if not isinstance(value, str) or value not in choices:
        raise refusal(name, "choice", f"Must be one of: {', '.join(choices)}.", status=status)
    return value


def read_moment(name: str, text: str, zone: ZoneInfo, *, status: int = 400) -> datetime:
    """In UTC; a bare date is the start of a local day."""
    text = re.sub(r" (\d\d:?\d\d)$", r"+\1", text[:40]) if "T" in text else text[:40]  # a + that was not escaped
    try:
        if re.fullmatch(DATE, text, re.ASCII):
            moment = midnight(date.fromisoformat(text), zone)
        elif TIME.fullmatch(text):
            moment = datetime.fromisoformat(text)
        else:
            raise ValueError(text)
        if not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise refusal(name, "range", f"Must lie in the years {FIRST_YEAR} to {LAST_YEAR}.", status=status)
    except (ValueError, OverflowError):
        raise refusal(name, "invalid", f"Must be {MOMENT}.", status=status) from None
    if moment.tzinfo is None:
        raise refusal(name, "invalid", f"A time without an offset is refused; it must be {MOMENT}.", status=status)
    return moment.astimezone(UTC)


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        text = query.encode("latin-1").decode()  # WSGI hands bytes over as if they were Latin-1
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST)
    except UnicodeError:
        raise Problem(400, "The query is not UTF-8.") from None
    except ValueError:
        raise Problem(400, f"A query may have up to {MOST} parameters.") from None
