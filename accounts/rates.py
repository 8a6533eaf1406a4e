"""How many requests in a minute or at once, counted in this process: exact with one web process, else for each."""

import math
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

WINDOW = 60.0  # seconds
MOST_KEYS = 10_000  # known at a time; whoever was not seen for longest is forgotten


@dataclass(frozen=True)
class Rate:
    """What is left of a limit. `wait` is 0 where one more was granted."""

    limit: int
    remaining: int
    reset: int  # seconds until the whole limit is there again
    wait: int  # seconds until one more is granted

    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
            "RateLimit-Policy": f"{self.limit};w={WINDOW:.0f}",
            **({"Retry-After": str(self.wait)} if self.wait else {}),
        }


class Rates:
    """A limit's worth at once, then evenly spread: per key only the moment is kept at which all is there again."""

    def __init__(self, most: int = MOST_KEYS) -> None:
        self.most = most
        self.full_at: OrderedDict[str, float] = OrderedDict()
        self.lock = threading.Lock()

    def charge(self, key: str, limit: int, now: float) -> Rate:
        """One request of `key`, at `now` in seconds."""
        interval = WINDOW / limit
        with self.lock:
            full_at = min(max(self.full_at.pop(key, now), now), now + WINDOW)  # also after the clock was put back
            excess = full_at + interval - now - WINDOW
            if excess <= 1e-6:
                full_at += interval
            self.full_at[key] = full_at
            if len(self.full_at) > self.most:
                self.full_at.popitem(last=False)
        remaining = int((WINDOW - (full_at - now)) / interval + 1e-6)
        return Rate(limit, remaining, math.ceil(full_at - now), math.ceil(excess) if excess > 1e-6 else 0)

    def forget(self) -> None:
        with self.lock:
            self.full_at.clear()


class Places:
    """How many go on at the same time, by key."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.lock = threading.Lock()

    def take(self, key: str, most: int) -> Callable[[], None] | None:
        """Gives the place back when called, once however often; None where all are taken. 0 is no limit."""
        with self.lock:
            if most and self.taken[key] >= most:
                return None
            self.taken[key] += 1
        held = [key]

        def give_back() -> None:
            with self.lock:
                self.taken.subtract(held)
                held.clear()
                self.taken += Counter()  # keeps what is above zero

        return give_back

    def forget(self) -> None:
        with self.lock:
            self.taken.clear()
