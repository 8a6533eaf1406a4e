"""Template filters: KPIs in words."""

from django import template

from kpis import words

register = template.Library()
register.filter("duration", words.duration)
register.filter("count", words.number)
register.filter("share", words.percentage)


@register.filter
def bad_share(value: float | None) -> str:
    """Of what should be rare."""
    return words.percentage(value, less_is_better=True)
