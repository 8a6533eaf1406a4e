"""Template filters: what a report holds, in words."""

from datetime import datetime, timedelta

from django import template

from kpis.words import MINUS, duration, number, percentage

register = template.Library()
register.filter("duration", duration)
register.filter("count", number)
register.filter("share", percentage)
MET = {True: ("✔", "Met", "met"), False: ("✖", "Missed", "bad"), None: ("○", "No data", "none")}


@register.filter
def moment(text: str | None) -> datetime | None:
    """A time of the stored content."""
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None


@register.filter
def last_day(end: datetime) -> datetime:
    """A moment of the last day of what ends then."""
    return end - timedelta(microseconds=1)


@register.filter
def verdict(met: bool | None) -> tuple[str, str, str]:
    """Shape, word and colour of what an objective came to."""
    return MET[met]


@register.filter
def spent(value: float | None) -> str:
    """Of a budget, rounded up."""
    return percentage(value, less_is_better=True)


@register.filter
def split(text: str) -> list[str]:
    return text.split(",")


@register.filter
def points(value: float | None) -> str:
    if value is None:
        return "\N{EN DASH}"
    return f"{'+' if value > 0 else MINUS if value < 0 else ''}{abs(value):.1f}"
