"""What a report on demand may be about: a range and a part of the work, from a body or a form."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from accounts.models import Organization
from kpis.counting import FILTERS
from kpis.params import Span, read_moment, refusal

LONGEST = timedelta(days=731)
MOST = 200  # characters of a filter


def span_of(fields: Mapping[str, Any], organization: Organization, *, now: datetime) -> Span:
    """From `start_date` to `end_date`; a bare date is the start of a local day. Raises Problem with status 422."""
    zone, moments = organization.time_zone, {}
    for name in ("start_date", "end_date"):
        given = fields.get(name)
        if not given:
            raise refusal(name, "required", "Say from when to when: start_date and end_date.", status=422)
        if not isinstance(given, str):
            raise refusal(name, "type", "Must be a text such as 2026-01-31.", status=422)
        moments[name] = read_moment(name, given, zone, status=422)
    span = Span(moments["start_date"], moments["end_date"])
    if span.start >= span.end:
        raise refusal("end_date", "range", "Must lie after start_date; the end is exclusive.", status=422)
    if span.start >= now:
        raise refusal("start_date", "range", "Must lie in the past: nothing is known of the future.", status=422)
    if span.end - span.start > LONGEST:
        raise refusal("end_date", "range", f"A report may cover up to {LONGEST.days} days.", status=422)
    return span


def part_of(given: object) -> dict[str, str]:
    """The filters by name. Raises Problem with status 422."""
    if not isinstance(given, Mapping):
        raise refusal("filters", "type", f"Must be an object with any of: {', '.join(FILTERS)}.", status=422)
    for name, value in given.items():
        if name not in FILTERS:
            raise refusal(f"filters.{name[:100]}", "unknown_field", f"Known: {', '.join(FILTERS)}.", status=422)
        if not isinstance(value, str) or not value or len(value) > MOST or "\0" in value:
            detail = f"Must be a text of 1 to {MOST} characters without NUL; leave it out for all."
            raise refusal(f"filters.{name}", "invalid", detail, status=422)
    return dict(given)
