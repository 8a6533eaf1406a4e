"""What went wrong or got worse, what has most to do with it, and what to do next, in words."""

from decimal import Decimal
from urllib.parse import urlencode

from alerts.phrases import name as clean
from alerts.phrases import up
from kpis.words import plural
from slo_portal.reports.asked import Asked
from slo_portal.reports.objectives import Result
from slos import behind, words
from slos.behind import Contributor, Outcome
from slos.budget import MIN_BAD, Status
from slos.status import SLOStatus

MOST = 5  # findings
MOST_MISSES = 20  # of one objective, and objectives
TROUBLE = (Status.CRITICAL, Status.WARNING)
CHANCE = 2  # standard deviations that say that more is bad than before, and not by chance
STEPS = {
    "time_to_ready": "follow three of the late invoices through their steps, and see where they waited",
    "approval_latency": "ask who had the late invoices on the desk, and who stands in for them",
    "exception_resolution_time": "see who owns these exceptions, and whether one cause makes most of them",
    "validation_pass_rate": "compare what was extracted with the documents, and mend the check or the extraction",
    "processing_success_rate": "read the error of three failed invoices, and mend what they have in common",
    "extraction_accuracy": "look at the layout of their documents, and train or configure for it",
    "good_total": "ask whoever runs the program that sends its counts what failed, and since when",
    "duplicate_recall": "see what the missed duplicates differ in, and widen the comparison by it",
}
CALM = "change nothing risky until its budget has recovered"
Told = dict[str, object]


def findings(asked: Asked, found: list[Result]) -> list[Told]:
    """The worst first: objectives under their target, those that got worse by more than chance or ended in trouble."""
    worst = [one for one in found if one.met is False or got_worse(one) or _in_trouble(one)]
    worst.sort(key=lambda one: (one.met is not False, -_overspent(one), one.slo.name))
    return [_finding(asked, one) for one in worst[:MOST]]


def _in_trouble(one: Result) -> bool:
    """Its budget is nearly spent, or an alert of it was open."""
    return one.standing is not None and one.standing.status in TROUBLE


def got_worse(one: Result) -> bool:
    """More bad events than the rate before lets expect, by more than chance would bring."""
    if not one.before.total or one.counts.bad < MIN_BAD:
        return False
    expected = one.before.bad / one.before.total * one.counts.total
    return one.counts.bad > expected + CHANCE * expected.sqrt()


def _overspent(one: Result) -> Decimal:
    return one.counts.bad / (one.slo.budget * one.counts.total) if one.counts.total else Decimal(0)


def _finding(asked: Asked, one: Result) -> Told:
    since = asked.scope.since
    whole = not asked.only and (since is None or since <= asked.span.start)
    span = asked.span
    looked = whole and one.counts.bad > 0
    parts = behind.contributors(one.slo, span.start, span.end, now=asked.now) if looked else []
    first = parts[0] if parts else None
    return {
        "name": one.slo.name,
        "id": str(one.slo.pk),
        "what": _what(one),
        "contributor": _contributor(first) if first else None,
        "why": _why(first, looked=whole) if one.counts.bad else _earlier(one),
        "next_step": f"Next step: {_next_step(one)}.",
        "bad_rows": asked.bad_rows(one.slo) + (f"&{urlencode({first.field: first.value})}" if first else ""),
    }


def _earlier(one: Result) -> str:
    """Why an objective is in trouble without anything bad in the range."""
    return "An alert of it was still open." if _alerted(one) else "What was bad lies before this period."


def _next_step(one: Result) -> str:
    if one.counts.bad:
        return STEPS[one.slo.sli_type]
    return "answer its alert" if _alerted(one) else CALM


def _alerted(one: Result) -> bool:
    return one.standing is not None and bool(one.standing.severities)


def _what(one: Result) -> str:
    bad, total = one.counts.bad, words.number(one.counts.total)
    text = f"{up(bad)} of {total} were not good; promised are {words.plain(one.slo.target_percentage)}{words.SPACE}%."
    if not bad:
        text = "Nothing was bad in this period."
    if one.change is not None and one.change < 0:
        text += f" That is {up(Decimal(str(-one.change)), 1)} points worse than the period before."
    if _in_trouble(one) and one.standing:
        text += f" {_left(one.standing)}"
    return text


def _left(one: SLOStatus) -> str:
    left, window = one.remaining_percentage, words.window(one.slo.window, one.slo.window_days)
    if left is not None and left < 0:
        over = words.percentage(-left, less_is_better=True)
        return f"At the end its error budget {window} was overspent by {over}."
    return f"At the end {words.percentage(left)} of its error budget was left {window}."


def _contributor(part: Contributor) -> Told:
    return {
        "field": part.field,
        "value": clean(part.value),
        "bad": float(part.bad),
        "total_bad": float(part.total_bad),
        "share_percentage": float(round(part.share * 100, 1)),
        "times": float(round(part.lift, 1)),
    }


def _why(part: Contributor | None, *, looked: bool) -> str:
    if part is None:
        return (
            "No vendor, channel, document type or kind has more than its share of them."
            if looked
            else "What they have in common is looked up for the whole of the work, and while its rows are kept."
        )
    label = part.field.replace("_", " ")
    return (
        f"The {label} {clean(part.value)} has {up(part.bad)} of the {up(part.total_bad)}, "
        f"{part.lift:.1f} times its share: begin there."
    )


def misses(asked: Asked, found: list[Result]) -> list[Told]:
    """Each bad event of the objectives that have too few to be judged by."""
    few = [one for one in found if one.standing and one.standing.too_few and one.counts.bad and not asked.only]
    span, listed = asked.span, []
    for one in few[:MOST_MISSES]:
        rows = behind.page(one.slo, span.start, span.end, Outcome.BAD, now=asked.now, limit=MOST_MISSES)
        listed += [{"name": one.slo.name, "row": str(event.row), "at": event.at} for event in rows]
    return listed


def headline(found: list[Result], alerts: Told) -> str:
    """The report in two or three sentences."""
    judged = [one for one in found if one.met is not None]
    critical = sum(one.standing is not None and one.standing.status == Status.CRITICAL for one in found)
    text = _met(judged) if judged else "Nothing was measured."
    if critical:
        text += f" {critical} {plural('objective', critical)} stood critical at the end."
    return f"{text} {_alerts(alerts)}"


def _met(judged: list[Result]) -> str:
    missed = sorted((one for one in judged if not one.met), key=_overspent, reverse=True)
    text = f"{len(judged) - len(missed)} of {len(judged)} {plural('objective', len(judged))} met"
    if not missed:
        return f"{text}."
    worst = missed[0]
    promised = f"{words.plain(worst.slo.target_percentage)}{words.SPACE}%"
    return f"{text}; furthest off is {worst.slo.name} with {words.percentage(worst.achieved)} of {promised}."


def _alerts(alerts: Told) -> str:
    opened, still = int(str(alerts["opened"])), int(str(alerts["still_open"]))
    return f"{opened or 'No'} {plural('alert', opened)} opened, {still or 'none'} still open at the end."
