"""Worked examples of what people read when an alert opens: facts in, exact words out."""

from decimal import Decimal

import pytest

from alerts import words
from alerts.kinds import AlertType, Severity
from alerts.known import Biggest, Facts
from tests.alerts.told import BERLIN, DAY, DEAD, HOUR, LATE, NOW, ONLY_COUNTED, STOPPED, UTC_ZONE, clock, of, of_budget

EXAMPLES = {
    "spent too fast, timed": (
        LATE,
        "37 invoices late since 09:10: Time to ready",
        "37 of 260 invoices in the last 6 hours were not ready within 5 minutes, the first at 09:10. That is 12 % of "
        "this month's allowance, spent 2.4 times as fast as it may be; 88 of 312 are left, and at this pace they run "
        "out on Thursday at about 14:00. Most are from Acme GmbH (22 of the 37). 9 more fall due by 18:00.",
    ),
    "in another zone, over a rolling window": (
        of(LATE, zone=BERLIN, window="rolling"),
        "37 invoices late since 10:10 (Europe/Berlin): Time to ready",
        "37 of 260 invoices in the last 6 hours were not ready within 5 minutes, the first at 10:10 (Europe/Berlin). "
        "That is 12 % of the allowance for 30 days, spent 2.4 times as fast as it may be; 88 of 312 are left, and at "
        "this pace they run out on Thursday at about 15:00. Most are from Acme GmbH (22 of the 37). "
        "9 more fall due by 19:00.",
    ),
    "one of everything": (
        of(
            LATE,
            bad=Decimal(1),
            total=1,
            look_back=HOUR,
            left=Decimal("1.2"),
            runs_out_at=None,
            due=1,
            biggest=Biggest("channel", "e-mail", Decimal(1), Decimal(1)),
        ),
        "1 invoice late since 09:10: Time to ready",
        "1 of 1 invoice in the last hour was not ready within 5 minutes, the first at 09:10. That is 1 % of this "
        "month's allowance, spent 2.4 times as fast as it may be; 1 of 312 is left. The only one is of the channel "
        "e-mail. 1 more falls due by 18:00.",
    ),
    "an old start, a budget that is used up, a weak contributor": (
        of(
            LATE,
            since=clock(9) - 2 * DAY,
            look_back=3 * DAY,
            left=Decimal("-3.2"),
            runs_out_at=None,
            due=0,
            biggest=Biggest("document_type", "credit note", Decimal(6), Decimal(20), DAY),
        ),
        "37 invoices late since Sunday 09:00: Time to ready",
        "37 of 260 invoices in the last 3 days were not ready within 5 minutes, the first on Sunday at 09:00. That is "
        "12 % of this month's allowance, spent 2.4 times as fast as it may be; it is used up: 4 invoices too many. "
        "In the last 24 hours 6 of the 20 were of the type credit note.",
    ),
    "nothing but the counts is known": (
        ONLY_COUNTED,
        "37 invoices late since 09:10: Time to ready",
        "37 of 260 invoices in the last 6 hours were not ready within 5 minutes, the first at 09:10.",
    ),
    "nothing at all is known": (
        Facts(AlertType.BURN_RATE_WARNING, Severity.WARNING, NOW, UTC_ZONE, slo="Time to ready"),
        "Budget is spent too fast: Time to ready",
        "Budget is spent too fast: Time to ready.",
    ),
    "too few to judge": (
        of(LATE, too_few=True, allowed=Decimal("2.4"), left=Decimal("-0.6"), biggest=None, due=None),
        "37 invoices late since 09:10: Time to ready",
        "37 of 260 invoices in the last 6 hours were not ready within 5 minutes, the first at 09:10. Only 2 may go "
        "wrong this month, because so little work comes: take this as a hint.",
    ),
    "so few that none may go wrong": (
        of(ONLY_COUNTED, too_few=True, allowed=Decimal("0.9"), left=Decimal("-0.1"), since=None),
        "37 invoices late: Time to ready",
        "37 of 260 invoices in the last 6 hours were not ready within 5 minutes. Not even one may go wrong this month, "
        "because so little work comes: take this as a hint.",
    ),
    "approval": (
        of(ONLY_COUNTED, sli_type="approval_latency", limit="2 hours", slo="Approval"),
        "37 invoices not approved in time since 09:10: Approval",
        "37 of 260 invoices in the last 6 hours were not approved within 2 hours, the first at 09:10.",
    ),
    "exceptions": (
        of(ONLY_COUNTED, sli_type="exception_resolution_time", limit="4 hours", slo="Exceptions"),
        "37 exceptions open too long since 09:10: Exceptions",
        "37 of 260 exceptions in the last 6 hours were not resolved within 4 hours, the first at 09:10.",
    ),
    "validation": (
        of(ONLY_COUNTED, sli_type="validation_pass_rate", limit="", slo="Validation"),
        "37 invoices failed validation since 09:10: Validation",
        "37 of 260 invoices in the last 6 hours failed validation, the first at 09:10.",
    ),
    "processing": (
        of(ONLY_COUNTED, sli_type="processing_success_rate", limit="", slo="Processing"),
        "37 invoices failed since 09:10: Processing",
        "37 of 260 invoices in the last 6 hours failed in processing, the first at 09:10.",
    ),
    "duplicates": (
        of(ONLY_COUNTED, sli_type="duplicate_recall", bad=Decimal(1), total=40, limit="", slo="Duplicates"),
        "1 duplicate missed since 09:10: Duplicates",
        "1 of 40 duplicates in the last 6 hours was missed, the first at 09:10.",
    ),
    "confidences": (
        of(
            LATE,
            sli_type="extraction_accuracy",
            slo="Extraction",
            limit="",
            bad=Decimal("37.61"),
            since=None,
            due=None,
            biggest=Biggest("vendor", "Acme", Decimal("20.111"), Decimal("37.61")),
        ),
        "37.7 points short: Extraction",
        "260 invoices in the last 6 hours were read with an average confidence of 85.5 %, 37.7 points short of "
        "certainty. That is 13 % of this month's allowance, spent 2.4 times as fast as it may be; 88.9 of 312.4 "
        "points are left, and at this pace they run out on Thursday at about 14:00. Most are from Acme (20.2 of the "
        "37.7 points).",
    ),
    "budget nearly used up": (
        of_budget(AlertType.ERROR_BUDGET_CONSUMED, value=Decimal("83.31"), bad=Decimal(260), left=Decimal("52.4")),
        "83.4 % of the allowance used, 52 of 312 left: Time to ready",
        "260 of 5,200 invoices in the last 30 days were not ready within 5 minutes. 52 of the 312 invoices that may go "
        "wrong in 30 days are left, and at this pace they run out on Thursday at about 14:00.",
    ),
    "budget nearly used up, of a calendar month": (
        of_budget(
            AlertType.ERROR_BUDGET_CONSUMED,
            value=Decimal(80),
            bad=Decimal(260),
            left=Decimal("52.4"),
            runs_out_at=clock(20, 29),
            window="month",
        ),
        "80 % of the allowance used, 52 of 312 left: Time to ready",
        "260 of 5,200 invoices this month were not ready within 5 minutes. 52 of the 312 invoices that may go wrong "
        "this month are left, and at this pace they run out at about 20:15.",
    ),
    "budget used up": (
        of_budget(
            AlertType.ERROR_BUDGET_EXHAUSTED,
            severity=Severity.INCIDENT,
            value=Decimal("104.4"),
            bad=Decimal(326),
            left=Decimal("-13.4"),
            runs_out_at=None,
        ),
        "Allowance used up, 14 invoices too many: Time to ready",
        "326 of 5,200 invoices in the last 30 days were not ready within 5 minutes. The 312 invoices that may go "
        "wrong in 30 days are used up: 14 too many.",
    ),
    "budget just used up": (
        of_budget(AlertType.ERROR_BUDGET_EXHAUSTED, bad=Decimal(312), left=Decimal(0), runs_out_at=None),
        "Error budget used up: Time to ready",
        "312 of 5,200 invoices in the last 30 days were not ready within 5 minutes. None of the 312 invoices that may "
        "go wrong in 30 days are left.",
    ),
    "critical performance": (
        of(
            LATE,
            alert_type=AlertType.CRITICAL_PERFORMANCE,
            value=Decimal(41),
            bad=Decimal(59),
            total=100,
            since=None,
            start=clock(8),
            end=clock(9),
            biggest=None,
            due=None,
            runs_out_at=None,
        ),
        "59 of 100 invoices late: Time to ready",
        "59 of 100 invoices between 08:00 and 09:00 were not ready within 5 minutes. That is 19 % of this month's "
        "allowance; 88 of 312 are left.",
    ),
    "critical confidence": (
        of(
            ONLY_COUNTED,
            alert_type=AlertType.CRITICAL_PERFORMANCE,
            sli_type="extraction_accuracy",
            bad=Decimal("0.60004"),
            total=1,
            since=None,
            start=clock(8) - DAY,
            end=clock(8),
        ),
        "Confidence of only 39.9 %: Time to ready",
        "1 invoice between Monday 08:00 and today 08:00 was read with a confidence of 39.9 %, 0.7 points short "
        "of certainty.",
    ),
    "missed several times": (
        of(
            ONLY_COUNTED,
            alert_type=AlertType.CONSECUTIVE_FAILURES,
            value=Decimal(3),
            threshold=Decimal(3),
            since=None,
            start=clock(0) - 3 * DAY,
            end=clock(0),
        ),
        "3 days in a row under 95 %: Time to ready",
        "The last 3 days with invoices all missed the promise of 95 %: 37 of 260 invoices were not ready within "
        "5 minutes.",
    ),
    "a feed that has stopped": (
        STOPPED,
        "No invoice message since 12:25 (Asia/Kathmandu)",
        "The last invoice message came at 12:25 (Asia/Kathmandu), 7 h 25 min ago; usually 34 would have come since. "
        "Nothing that depends on them is judged until they come again: look at the program that sends them.",
    ),
    "a channel that is dead": (
        DEAD,
        "Slack channel ops has delivered nothing since 13:05",
        "Slack channel ops has not delivered 12 messages since 13:05. The answer was: 404 no_service. It stays "
        "switched off until somebody mends it in the admin.",
    ),
    "another performance": (
        of(
            DEAD,
            alert_type=AlertType.REGRESSION,
            slo="Straight through",
            changed="went from 81.2 % to 70.4 % on 3 Nov 2026",
            changed_with="62 % of it comes with the vendor “Acme”.",
        ),
        "Went from 81.2 % to 70.4 % on 3 Nov 2026: Straight through",
        "Straight through went from 81.2 % to 70.4 % on 3 Nov 2026. 62 % of it comes with the vendor “Acme”. Nobody "
        "has to act at once: see what began then, before it costs a promise.",
    ),
}


@pytest.mark.parametrize(("facts", "title", "message"), EXAMPLES.values(), ids=EXAMPLES.keys())
def test_an_alert_reads_as_a_colleague_would_say_it(facts: Facts, title: str, message: str) -> None:
    assert (words.title(facts), words.message(facts)) == (title, message)


def test_every_type_of_alert_has_an_example() -> None:
    assert {facts.alert_type for facts, _, _ in EXAMPLES.values()} == set(AlertType)
