"""What the API says of exclusions."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from slo_portal.openapi.common import Count, Id, Pages, Part, Percentage, Time, Told, of
from slos.exclusions import STATES
from slos.models import Exclusion

MOMENT = {"extra_json_schema": {"examples": ["2026-12-24T18:00:00+01:00"]}}
Reason = Annotated[str, Meta(min_length=1, max_length=300, description="Why it must not count.")]
Rule = Annotated[
    str, Meta(max_length=300, description="An RRULE such as FREQ=WEEKLY;BYDAY=SU;COUNT=10. Left out or empty: once.")
]


class NamedObjective(Told):
    id: Id
    name: str


class OneExclusion(Told):
    id: Id
    category: of(Exclusion.Category.values)  # type: ignore[valid-type]
    reason: str
    slos: Annotated[list[NamedObjective], Meta(description="Empty: all objectives, those to come included.")]
    start: Time | None
    end: Time | None
    rrule: str
    invoice_id: Annotated[str | None, Meta(description="null where it is a period.")]
    state: of(STATES)  # type: ignore[valid-type]
    settled: Annotated[bool, Meta(description="The figures show it as it is; false for some seconds.")]
    created_at: Time
    created_by: str | None
    withdrawn_at: Time | None
    withdrawn_by: str | None


class Exclusions(Told):
    exclusions: list[OneExclusion]
    pagination: Pages


class Excluding(Struct, forbid_unknown_fields=True):
    """A period, or the number of an invoice."""

    category: of(Exclusion.Category.values)  # type: ignore[valid-type]
    reason: Reason
    slos: Annotated[list[str], Meta(max_length=500, description="Ids or names; empty: all.")] | UnsetType = UNSET
    start: Annotated[str, Meta(description="A bare date is the start of a local day.", **MOMENT)] | UnsetType = UNSET
    end: Annotated[str, Meta(description="Exclusive; with rrule, of the first time.", **MOMENT)] | UnsetType = UNSET
    rrule: Rule | UnsetType = UNSET
    invoice_id: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET


class LeftOutTime(Told):
    start: Time
    end: Time


class PercentageChange(Told):
    before: Percentage
    after: Percentage


class Effect(Told):
    """Over the compliance window; the counts are what would be left out."""

    slo: NamedObjective
    good_events_count: Part
    bad_events_count: Part
    achieved_percentage: PercentageChange
    remaining_percentage: PercentageChange


class Previewed(Told):
    times: Annotated[list[LeftOutTime], Meta(description="The first 50, widened to whole buckets; none of an invoice.")]
    times_count: Count
    effects: Annotated[list[Effect], Meta(description="Of objectives whose figures would change.")]
