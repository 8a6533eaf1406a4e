"""Which definitions of an objective make no sense, and the way out: field -> message. Pure.

The ceiling of a burn rate is 1 / budget: a threshold at or above it could never be passed.
"""

from datetime import timedelta
from decimal import Decimal

from slos.budget import HUNDRED, highest_burn_rate
from slos.words import plain

SHORTEST_LIMIT, LONGEST_LIMIT = timedelta(seconds=1), timedelta(days=90)  # no window is longer
Wrong = dict[str, str]


def budget(target: Decimal, given: Decimal | None) -> Wrong:
    """`target` and the budget in percent; no budget given: what the target leaves."""
    left = HUNDRED - target
    if given is None or not 0 < left < HUNDRED or 0 < given <= left:
        return {}  # a target out of range is refused by itself
    return {
        "error_budget_percentage": f"A target of {plain(target)} % leaves {plain(left)} % that may be bad. "
        f"Enter more than 0 and at most {plain(left)}, or nothing: then the budget follows the target."
    }


def burn_rates(share: Decimal, elevated: Decimal, high: Decimal) -> Wrong:
    """The two thresholds of an error budget of `share` percent."""
    highest = highest_burn_rate(share / HUNDRED)
    never = (
        f"It could never fire: with an error budget of {plain(share)} % the highest possible burn rate is "
        f"{plain(round(highest, 2))}, when every event is bad. Enter less."
    )
    named = {"burn_rate_warning_threshold": elevated, "burn_rate_alert_threshold": high}
    wrong = {name: never for name, threshold in named.items() if threshold >= highest}
    if elevated > high and not wrong:
        wrong["burn_rate_warning_threshold"] = (
            f"The warning comes before the high burn rate: enter at most {plain(high)}, or raise that one."
        )
    return wrong


def look_back(name: str, hours: int, window_hours: int) -> Wrong:
    if hours <= window_hours:
        return {}
    return {name: f"The compliance window has only {window_hours} hours. Enter at most {window_hours}."}


def shares(warning: Decimal, critical: Decimal) -> Wrong:
    """Of the error budget, in percent."""
    if warning < critical:
        return {}
    return {"alerting_threshold_percentage": f"From {plain(critical)} % on it is critical. Enter less for the warning."}


def critical_performance(threshold: Decimal, target: Decimal) -> Wrong:
    if threshold <= target:
        return {}
    kept = f"It would fire while the target of {plain(target)} % is kept. Enter at most that."
    return {"critical_performance_percentage": kept}


def limit(seconds: Decimal) -> Wrong:
    """The limit of a timed SLI."""
    if SHORTEST_LIMIT.total_seconds() <= seconds <= LONGEST_LIMIT.total_seconds():
        return {}
    return {"target_value": f"Enter a limit from 1 second to {LONGEST_LIMIT.days} days."}
