"""How long to wait: between attempts, and between messages to one target. Pure."""

from datetime import datetime, timedelta

LEASE = timedelta(seconds=30)  # a sender that has not come back by then is taken for dead
GIVES_UP_AFTER = timedelta(hours=24)
FIRST, OFTEN, SELDOM = timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=3)
PATIENCE = 20  # attempts, some ten minutes of them, before a target is tried seldom
SPREAD = 0.2  # of a wait, either way: what failed together does not come back together
PER_TARGET = timedelta(minutes=1)  # one message, beyond first and worse news
STORM, AT_ONCE = timedelta(minutes=10), 12  # after so many messages within so long even those are bundled


def backoff(attempt: int, chance: float) -> timedelta:
    """The wait after the attempt-th failure (1, 2, ...); `chance` is 0..1."""
    calm = min(FIRST * 2 ** min(attempt - 1, 10), OFTEN) if attempt < PATIENCE else SELDOM
    return calm * (1 + SPREAD * (2 * chance - 1))


def may_go_at(urgent: bool, sent: list[datetime], now: datetime) -> datetime:
    """When a target may get its next message; `sent` are the times of those of the last STORM, in order."""
    lately = [at for at in sent if now - at < STORM]
    if not lately or (urgent and len(lately) < AT_ONCE):
        return now
    return max(now, lately[-1] + PER_TARGET)
