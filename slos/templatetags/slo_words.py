"""Template filters: a status in words."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django import template

from slos import parts, words
from slos.detail import Detail
from slos.models import SLODefinition
from slos.status import SLOStatus
from slos.verdicts import Verdict

register = template.Library()
DASH = "\N{EN DASH}"
OUTCOMES = {  # shape, word and colour of what a row counts for
    "good": ("✔", "Good", "met"),
    "bad": ("✖", "Bad", "bad"),
    "partly": ("◐", "In part", "risk"),
    "pending": ("◷", "Pending", "none"),
    "none": (DASH, "Not counted", "none"),
}
register.filter("percentage", words.percentage)
register.filter("burn_rate", words.burn_rate)
register.filter("events", words.events)


@register.filter
def state(one: SLOStatus) -> words.State:
    return words.state(one.status, one.consumed_percentage, one.too_few)


@register.filter
def promise(one: SLOStatus) -> str:
    slo = one.slo
    return words.promise(slo.target_percentage, slo.target_value if slo.is_timed else None, slo.limit_unit)


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
def of(found: Mapping[UUID, int], key: UUID) -> int:
    """How many a mapping holds for a key."""
    return found.get(key, 0)


@register.filter
def verdict_mark(verdict: Verdict) -> str:
    return OUTCOMES[verdict.outcome][0]


@register.filter
def verdict_word(verdict: Verdict) -> str:
    if verdict.outcome == "partly" and verdict.good is not None:
        return f"{words.plain(verdict.good)} good"
    return OUTCOMES[verdict.outcome][1]


@register.filter
def verdict_tone(verdict: Verdict | None) -> str:
    """The class of its colour."""
    return OUTCOMES[verdict.outcome][2] if verdict else "none"


@register.filter
def promised_of(slo: SLODefinition) -> str:
    return f"promised within {words.time_limit(slo.target_value, slo.limit_unit)}"


@register.filter
def lasted(seconds: float | None) -> str:
    return DASH if seconds is None else words.ago(seconds) if seconds >= 0 else "before it began"


@register.filter
def amount(value: Decimal) -> str:
    """Of money: at least two decimals."""
    return words.number(value.quantize(Decimal("0.01")) if value == round(value, 2) else value)


@register.filter
def sentence(slo: SLODefinition) -> str:
    limit = slo.target_value if slo.is_timed else None
    over = words.window(slo.window, slo.window_days)
    whole = words.sentence(slo.sli_type, slo.target_percentage, limit, slo.limit_unit, over)
    return f"{whole} Only {parts.words(slo.only)}." if slo.only else whole


@register.filter
def counted(slo: SLODefinition) -> str:
    """What it counts, several of them."""
    return words.noun(slo.sli_type, 2)


@register.filter
def as_target(value: Decimal) -> str:
    return f"{words.plain(value)}{words.SPACE}%"


@register.filter
def runs_out(detail: Detail) -> str:
    """In how much time nothing of the budget is left."""
    found = detail.outlook
    if found.used_up:
        return "used up"
    if not found.known:
        return words.NO_DATA
    return f"in {words.duration((found.at - detail.shown_now).total_seconds())}" if found.at else "not in sight"
