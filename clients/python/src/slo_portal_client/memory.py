"""What holds messages until they are sent; here in memory, bounded: the oldest make room for the newest."""

from collections import deque
from dataclasses import dataclass
from typing import Protocol


@dataclass
class Chunk:
    """The oldest records of a store, while they are being sent."""

    records: list[bytes]
    end: int = 0  # where the next one begins, for the store
    place: object = None  # what they lie in, for the store


class Store(Protocol):
    """Whoever calls sees to it that only one thread does at a time."""

    def append(self, record: bytes) -> int:
        """Hold it; how many older ones were dropped for it. Raises OSError."""

    def take(self, count: int, size: int) -> Chunk | None:
        """The oldest records, up to so many and about so many bytes. They stay until they are `done`."""

    def done(self, chunk: Chunk) -> None: ...

    def close(self) -> None: ...

    @property
    def waiting(self) -> int: ...


class Memory:
    """Up to so many bytes."""

    def __init__(self, limit: int) -> None:
        self.limit, self.size, self.taken = limit, 0, 0
        self.records: deque[bytes] = deque()

    def append(self, record: bytes) -> int:
        self.records.append(record)
        self.size += len(record)
        dropped = 0
        while self.size > self.limit and len(self.records) > self.taken + 1:
            dropped += 1
            self.size -= len(self.records[self.taken])
            del self.records[self.taken]
        return dropped

    def take(self, count: int, size: int) -> Chunk | None:
        found: list[bytes] = []
        for record in self.records:
            if len(found) == count or (found and size < len(record)):
                break
            found.append(record)
            size -= len(record)
        self.taken = len(found)
        return Chunk(found) if found else None

    def done(self, chunk: Chunk) -> None:
        for _ in chunk.records:
            self.size -= len(self.records.popleft())
        self.taken = 0

    def close(self) -> None:
        """Nothing to give back."""

    @property
    def waiting(self) -> int:
        return len(self.records)
