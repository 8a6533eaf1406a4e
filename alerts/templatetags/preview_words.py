"""A preview in words."""

from decimal import Decimal

from django import template
from django.utils import timezone
from django.utils.formats import date_format

from alerts.preview import Preview, Range
from slos import words
from slos.budget import percent

register = template.Library()


@register.filter
def meant(one: Range, found: Preview) -> str:
    """The answer for one range, in one or two sentences."""
    slo = found.status.slo
    over = f"over the last {one.days} days"
    if not one.counts.total:
        return f"No event is known {over}: nothing to judge by."
    counted = f"{words.events(one.counts.bad)} bad of {words.events(one.allowed)} allowed {over}"
    target = words.promise(slo.target_percentage, slo.target_value if slo.is_timed else None, slo.limit_unit)
    verdict = "kept it" if one.met else "missed it"
    used_up = ""
    if one.used_up_at:
        used_up = f", used up on {date_format(timezone.localtime(one.used_up_at), 'j M H:i')}"
    return f"With {target} you would have {verdict}: {counted}{used_up}. {_alerts(one, found)}"


def _alerts(one: Range, found: Preview) -> str:
    fired = f"{one.alerts} {words.plural('alert', one.alerts)} would have fired"
    before = next((before for now, before in found.pairs if now is one and before), None)
    return f"{fired} (as saved: {before.alerts})." if before else f"{fired}."


@register.filter
def good_share(one: Range) -> str:
    return words.percentage(percent(one.counts.ratio))


@register.filter
def plain(value: Decimal) -> str:
    return words.plain(value)
