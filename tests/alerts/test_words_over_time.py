"""What people read when an alert is told again, when it is over, and on a telephone."""

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import words
from alerts.kinds import AlertType, Reason, Resolution, Severity
from alerts.known import Biggest, Facts, Life
from alerts.sentences import WORDINGS
from tests.alerts.told import BERLIN, DAY, DEAD, HOUR, LATE, NOW, ONLY_COUNTED, STOPPED, UTC_ZONE, clock, of, of_budget

DANA = Life(NOW - 26 * HOUR, acknowledged_at=NOW - 25 * HOUR, acknowledged_by="Dana")


@pytest.mark.parametrize(
    ("reason", "life", "first"),
    [
        (Reason.OPENED, Life(NOW), "37 of 260 invoices"),
        (Reason.WORSENED, Life(clock(11, 55)), "This has got worse and is now critical. 37 of"),
        (Reason.REOPENED, Life(NOW, reopenings=1), "It is back after it was over. 37 of"),
        (Reason.REOPENED, Life(NOW, reopenings=4), "It comes and goes: it has been back 4 times. 37 of"),
        (Reason.ESCALATED, Life(clock(13, 50)), "Nobody has acknowledged this for 15 min. 37 of"),
        (Reason.REPEATED, Life(NOW - 26 * HOUR), "Nobody has acknowledged this for 1 d 2 h. 37 of"),
        (Reason.ESCALATED, Life(), "Nobody has acknowledged this. 37 of"),
        (Reason.REMINDER, DANA, "Dana acknowledged this on Monday at 13:05, and it still goes on after 1 d 2 h. 37 of"),
        (Reason.REMINDER, Life(), "Somebody acknowledged this, and it still goes on. 37 of"),
        (Reason.TEST, Life(), "This is only a test. 37 of"),
    ],
)
def test_the_first_sentence_says_why_it_is_told_again(reason: Reason, life: Life, first: str) -> None:
    facts = of(ONLY_COUNTED, life=life)
    assert words.message(facts, reason).startswith(first)
    assert words.title(facts, reason) == words.title(facts)


NEARLY = of_budget(AlertType.ERROR_BUDGET_CONSUMED, value=Decimal("83.31"), left=Decimal("52.4"))
QUIET = {"bad": Decimal(2), "total": 240, "since": None}
OVER = Life(clock(11, 55), quiet_since=NOW, resolution=Resolution.RECOVERED, resolved_at=clock(14, 35))
BY_DANA = replace(OVER, resolution=Resolution.PERSON, resolved_by="Dana")


@pytest.mark.parametrize(
    ("facts", "title", "message"),
    [
        (
            of(LATE, **QUIET, runs_out_at=None, life=OVER),
            "Back within its promise: Time to ready",
            "Back within its promise since 14:05, after 2 h 10 min. 2 of 240 invoices in the last 6 hours were not "
            "ready within 5 minutes. 88 of the 312 invoices that may go wrong this month are left.",
        ),
        (
            of(LATE, **QUIET, allowed=Decimal("1.9"), left=Decimal("-0.1"), runs_out_at=None, life=OVER),
            "Back within its promise: Time to ready",
            "Back within its promise since 14:05, after 2 h 10 min. 2 of 240 invoices in the last 6 hours were not "
            "ready within 5 minutes. The 1 invoice that may go wrong this month is used up: 1 too many.",
        ),
        (
            of(ONLY_COUNTED, since=None, life=OVER),
            "The allowance no longer goes too fast: Time to ready",
            "The allowance no longer goes too fast since 14:05, after 2 h 10 min. 37 of 260 invoices in the last "
            "6 hours were not ready within 5 minutes.",
        ),
        (
            of(ONLY_COUNTED, since=None, life=BY_DANA),
            "Closed by Dana: Time to ready",
            "Closed by Dana at 14:35, after 2 h 40 min. 37 of 260 invoices in the last 6 hours were not ready within "
            "5 minutes.",
        ),
        (
            of(ONLY_COUNTED, bad=None, life=replace(OVER, resolution=Resolution.SUPERSEDED)),
            "Replaced by the alert that the allowance is used up: Time to ready",
            "Replaced by the alert that the allowance is used up.",
        ),
        (
            of(ONLY_COUNTED, bad=None, life=Life(resolution=Resolution.NOT_JUDGED)),
            "No longer watched: Time to ready",
            "No longer watched.",
        ),
        (
            of_budget(
                AlertType.ERROR_BUDGET_EXHAUSTED, bad=Decimal(230), left=Decimal(82), runs_out_at=None, life=OVER
            ),
            "Enough of the allowance is left again: Time to ready",
            "Enough of the allowance is left again since 14:05, after 2 h 10 min. 230 of 5,200 invoices in the last "
            "30 days were not ready within 5 minutes. 82 of the 312 invoices that may go wrong in 30 days are left.",
        ),
        (
            of(
                ONLY_COUNTED,
                alert_type=AlertType.CONSECUTIVE_FAILURES,
                value=Decimal(0),
                threshold=Decimal(3),
                since=None,
                start=clock(0) - 3 * DAY,
                end=clock(0),
                life=OVER,
            ),
            "The promise is no longer missed every time: Time to ready",
            "The promise is no longer missed every time since 14:05, after 2 h 10 min. 37 of 260 invoices between "
            "Saturday 00:00 and today 00:00 were not ready within 5 minutes.",
        ),
        (
            of(
                ONLY_COUNTED,
                alert_type=AlertType.CRITICAL_PERFORMANCE,
                threshold=Decimal(50),
                bad=Decimal(37),
                since=None,
                life=OVER,
            ),
            "No longer under 50 %: Time to ready",
            "No longer under 50 % since 14:05, after 2 h 10 min. 37 of 260 invoices in the last 6 hours were not ready "
            "within 5 minutes.",
        ),
        (
            of(STOPPED, zone=UTC_ZONE, life=OVER),
            "Invoice messages come again",
            "Invoice messages come again since 14:05, after 2 h 10 min.",
        ),
        (
            of(DEAD, life=OVER),
            "Slack channel ops delivers again",
            "Slack channel ops delivers again since 14:05, after 2 h 10 min.",
        ),
    ],
)
def test_it_is_said_how_an_alert_ended(facts: Facts, title: str, message: str) -> None:
    assert (words.title(facts, Reason.RESOLVED), words.message(facts, Reason.RESOLVED)) == (title, message)


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        (LATE, "37 invoices late since 09:10: Time to ready. 88 of 312 left, used up on Thursday at about 14:00"),
        (ONLY_COUNTED, "37 invoices late since 09:10: Time to ready"),
        (NEARLY, "83.4 % of the allowance used, 52 of 312 left: Time to ready"),
        (
            of(LATE, zone=BERLIN, slo="From the upload until an invoice is ready to be paid"),
            "37 invoices late since 10:10 (Europe/Berlin): From the upload until an invoice is ready to be paid",
        ),
    ],
)
def test_a_telephone_gets_the_title_and_what_is_left_if_it_fits(facts: Facts, text: str) -> None:
    assert words.short(facts) == text


