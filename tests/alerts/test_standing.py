"""The state machine of an alert: worked tables, as in docs/reference/alerts.md, minute by minute."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from alerts.kinds import Severity
from alerts.standing import Act, Move, Standing, move
from tests.facts import NOON, at

HALF_AN_HOUR = timedelta(minutes=30)


@dataclass(frozen=True)
class Says:
    """What a condition says."""

    severity: Severity | None = None
    over: bool = False
    frozen: bool = False
    superseded: bool = False


WARNING, CRITICAL = Says(Severity.WARNING), Says(Severity.CRITICAL)
OVER, BETWEEN, FROZEN = Says(over=True), Says(), Says(frozen=True)
SUPERSEDED = Says(superseded=True)
OPEN = Standing("warning", is_open=True)


def next_move(before: Standing, says: Says, minute: float = 0, *, last: datetime | None = None) -> Move:
    now = at(minute)
    return move(before, says, now=now, last=last or now - timedelta(seconds=5), resolve_after=HALF_AN_HOUR)


def quiet(minutes: float, **fields: object) -> Standing:
    """An open alert that has been quiet since so many minutes before NOON."""
    return Standing("warning", **{"is_open": True, "quiet_since": at(-minutes), **fields})  # type: ignore[arg-type]


def resolved(minutes: float, *, by_itself: bool, holds_back: bool = False, quiet_for: float | None = None) -> Standing:
    since = None if quiet_for is None else at(-quiet_for)
    return Standing("warning", False, since, at(-minutes), by_itself, holds_back)


@pytest.mark.parametrize(
    ("before", "says", "act"),
    [
        (Standing(), WARNING, Act.OPEN),
        (Standing(), OVER, Act.NOTHING),
        (Standing(), BETWEEN, Act.NOTHING),
        (Standing(), FROZEN, Act.NOTHING),
        (Standing(), SUPERSEDED, Act.NOTHING),
        (OPEN, WARNING, Act.NOTHING),
        (OPEN, CRITICAL, Act.WORSEN),
        (Standing("critical", is_open=True), WARNING, Act.NOTHING),  # a severity never falls
        (OPEN, SUPERSEDED, Act.SUPERSEDE),
        (quiet(29.9), OVER, Act.NOTHING),
        (quiet(30), OVER, Act.RECOVER),
        (quiet(30), BETWEEN, Act.NOTHING),
        (quiet(30), WARNING, Act.NOTHING),
        (quiet(30), CRITICAL, Act.WORSEN),
        (quiet(300), FROZEN, Act.NOTHING),
        # it ended by itself: what comes back within the hour is the same alert
        (resolved(59, by_itself=True), WARNING, Act.REOPEN),
        (resolved(60, by_itself=True), WARNING, Act.OPEN),
        (resolved(5, by_itself=True), OVER, Act.NOTHING),
        # a person resolved it when it was over: what comes is new
        (resolved(5, by_itself=False), WARNING, Act.OPEN),
        # a person resolved it while it held: no new one until it was over for half an hour, is worse, or a day is over
        (resolved(5, by_itself=False, holds_back=True), WARNING, Act.NOTHING),
        (resolved(5, by_itself=False, holds_back=True), CRITICAL, Act.OPEN),
        (resolved(1439, by_itself=False, holds_back=True), WARNING, Act.NOTHING),
        (resolved(1440, by_itself=False, holds_back=True), WARNING, Act.OPEN),
        (resolved(1440, by_itself=False, holds_back=True), BETWEEN, Act.NOTHING),
        (resolved(1440, by_itself=False, holds_back=True), FROZEN, Act.NOTHING),
        (resolved(60, by_itself=False, holds_back=True, quiet_for=29), OVER, Act.NOTHING),
        (resolved(60, by_itself=False, holds_back=True, quiet_for=30), OVER, Act.RELEASE),
    ],
)
def test_each_move_follows_from_what_stood_and_what_is_said(before, says, act):
    assert next_move(before, says).act == act


def test_the_timer_begins_when_it_is_over_and_begins_again_when_it_holds():
    assert next_move(OPEN, OVER).quiet_since == NOON
    assert next_move(quiet(20), OVER).quiet_since == at(-20)
    assert next_move(quiet(20), BETWEEN).quiet_since is None
    assert next_move(quiet(20), WARNING).quiet_since is None


def test_the_timer_stands_still_while_nothing_is_known():
    frozen = next_move(quiet(20), FROZEN, last=at(-1))
    assert frozen.quiet_since == at(-19)
    assert next_move(OPEN, FROZEN).quiet_since is None


def test_the_timer_stands_still_over_an_outage_of_the_portal():
    after = next_move(quiet(200), OVER, last=at(-190))
    assert (after.act, after.quiet_since) == (Act.NOTHING, at(-10))
    assert next_move(quiet(40), OVER, last=at(-1)).act == Act.RECOVER


def minutes_open(says: list[Says]) -> list[Act]:
    """Every act of a history of one verdict a minute, as alerts.evaluate plays it."""
    before, acts = Standing(), []
    for minute, said in enumerate(says):
        this = move(before, said, now=at(minute), last=at(minute - 1), resolve_after=HALF_AN_HOUR)
        acts.append(this.act)
        severity = said.severity if this.act in (Act.OPEN, Act.WORSEN) else before.severity
        ended = this.act in (Act.RECOVER, Act.SUPERSEDE)
        opened = this.act in (Act.OPEN, Act.REOPEN)
        before = Standing(
            severity or "",
            (before.is_open or opened) and not ended,
            None if opened else this.quiet_since,
            at(minute) if ended else before.resolved_at,
            this.act == Act.RECOVER if ended else before.recovered,
        )
    return [act for act in acts if act != Act.NOTHING]


def test_a_condition_that_comes_and_goes_with_each_tick_is_one_alert():
    assert minutes_open([WARNING, OVER] * 720) == [Act.OPEN]


def test_one_that_comes_back_after_each_recovery_opens_the_same_alert_again():
    assert minutes_open([WARNING, *[OVER] * 31] * 3) == [
        *(Act.OPEN, Act.RECOVER, Act.REOPEN, Act.RECOVER, Act.REOPEN, Act.RECOVER)
    ]
