"""Figures in words, the same on every page and in every report.

Rounding never makes a figure look better than it is: a ratio and what is left of a budget are rounded down. What is
not known is "no data".
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from kpis.words import NO_DATA as NO_DATA
from kpis.words import SPACE as SPACE
from kpis.words import duration as duration
from kpis.words import number as number
from kpis.words import percentage as percentage
from kpis.words import plural as plural
from slos.budget import MIN_EVENTS, Status

USED_UP = 100  # percent of the error budget
POINTS = "extraction_accuracy"  # its budget is a sum of fractions, not of whole events
NOUNS = {
    "exception_resolution_time": "exception",
    "duplicate_recall": "duplicate",
    "good_total": "event",
    POINTS: "point",
}
SENTENCES = {
    "time_to_ready": "{share} of invoices are ready {limit} of their upload",
    "approval_latency": "{share} of invoices are approved {limit} of being ready",
    "exception_resolution_time": "{share} of exceptions are resolved {limit} of being opened",
    "validation_pass_rate": "{share} of invoices pass structural and math validation",
    "processing_success_rate": "{share} of invoices are processed successfully",
    POINTS: "Fields are extracted with a mean confidence of {share}",
    "duplicate_recall": "{share} of duplicates are found",
    "good_total": "{share} of events are good",
}


@dataclass(frozen=True)
class State:
    """How an objective stands: a shape, a word and a key for its colour; no one of them alone."""

    key: str
    mark: str
    word: str


MET = State("met", "✔", "Met")
AT_RISK = State("risk", "▲", "At risk")
CRITICAL = State("bad", "✖", "Critical")
BUDGET_USED_UP = State("bad", "✖", "Budget used up")
NOTHING_YET = State("none", "○", "No data")
TOO_FEW = State("none", "○", "Too few to judge")
STALE = State("stale", "◷", "Stale")
PAUSED = State("paused", "‖", "Paused")
ARCHIVED = State("archived", "▣", "Archived")


def state(status: Status, consumed: float | None, too_few: bool) -> State:
    """`consumed` is the percentage of the error budget that is used up."""
    if status == Status.CRITICAL:
        return BUDGET_USED_UP if consumed is not None and consumed >= USED_UP else CRITICAL
    if status == Status.HEALTHY:
        return TOO_FEW if too_few else MET
    return AT_RISK if status == Status.WARNING else NOTHING_YET


def plain(value: Decimal | int) -> str:
    """A target as people write it: 95.000 is "95"."""
    text = f"{Decimal(value):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def burn_rate(value: float | None) -> str:
    """Rounded up: a burn rate that is too high never looks just right."""
    if value is None:
        return NO_DATA
    return number(Decimal(str(value)).quantize(Decimal("0.01"), ROUND_CEILING))


def burn(word: str, events: int) -> str:
    """The word for a burn rate, unless it comes from too few events to prove anything."""
    return word if events >= MIN_EVENTS else "few events"


def budget_left(sli_type: str, left: Decimal, allowed: Decimal) -> str:
    """The error budget in events: how many more may go wrong of those that may, or how many are too many.

    `left` and `allowed` need not be whole: the budget of 84 invoices is 4.2. Only whole ones can go wrong.
    """
    places = 1 if sli_type == POINTS else 0
    noun = NOUNS.get(sli_type, "invoice")
    rest, of = _down(left, places), _down(allowed, places)
    if rest < 0:
        return f"{number(-rest)} {plural(noun, -rest)} too many, {number(of)} allowed"
    return f"{number(rest)} of {number(of)} {plural(noun, of)} left"


def promise(target: Decimal, limit: Decimal | None, unit: str) -> str:
    """A target as one reads it: "95 % within 5 minutes"; `limit` in `unit` is that of a timed SLI."""
    share = f"{plain(target)}{SPACE}%"
    return share if limit is None else f"{share} within {time_limit(limit, unit)}"


def time_limit(limit: Decimal, unit: str) -> str:
    return f"{plain(limit)} {plural(unit.removesuffix('s'), limit)}"


def sentence(sli_type: str, target: Decimal, limit: Decimal | None, unit: str, over: str) -> str:
    """The whole promise: "95 % of invoices are ready within 5 minutes of their upload, over 30 days."."""
    within = "" if limit is None else f"within {time_limit(limit, unit)}"
    return f"{SENTENCES[sli_type].format(share=f'{plain(target)}{SPACE}%', limit=within)}, {over}."


def noun(sli_type: str, count: Decimal | int) -> str:
    """What the objective counts."""
    return plural(NOUNS.get(sli_type, "invoice"), count)


def events(count: Decimal | int) -> str:
    """A number of events; parts of one to two places."""
    exact = Decimal(count)
    return number(exact.quantize(Decimal(1)) if exact == exact.to_integral_value() else round(exact, 2))


def window(kind: str, days: int) -> str:
    """A compliance window as one reads it; `days` is the length of a rolling one."""
    return f"over {days} {plural('day', days)}" if kind == "rolling" else f"this {kind}"


def ago(seconds: float) -> str:
    """A time span in its largest unit: "40 s", "12 min", "3 h", "2 d"."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)}{SPACE}{unit}"
    return f"{max(0, int(seconds))}{SPACE}s"


def _down(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_FLOOR)
