"""An alert in words, as a colleague would say it: what, since when, what it costs, who most, what comes next."""

from alerts.kinds import BUDGETS, AlertType, Reason, Resolution
from alerts.known import Facts
from alerts.phrases import cut, in_zone, many, name, on, span, when
from alerts.sentences import cost, due, headline, left_in_short, refusal, rest, silence, turn, what, who
from slos.words import plain

LONGEST_TITLE, LONGEST_SHORT = 120, 140
FLAPS = 2  # times that it has come back


def title(facts: Facts, reason: Reason = Reason.OPENED) -> str:
    """One line of at most 120 characters. Why it is told stands beside it, unless it is over."""
    return cut(in_zone(_title(facts, reason), facts.zone), LONGEST_TITLE)


def _title(facts: Facts, reason: Reason) -> str:
    text = _ending(facts) if reason == Reason.RESOLVED else headline(facts)
    return f"{text}: {name(facts.slo)}" if facts.slo else text


def message(facts: Facts, reason: Reason = Reason.OPENED) -> str:
    """At most five short sentences of plain text."""
    if reason == Reason.RESOLVED:
        sentences = [f"{_ending(facts)}{_ended_at(facts)}.", what(facts), rest(facts)]
    elif facts.alert_type == AlertType.STALE_FEED:
        sentences = [_lead(facts, reason), *silence(facts)]
    elif facts.alert_type == AlertType.DELIVERY_FAILURE:
        sentences = [_lead(facts, reason), *refusal(facts)]
    elif facts.alert_type == AlertType.REGRESSION:
        sentences = [_lead(facts, reason), *turn(facts)]
    else:
        sentences = [_lead(facts, reason), what(facts), cost(facts), who(facts), due(facts)]
    text = " ".join(filter(None, sentences)) or f"{_title(facts, reason)}."
    return in_zone(text, facts.zone)


def short(facts: Facts, reason: Reason = Reason.OPENED) -> str:
    """At most 140 characters, for a telephone: the title and, where it fits, what is left."""
    text = _title(facts, reason)
    left = "" if reason == Reason.RESOLVED or facts.alert_type in BUDGETS else left_in_short(facts)
    longer = in_zone(f"{text}. {left}", facts.zone)
    return longer if left and len(longer) <= LONGEST_SHORT else cut(in_zone(text, facts.zone), LONGEST_SHORT)


def _lead(facts: Facts, reason: Reason) -> str:
    """Why it is told, unless it is new."""
    life = facts.life
    age = span(facts.now - life.opened_at) if life.opened_at else ""
    match reason:
        case Reason.WORSENED:
            return f"This has got worse and is now {facts.severity}."
        case Reason.REOPENED if life.reopenings >= FLAPS:
            return f"It comes and goes: it has been back {many(life.reopenings, 'time')}."
        case Reason.REOPENED:
            return "It is back after it was over."
        case Reason.ESCALATED | Reason.REPEATED:
            return f"Nobody has acknowledged this{age and f' for {age}'}."
        case Reason.REMINDER:
            by = name(life.acknowledged_by) or "Somebody"
            at = f" {on(life.acknowledged_at, facts.now, facts.zone)}" if life.acknowledged_at else ""
            return f"{by} acknowledged this{at}, and it still goes on{age and f' after {age}'}."
        case Reason.TEST:
            return "This is only a test."
    return ""


def _ending(facts: Facts) -> str:
    """How it ended, in a few words."""
    life = facts.life
    if life.resolution == Resolution.PERSON:
        return f"Closed by {name(life.resolved_by) or 'somebody'}"
    if life.resolution == Resolution.SUPERSEDED:
        return "Replaced by the alert that the allowance is used up"
    if life.resolution == Resolution.NOT_JUDGED:
        return "No longer watched"
    if life.resolution == Resolution.ARCHIVED:
        return "Its objective was archived"
    return _recovery(facts)


def _recovery(facts: Facts) -> str:
    match facts.alert_type:
        case AlertType.STALE_FEED:
            return f"{name(facts.feed).removesuffix('s').capitalize()} messages come again".strip()
        case AlertType.DELIVERY_FAILURE:
            return f"{name(facts.channel_kind)} channel {name(facts.channel)} delivers again".strip()
        case AlertType.ERROR_BUDGET_CONSUMED | AlertType.ERROR_BUDGET_EXHAUSTED:
            return "Enough of the allowance is left again"
        case AlertType.REGRESSION:
            return "It has changed again, or become the usual"
    if _keeps_its_promise(facts):
        return "Back within its promise"
    match facts.alert_type:
        case AlertType.BURN_RATE_WARNING:
            return "The allowance no longer goes too fast"
        case AlertType.CONSECUTIVE_FAILURES:
            return "The promise is no longer missed every time"
        case AlertType.CRITICAL_PERFORMANCE if facts.threshold is not None:
            return f"No longer under {plain(facts.threshold)} %"
    return "Over"


def _keeps_its_promise(facts: Facts) -> bool:
    if facts.target is None or facts.bad is None or not facts.total:
        return False
    return (facts.total - facts.bad) * 100 >= facts.target * facts.total


def _ended_at(facts: Facts) -> str:
    life = facts.life
    by_itself = life.resolution in (None, Resolution.RECOVERED)
    ended = (life.quiet_since if by_itself else None) or life.resolved_at
    if ended is None or life.resolution == Resolution.SUPERSEDED:
        return ""
    moment = (ended, facts.now, facts.zone)
    at = f" since {when(*moment)}" if by_itself else f" {on(*moment)}"
    return f"{at}, after {span(ended - life.opened_at)}" if life.opened_at else at
