"""Which definitions of an objective make no sense, and the way out: field -> message. Pure.

The ceiling of a burn rate is 1 / budget: a threshold at or above it could never be passed.
"""

from datetime import timedelta
from decimal import Decimal

from slos.budget import HUNDRED, highest_burn_rate
from slos.words import plain

SHORTEST_LIMIT, LONGEST_LIMIT = timedelta(seconds=1), timedelta(days=90)  # no window is longer
Wrong = dict[str, str]


def budget(target: Decimal, given: Decimal | None, high_burn: Decimal) -> Wrong:
    """`target` and the budget in percent; no budget given: what the target leaves."""
    left = HUNDRED - target
    if not 0 < left < HUNDRED:
        return {}  # refused by itself
    if given is not None and not 0 < given <= left:
        return {
            "error_budget_percentage": f"A target of {plain(target)} % leaves {plain(left)} % that may be bad. "
            f"Enter more than 0 and at most {plain(left)}, or nothing: then the budget follows the target."
        }
    share = left if given is None else given
    highest = highest_burn_rate(share / HUNDRED)
    if high_burn < highest:
        return {}
    return {
        "burn_rate_alert_threshold": f"It could never fire: with an error budget of {plain(share)} % the highest "
        f"possible burn rate is {plain(round(highest, 2))}, when every event is bad. Enter less."
    }


def limit(seconds: Decimal) -> Wrong:
    """The limit of a timed SLI."""
    if SHORTEST_LIMIT.total_seconds() <= seconds <= LONGEST_LIMIT.total_seconds():
        return {}
    return {"target_value": f"Enter a limit from 1 second to {LONGEST_LIMIT.days} days."}
