"""Template filters: a status in words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django import template

from slos import words
from slos.status import SLOStatus

register = template.Library()
register.filter("percentage", words.percentage)
register.filter("burn_rate", words.burn_rate)


@register.filter
def state(one: SLOStatus) -> words.State:
    return words.state(one.status, one.consumed_percentage, one.too_few)


@register.filter
def promise(one: SLOStatus) -> str:
    slo = one.slo
    return words.promise(slo.target_percentage, slo.target_value if slo.is_timed else None, slo.target_unit)


@register.filter
def window(one: SLOStatus) -> str:
    return words.window(one.slo.window, one.slo.window_days)


@register.filter
def budget_left(one: SLOStatus) -> str:
    if one.remaining_percentage is None:
        return words.NO_DATA
    return words.budget_left(one.slo.sli_type, one.remaining_bad, one.allowed_bad)


@register.filter
def burn_word(one: SLOStatus, look_back: str) -> str:
    return words.burn(one.burn_word(look_back), one.events(look_back))


@register.filter
def ago(moment: datetime, now: datetime) -> str:
    return words.ago((now - moment).total_seconds())


@register.filter
def of(found: Mapping[UUID, Sequence[object]], key: UUID) -> Sequence[object]:
    """What a mapping holds for a key."""
    return found.get(key, ())
