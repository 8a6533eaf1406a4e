"""All messages that wait: on disk where there is a spool, else in memory; with what threads wait for."""

import logging
import threading
import time
from dataclasses import dataclass

from slo_portal_client.memory import Chunk, Memory, Store
from slo_portal_client.spool import Spool

log = logging.getLogger("slo_portal_client")


@dataclass
class Counts:
    """Messages since the start; those found in the spool count as recorded."""

    recorded: int = 0
    sent: int = 0
    rejected: int = 0
    dropped: int = 0

    @property
    def settled(self) -> int:
        return self.sent + self.rejected + self.dropped


class Outbox:
    """Used by the threads of a workflow and by one sender."""

    def __init__(self, spool: Spool | None, memory: Memory, batch_size: int) -> None:
        self.spool, self.memory, self.batch_size = spool, memory, batch_size
        self.stores: list[Store] = [spool, memory] if spool else [memory]
        self.changed = threading.Condition()
        self.counts = Counts()
        self.since = 0.0  # when the oldest message came, by the monotonic clock
        self.goal = self.flushes = 0  # how many are to be settled without delay; how often that was asked
        self.stopped = False
        self.failing = False  # the spool
        self.source: Store = memory  # what the sender's chunk is of

    @property
    def waiting(self) -> int:
        return sum(store.waiting for store in self.stores)

    @property
    def unsettled(self) -> int:
        return self.counts.recorded - self.counts.settled

    def put(self, record: bytes) -> bool:
        """False once it is stopped."""
        with self.changed:
            if self.stopped:
                return False
            before = self.waiting
            self._drop(self._append(record))
            self.counts.recorded += 1
            if not before:
                self.since = time.monotonic()
            # to wake the sender for each message would cost more than to store it
            if before in (0, self.batch_size - 1):
                self.changed.notify_all()
            return True

    def _append(self, record: bytes) -> int:
        if self.spool:
            try:
                dropped = self.spool.append(record)
            except OSError as error:
                if not self.failing:
                    log.warning("The spool cannot be written, messages wait in memory only: %s", error)
                self.failing = True
            else:
                self.failing = False
                return dropped
        return self.memory.append(record)

    def _drop(self, count: int) -> None:
        """The log gets fewer lines the longer it goes on."""
        before = self.counts.dropped.bit_length()
        self.counts.dropped += count
        if self.counts.dropped.bit_length() > before:
            log.warning("No more room for messages that wait: dropped the oldest, %d so far", self.counts.dropped)

    def refused(self) -> None:
        """One that could not even be put in."""
        with self.changed:
            self.counts.recorded += 1
            self.counts.rejected += 1

    def adopt(self) -> None:
        """Raises OSError."""
        if self.spool:
            with self.changed:
                found, dropped = self.spool.adopt()
                self.counts.recorded += found
                self._drop(dropped)

    def wait_for_a_batch(self, age: float, longest: float) -> bool:
        """Until a batch is full or a message that old; False where there was none for `longest` seconds."""
        with self.changed:
            self.changed.wait_for(lambda: self.waiting or self.stopped, longest)
            if not self.waiting:
                return False
            self.changed.wait_for(self._due, max(self.since + age - time.monotonic(), 0))
            return True

    def _due(self) -> bool:
        return self.stopped or self.waiting >= self.batch_size or self.counts.settled < self.goal

    def take(self, size: int) -> Chunk | None:
        """Up to a batch, of about so many bytes at most."""
        with self.changed:
            for store in self.stores:
                if not self.stopped and (chunk := store.take(self.batch_size, size)):
                    self.source = store
                    return chunk
            return None

    def done(self, chunk: Chunk, rejected: int) -> None:
        with self.changed:
            self.source.done(chunk)
            self.counts.rejected += rejected
            self.counts.sent += len(chunk.records) - rejected
            self.since = time.monotonic()
            self.changed.notify_all()

    def pause(self, until: float, asked: float) -> bool:
        """Until a moment of the monotonic clock; a flush shortens that to `asked`. True where one did."""
        with self.changed:
            flushes = self.flushes
            self.changed.wait_for(lambda: self.stopped or self.flushes > flushes, until - time.monotonic())
            self.changed.wait_for(lambda: self.stopped, max(asked - time.monotonic(), 0))
            return self.flushes > flushes

    def flush(self, seconds: float) -> bool:
        """True when all that waits now is settled in time."""
        with self.changed:
            self.goal = goal = self.counts.recorded
            self.flushes += 1
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.stopped or self.counts.settled >= goal, seconds)
            return self.counts.settled >= goal

    def stop(self) -> None:
        with self.changed:
            self.stopped = True
            self.changed.notify_all()

    def close(self) -> None:
        with self.changed:
            self.stopped = True
            for store in self.stores:
                store.close()
