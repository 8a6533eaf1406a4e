"""When an error budget will be used up, if its events go on as they did lately. Pure.

The rule: what is left of the whole window's budget, at its traffic so far, divided by the burn rate of the shortest
look-back that holds enough events. What leaves a rolling window meanwhile is not given back.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from slos.budget import MIN_EVENTS, Counts, Window, burn_rate

PACES = (("1d", "24 hours"), ("3d", "3 days"), ("30d", "30 days"))  # look-backs and their words


@dataclass(frozen=True)
class Outlook:
    """`at` is the moment when nothing is left; None while that lies beyond the window, or nobody can say."""

    at: datetime | None = None
    used_up: bool = False
    known: bool = True
    pace: str = ""  # the look-back that it is judged by, in words


def outlook(
    window: Window, budget: Decimal, looks: Iterable[tuple[str, Counts]], *, now: datetime, end: datetime
) -> Outlook:
    """`looks` are look-backs, in words and what they hold, the shortest first; the window is over at `end`."""
    spent = window.judged_consumed(budget)
    if spent is None:
        return Outlook(known=False)
    if spent >= 1:
        return Outlook(used_up=True)
    for pace, counts in looks:
        burn = burn_rate(counts, budget)
        if burn is not None and counts.total >= MIN_EVENTS:
            return Outlook(_exhausted(window.length, (1 - spent), burn, now, end), pace=pace)
    return Outlook(known=False)


def _exhausted(length: timedelta, left: Decimal, burn: Decimal, now: datetime, end: datetime) -> datetime | None:
    if not burn or left / burn >= 1:  # it outlasts a whole window
        return None
    at = now + length * float(left / burn)
    return at if at < end else None
