"""Finished answers that this process keeps: bounded in bytes, whoever was not asked for longest goes first."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Finished:
    """An answer in bytes. It holds while `mark` does and from `since` until `until`, both included."""

    mark: str
    since: datetime
    until: datetime
    content: bytes
    tag: str
    number: int  # of the objectives in it


class Kept:
    """The last answer for each key; its values are never changed."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.bytes = 0
        self.answers: OrderedDict[Hashable, Finished] = OrderedDict()
        self.lock = threading.Lock()

    def find(self, key: Hashable, mark: str, now: datetime) -> Finished | None:
        with self.lock:
            found = self.answers.get(key)
            if found is None or found.mark != mark or not found.since <= now <= found.until:
                return None
            self.answers.move_to_end(key)
            return found

    def keep(self, key: Hashable, answer: Finished) -> None:
        with self.lock:
            self._drop(key)
            self.answers[key] = answer
            self.bytes += len(answer.content)
            while self.bytes > self.most_bytes:
                self._drop(next(iter(self.answers)))

    def _drop(self, key: Hashable) -> None:
        old = self.answers.pop(key, None)
        self.bytes -= len(old.content) if old else 0

    def forget(self) -> None:
        with self.lock:
            self.answers.clear()
            self.bytes = 0
