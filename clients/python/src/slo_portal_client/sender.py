"""The thread that hands messages over: in batches, in order, again and again until the portal has them."""

import hashlib
import logging
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slo_portal_client.memory import Chunk
from slo_portal_client.messages import KEYS, FieldError, Message, batches
from slo_portal_client.outbox import Outbox
from slo_portal_client.transport import Address

FIRST_PAUSE, MAX_PAUSE = 0.5, 60.0  # seconds between attempts: doubled each time, then shortened at random
LOOK_FOR_ORPHANS = 30.0  # seconds
CHUNK_BYTES = 1_000_000
AT_FAULT = (400, 413, 422)  # what is sent is; anything else may pass
EVENTS = "application/cloudevents-batch+json"
log = logging.getLogger("slo_portal_client")


@dataclass(frozen=True)
class Rejected:
    """A message that the portal, or this client before it, refused; it is not sent again."""

    path: str  # invoices, exceptions, counts or events
    errors: tuple[FieldError, ...]
    fields: Mapping[str, object] = field(repr=False)

    @property
    def id(self) -> str:
        """The invoice_id or exception_id; of a count its objective."""
        return str(self.fields.get(KEYS.get(self.path, "subject"), ""))


class Stopped(Exception):
    """The portal is being closed; the messages stay where they are."""


class Sender(threading.Thread):
    """Takes from an outbox until it is closed. `rejected` is called in this thread."""

    def __init__(self, address: Address, outbox: Outbox, rejected: Callable[[Rejected], None], max_age: float) -> None:
        super().__init__(name="slo-portal-client", daemon=True)
        self.address, self.outbox, self.rejected = address, outbox, rejected
        self.max_age = max_age
        self.trouble = ""  # what the last attempt failed of

    def run(self) -> None:
        while not self.outbox.stopped:
            try:
                self._work()
            except Stopped:
                break
            except Exception:
                log.exception("Sending failed; it goes on in a minute")
                again = time.monotonic() + MAX_PAUSE
                self.outbox.pause(again, again)
        self.outbox.close()

    def _work(self) -> None:
        self._adopt()
        while not self.outbox.stopped:
            if not self.outbox.wait_for_a_batch(self.max_age, LOOK_FOR_ORPHANS):
                self._adopt()
            elif chunk := self.outbox.take(CHUNK_BYTES):
                self._deliver(chunk)

    def _adopt(self) -> None:
        try:
            self.outbox.adopt()
        except OSError as error:
            log.warning("The spool cannot be read: %s", error)

    def _deliver(self, chunk: Chunk) -> None:
        messages = [message for record in chunk.records if (message := _read(record))]
        rejected = sum(self._insist(batch) for batch in batches(messages))
        self.outbox.done(chunk, rejected + len(chunk.records) - len(messages))

    def _insist(self, batch: Sequence[Message]) -> int:
        """How many of a batch were refused, once the portal has the others. Raises Stopped."""
        tries = 0
        while not self.outbox.stopped:
            answer = self.address.post(*request(batch))
            if answer.data is not None:
                self._note("")
                return self._report(batch, answer.data)
            if answer.status in AT_FAULT and len(batch) == 1:
                return self._refuse(batch[0], _errors(answer.problem.get("errors"), answer.reason))
            if answer.status in AT_FAULT:  # one of them spoils it: each half on its own
                half = len(batch) // 2
                return self._insist(batch[:half]) + self._insist(batch[half:])
            self._note(answer.reason)
            tries = 0 if self._pause(tries, answer.pause) else tries + 1
        raise Stopped

    def _pause(self, tries: int, asked: float) -> bool:
        """True where a flush wants it to be tried again now."""
        backoff = min(FIRST_PAUSE * 2 ** min(tries, 20), MAX_PAUSE) * random.uniform(0.5, 1)  # noqa: S311 - no secret
        now = time.monotonic()
        return self.outbox.pause(now + max(backoff, asked), now + asked)

    def _note(self, trouble: str) -> None:
        """In the log once for each trouble, not for each attempt."""
        if trouble and trouble != self.trouble:
            log.warning("%r: messages wait, because of %s", self.address, trouble)
        elif self.trouble and not trouble:
            log.info("%r: messages are taken in again", self.address)
        self.trouble = trouble

    def _report(self, batch: Sequence[Message], data: Mapping[str, Any]) -> int:
        rows = {row["index"]: row for row in _objects(data.get("errors")) if row.get("index") in range(len(batch))}
        return sum(self._refuse(batch[index], _errors(row.get("errors"), "refused")) for index, row in rows.items())

    def _refuse(self, message: Message, errors: tuple[FieldError, ...]) -> int:
        self.rejected(Rejected(message.path, errors, message.fields))
        return 1


def _read(record: bytes) -> Message | None:
    try:
        return Message.read(record)
    except ValueError:
        log.warning("passed over a record that is no message")
        return None


def request(batch: Sequence[Message]) -> tuple[str, bytes, str, str]:
    """Path, body, content type, and a key that is the same whenever the same messages are sent together."""
    path, rows = batch[0].path, b",".join(message.row for message in batch)
    wrapped = b"[%b]" % rows if path == "events" else b'{"%b":[%b]}' % (path.encode(), rows)
    key = hashlib.sha256(" ".join(message.id for message in batch).encode() + wrapped)
    return path, wrapped, EVENTS if path == "events" else "application/json", key.hexdigest()


def _errors(given: Any, reason: str) -> tuple[FieldError, ...]:
    texts = [[str(each.get(name, "")) for name in ("field", "code", "message")] for each in _objects(given)]
    return tuple(FieldError(*each) for each in texts) or (FieldError("", "refused", reason),)


def _objects(given: Any) -> list[dict[str, Any]]:
    return [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
