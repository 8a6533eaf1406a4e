"""What has changed in a series, as a colleague would say it. Pure."""

from collections.abc import Mapping

from kpis.changes import Kind, Scale
from kpis.words import duration, number, percentage


def value(scale: Scale, amount: float) -> str:
    """As its series counts: events, a time in seconds, a rate in percent."""
    if scale is Scale.DURATION:
        return duration(amount)
    return percentage(amount) if scale is Scale.RATE else number(round(amount))


def said(kind: Kind, scale: Scale, before: float, after: float, start: str, end: str) -> str:
    """`start` and `end` in words; `end` is empty while it goes on. The name of the series stands before it."""
    was, became = value(scale, before), value(scale, after)
    match kind:
        case Kind.SHIFT:
            return f"went from {was} to {became} on {start}{end and f', until {end}'}"
        case Kind.DRIFT:
            return f"has drifted from {was} to {became} since {start}"
        case Kind.OUTLIER:
            return f"was {became} on {start}; usual was {was}"
    return f"nothing came from {start} {f'to {end}' if end else 'on'}; usual is {was} a period"


def cause(found: Mapping[str, str | float]) -> str:
    """What changed with it; empty where nothing stands out."""
    if not found:
        return ""
    label = str(found["field"]).replace("_", " ")
    of = "kind of exception" if label == "kind" else label
    return f"{percentage(float(found['share']), 0)} of it comes with the {of} “{found['value']}”."
