"""What is known of an alert, sentence by sentence. What is not known is left out: then a sentence is empty."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from alerts.kinds import BUDGETS, TYPE_LABELS, AlertType
from alerts.known import Facts
from alerts.phrases import about, between, down, last, many, name, on, span, up, when
from slos.words import NOUNS, POINTS, number, plain, plural

PERIODS = {"hourly": "hour", "daily": "day", "weekly": "week"}
PARTS = {"vendor": "from", "channel": "of the channel", "document_type": "of the type", "kind": "of the kind"}
LONGEST_ERROR = 200
FULL_MINUTE = timedelta(seconds=59, microseconds=999999)  # so that a deadline is rounded up


class Wording(NamedTuple):
    """How one says that events are bad."""

    headline: str  # "37 invoices ..."
    said: str  # "37 of 260 invoices ..."


WORDINGS = {
    "time_to_ready": Wording("late", "{was} not ready {limit}"),
    "approval_latency": Wording("not approved in time", "{was} not approved {limit}"),
    "exception_resolution_time": Wording("open too long", "{was} not resolved {limit}"),
    "validation_pass_rate": Wording("failed validation", "failed validation"),
    "processing_success_rate": Wording("failed", "failed in processing"),
    "duplicate_recall": Wording("missed", "{was} missed"),
    POINTS: Wording("short", ""),
}
OTHER = Wording("bad", "{was} bad")


def headline(facts: Facts) -> str:
    """The alert in a few words, without the name of its objective."""
    match facts.alert_type:
        case AlertType.STALE_FEED if facts.feed:
            return f"No {_feed(facts)} message{_since(facts, facts.last_message_at)}"
        case AlertType.DELIVERY_FAILURE if facts.channel:
            return f"{_channel(facts)} has delivered nothing{_since(facts, facts.failing_since)}"
        case AlertType.BURN_RATE_WARNING if facts.bad is not None:
            return f"{_events(facts, facts.bad)} {_wording(facts).headline}{_since(facts, facts.since)}"
        case AlertType.ERROR_BUDGET_CONSUMED if facts.value is not None:
            rest = f", {_left(facts)} left" if facts.left is not None and facts.left >= 0 else ""
            return f"{up(facts.value, 1)} % of the allowance used{rest}"
        case AlertType.ERROR_BUDGET_EXHAUSTED if facts.left is not None and facts.left < 0:
            return f"Allowance used up, {_events(facts, -facts.left)} too many"
        case AlertType.CRITICAL_PERFORMANCE if facts.bad is not None and facts.total:
            if facts.sli_type == POINTS:
                return f"Confidence of only {_good_percent(facts)} %"
            return f"{up(facts.bad)} of {many(facts.total, _noun(facts))} {_wording(facts).headline}"
        case AlertType.CONSECUTIVE_FAILURES if facts.value is not None and facts.target is not None:
            return f"{_misses(facts)} in a row under {plain(facts.target)} %"
        case AlertType.REGRESSION if facts.changed:
            return f"{facts.changed[0].upper()}{facts.changed[1:]}"
    return TYPE_LABELS[facts.alert_type]


def what(facts: Facts) -> str:
    """How many were bad, of how many, and when."""
    if facts.bad is None or not facts.total:
        return ""
    counted = _counted(facts, facts.bad, facts.total)
    if _all_missed(facts):
        promise = "" if facts.target is None else f" of {plain(facts.target)} %"
        return f"The last {_misses(facts)} with {_work(facts)} all missed the promise{promise}: {counted}."
    first = f", the first {on(facts.since, facts.now, facts.zone)}" if facts.since and facts.bad else ""
    return f"{counted}{first}."


def _counted(facts: Facts, bad: Decimal, total: int) -> str:
    if facts.sli_type == POINTS:
        read = "was read with a confidence" if total == 1 else "were read with an average confidence"
        certain = f"{_good_percent(facts)} %, {_events(facts, bad)} short of certainty"
        return f"{many(total, 'invoice')}{_during(facts)} {read} of {certain}"
    limit = f"within {facts.limit}" if facts.limit else "in time"
    said = _wording(facts).said.format(was="was" if bad == 1 else "were", limit=limit)
    return f"{up(bad)} of {many(total, _noun(facts))}{_during(facts)} {said}"


def _during(facts: Facts) -> str:
    if _all_missed(facts):
        return ""
    if facts.start and facts.end:
        return f" {between(facts.start, facts.end, facts.now, facts.zone)}"
    if facts.alert_type in BUDGETS and facts.window not in ("", "rolling"):
        return f" this {facts.window}"
    return f" in {last(facts.look_back)}" if facts.look_back else ""


def cost(facts: Facts) -> str:
    """What that is of the error budget, how much of it is left, and how long that lasts."""
    fast = _fast(facts)
    if facts.allowed is None or facts.left is None or facts.allowed <= 0:
        return f"The allowance is {fast}." if fast else ""
    if facts.too_few:
        few = f"Only {down(facts.allowed)}" if facts.allowed >= 1 else "Not even one"
        return f"{few} may {_go_wrong(facts)}{_window(facts)}, because so little work comes: take this as a hint."
    if facts.alert_type in BUDGETS or not facts.bad:
        return rest(facts)
    share = f"That is {up(facts.bad / facts.allowed * 100)} % of {_allowance(facts)}{fast and f', {fast}'}"
    if facts.left < 0:
        return f"{share}; it is used up: {_events(facts, -facts.left)} too many."
    return f"{share}; {_left(facts)} {_is(facts)} left{_pace(facts)}."


def rest(facts: Facts) -> str:
    """What is left of the error budget."""
    if facts.allowed is None or facts.left is None or facts.allowed <= 0:
        return ""
    allowed, left = _amount(facts, facts.allowed), _amount(facts, facts.left)
    one = allowed == "1"
    may = f"{allowed} {_noun(facts)}{'' if one else 's'} that may {_go_wrong(facts)}{_window(facts)}"
    if facts.left < 0:
        return f"The {may} {'is' if one else 'are'} used up: {_rounded_up(facts, -facts.left)} too many."
    return f"{'None' if left == '0' else left} of the {may} {_is(facts)} left{_pace(facts)}."


def left_in_short(facts: Facts) -> str:
    """The same for a telephone."""
    if facts.left is None or facts.left < 0 or facts.too_few or facts.allowed is None:
        return ""
    out = f", used up {_about(facts)}" if facts.runs_out_at else ""
    return f"{_left(facts)} left{out}"


def who(facts: Facts) -> str:
    """What stands out among the bad ones."""
    most = facts.biggest
    if most is None:
        return ""
    part = f"{PARTS.get(most.field, 'from')} {name(most.value)}"
    some, of = (_rounded_up(facts, value) for value in (most.bad, most.of))
    points = " points" if facts.sli_type == POINTS else ""
    be = "were" if most.span else "are"
    if most.bad >= most.of:
        said = f"the only one {'was' if most.span else 'is'} {part}" if of == "1" else f"all {of}{points} {be} {part}"
    elif most.bad * 2 > most.of:
        said = f"most {be} {part} ({some} of the {of}{points})"
    else:
        said = f"{some} of the {of}{points} {be} {part}"
    text = f"in {last(most.span)} {said}" if most.span else said
    return f"{text[0].upper()}{text[1:]}."


def due(facts: Facts) -> str:
    """What falls due next."""
    if not facts.due:
        return ""
    by = f" by {_time(facts, facts.due_by + FULL_MINUTE)}" if facts.due_by else ""
    return f"{number(Decimal(facts.due))} more {'falls' if facts.due == 1 else 'fall'} due{by}."


def silence(facts: Facts) -> list[str]:
    """A feed that has stopped."""
    if not facts.feed or facts.last_message_at is None:
        return []
    ago = f"{span(facts.now - facts.last_message_at)} ago"
    usual = f"; usually {number(Decimal(facts.usual))} would have come since" if facts.usual else ""
    return [
        f"The last {_feed(facts)} message came {on(facts.last_message_at, facts.now, facts.zone)}, {ago}{usual}.",
        "Nothing that depends on them is judged until they come again: look at the program that sends them.",
    ]


def refusal(facts: Facts) -> list[str]:
    """A channel that does not deliver."""
    if not facts.channel:
        return []
    count = facts.undelivered
    failed = f"has not delivered {many(count, 'message')}" if count else "has delivered nothing"
    return [
        f"{_channel(facts)} {failed}{_since(facts, facts.failing_since)}.",
        f"The answer was: {name(facts.error, LONGEST_ERROR)}." if facts.error else "",
        "It stays switched off until somebody mends it in the admin." if facts.switched_off else "",
    ]


def turn(facts: Facts) -> list[str]:
    """What has changed, without a promise that is broken by it."""
    if not facts.changed:
        return []
    found = f"{name(facts.slo)} {facts.changed}."
    return [found, facts.changed_with, "Nobody has to act at once: see what began then, before it costs a promise."]


def _feed(facts: Facts) -> str:
    return name(facts.feed).removesuffix("s")


def _channel(facts: Facts) -> str:
    return f"{name(facts.channel_kind)} channel {name(facts.channel)}".strip()


def _wording(facts: Facts) -> Wording:
    return WORDINGS.get(facts.sli_type, OTHER)


def _noun(facts: Facts) -> str:
    return NOUNS.get(facts.sli_type, "invoice")


def _work(facts: Facts) -> str:
    return "invoices" if facts.sli_type == POINTS else f"{_noun(facts)}s"


def _events(facts: Facts, bad: Decimal) -> str:
    amount = _rounded_up(facts, bad)
    return f"{amount} {plural(_noun(facts), 1 if amount == '1' else 2)}"


def _rounded_up(facts: Facts, bad: Decimal) -> str:
    return up(bad, 1 if facts.sli_type == POINTS else 0)


def _amount(facts: Facts, value: Decimal) -> str:
    return down(value, 1 if facts.sli_type == POINTS else 0)


def _left(facts: Facts) -> str:
    points = " points" if facts.sli_type == POINTS else ""
    return f"{_amount(facts, facts.left or Decimal(0))} of {_amount(facts, facts.allowed or Decimal(0))}{points}"


def _is(facts: Facts) -> str:
    return "is" if _amount(facts, facts.left or Decimal(0)) == "1" else "are"


def _good_percent(facts: Facts) -> str:
    total = Decimal(facts.total or 1)
    return down((total - (facts.bad or 0)) / total * 100, 1)


def _misses(facts: Facts) -> str:
    return many(int(facts.value or 0), PERIODS.get(facts.period, "measurement"))


def _all_missed(facts: Facts) -> bool:
    if facts.alert_type != AlertType.CONSECUTIVE_FAILURES or facts.value is None:
        return False
    return facts.threshold is None or facts.value >= facts.threshold


def _fast(facts: Facts) -> str:
    if facts.alert_type != AlertType.BURN_RATE_WARNING or facts.value is None:
        return ""
    return f"spent {up(facts.value, 1)} times as fast as it may be"


def _go_wrong(facts: Facts) -> str:
    return "be lost" if facts.sli_type == POINTS else "go wrong"


def _allowance(facts: Facts) -> str:
    if facts.window == "rolling" and facts.window_days:
        return f"the allowance for {many(facts.window_days, 'day')}"
    return f"this {facts.window}'s allowance" if facts.window else "the allowance"


def _window(facts: Facts) -> str:
    if facts.window == "rolling" and facts.window_days:
        return f" in {many(facts.window_days, 'day')}"
    return f" this {facts.window}" if facts.window else ""


def _pace(facts: Facts) -> str:
    return f", and at this pace they run out {_about(facts)}" if facts.runs_out_at else ""


def _about(facts: Facts) -> str:
    return about(facts.runs_out_at, facts.now, facts.zone) if facts.runs_out_at else ""


def _time(facts: Facts, at: datetime) -> str:
    return when(at, facts.now, facts.zone)


def _since(facts: Facts, at: datetime | None) -> str:
    return f" since {_time(facts, at)}" if at else ""