# --- whatever is known, and whatever strangers have written ---------------------------------------------------
TEXTS = st.text(max_size=300)
NUMBERS = st.none() | st.decimals(-(10**6), 10**9, places=6)
MOMENTS = st.none() | st.datetimes(datetime(2001, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
SPANS = st.none() | st.timedeltas(timedelta(0), timedelta(days=90))
COUNTS = st.none() | st.integers(0, 10**9)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"])
BIGGEST = st.builds(
    Biggest,
    st.sampled_from(["vendor", "channel", "document_type", "kind"]),
    TEXTS,
    st.decimals(1, 10**6, places=6),
    st.decimals(1, 10**6, places=6),
    SPANS,
)
LIVES = st.builds(
    Life,
    opened_at=MOMENTS,
    reopenings=st.integers(0, 50),
    quiet_since=MOMENTS,
    acknowledged_at=MOMENTS,
    acknowledged_by=TEXTS,
    resolution=st.none() | st.sampled_from(Resolution),
    resolved_at=MOMENTS,
    resolved_by=TEXTS,
)
ANY = st.builds(
    Facts,
    alert_type=st.sampled_from(AlertType),
    severity=st.sampled_from(Severity),
    now=st.just(NOW),
    zone=ZONES.map(ZoneInfo),
    slo=TEXTS,
    sli_type=st.sampled_from([*WORDINGS, "", "other"]),
    limit=st.sampled_from(["", "5 minutes"]),
    target=NUMBERS,
    value=NUMBERS,
    threshold=NUMBERS,
    bad=st.none() | st.decimals(0, 10**9, places=6),
    total=COUNTS,
    look_back=SPANS,
    start=MOMENTS,
    end=MOMENTS,
    period=st.sampled_from(["", "hourly", "daily", "weekly"]),
    since=MOMENTS,
    window=st.sampled_from(["", "rolling", "week", "month", "quarter"]),
    window_days=st.none() | st.integers(1, 90),
    allowed=NUMBERS,
    left=NUMBERS,
    too_few=st.booleans(),
    runs_out_at=MOMENTS,
    biggest=st.none() | BIGGEST,
    due=COUNTS,
    due_by=MOMENTS,
    feed=TEXTS,
    last_message_at=MOMENTS,
    usual=COUNTS,
    channel=TEXTS,
    channel_kind=TEXTS,
    undelivered=COUNTS,
    failing_since=MOMENTS,
    error=TEXTS,
    switched_off=st.booleans(),
    life=LIVES,
)
NOT_SAID = ("None ", "nan", "NaN", "Decimal", "  ", " ,", " .", "..", "{", "}")


@settings(max_examples=200, deadline=None)
@given(facts=ANY, reason=st.sampled_from(Reason))
def test_words_are_short_plain_and_never_fail(facts: Facts, reason: Reason) -> None:
    texts = words.title(facts, reason), words.message(facts, reason), words.short(facts, reason)
    assert all(texts)
    assert [len(text) <= longest for text, longest in zip(texts, (120, 1500, 140), strict=True)] == [True] * 3
    assert not [char for text in texts for char in text if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")]


@settings(max_examples=200, deadline=None)
@given(facts=ANY, reason=st.sampled_from(Reason))
def test_what_is_not_known_leaves_no_hole(facts: Facts, reason: Reason) -> None:
    said = replace(
        facts,
        slo="Ready",
        feed="invoices",
        channel="ops",
        channel_kind="Slack",
        error="",
        biggest=facts.biggest and replace(facts.biggest, value="Acme"),
        life=replace(facts.life, acknowledged_by="Dana", resolved_by="Dana"),
    )
    for text in words.title(said, reason), words.message(said, reason):
        assert not [hole for hole in NOT_SAID if hole in text.replace("None of the", "All of the")]


def test_a_stranger_can_put_neither_lines_nor_marks_nor_length_into_a_message() -> None:
    vendor = "Acme\r\n\x00Bcc: all\u202e\u2028" + 100 * "x"
    text = words.message(of(LATE, biggest=Biggest("vendor", vendor, Decimal(30), Decimal(37))))
    assert f"Most are from Acme Bcc: all {45 * 'x'}… (30 of the 37)." in text
