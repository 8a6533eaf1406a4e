"""Plays the made-up firm into a running portal. A second shell begins and ends its incidents by a file."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from slo_portal.feeder import Feeder
from slo_portal.second_shell import try_lock
from slo_portal.simulation.incidents import INCIDENTS
from slo_portal.simulation.lives import Step, messages
from slo_portal.simulation.traffic import Traffic

BATCH = 5_000  # rows of one request at most
Say = Callable[[str], None]


class Wishes:
    """Which incident there should be; kept in the data directory, so that any shell can say it."""

    def __init__(self, data_dir: Path) -> None:
        self.file, self.lock = data_dir / "simulation.json", data_dir / "simulation.lock"

    def wish(self, incident: str | None) -> None:
        draft = self.file.with_suffix(".draft")
        draft.write_text(json.dumps({"incident": incident}))
        draft.replace(self.file)

    def wished(self) -> str | None:
        try:
            name = json.loads(self.file.read_text())["incident"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return name if name in INCIDENTS else None

    def playing(self) -> bool:
        """Whether a live simulation runs."""
        if not self.lock.exists():
            return False
        with self.lock.open("w") as lock:
            return not try_lock(lock)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether no other simulation runs live; from the start of a live one no incident is wished."""
        with self.lock.open("w") as lock:
            free = try_lock(lock)
            if free:
                self.wish(None)
            yield free
            if free:
                self.wish(None)


class Player:
    """Tells the portal what the firm's workflow would."""

    def __init__(self, feeder: Feeder, traffic: Traffic, wishes: Wishes, say: Say) -> None:
        self.feeder, self.traffic, self.wishes, self.say = feeder, traffic, wishes, say

    def fill(self, lives: Sequence[Sequence[Step]], *, now: datetime, progress: Callable[[int], None]) -> None:
        """The past, a batch of invoices at a time; what of it lies in the future is expected by the traffic."""
        for at in range(0, len(lives), BATCH):
            batch = lives[at : at + BATCH]
            self._tell([step for life in batch for step in life if step.at <= now])
            self.traffic.expect([step for life in batch for step in life if step.at > now])
            progress(len(batch))

    def turn(self, now: datetime) -> None:
        """What has happened since the last turn."""
        wished = self.wishes.wished()
        if wished != self.traffic.incident:
            if self.traffic.incident:
                number = self.traffic.end(now)
                self.say(f"The incident is over; the {number} invoices that wait will be done within ten minutes.")
            if wished:
                number = self.traffic.begin(wished, now)
                self.say(f"{INCIDENTS[wished].says}: {number} invoices of the last minutes have met with it.")
        self._tell(self.traffic.due(now))

    def _tell(self, steps: Sequence[Step]) -> None:
        for kind, rows in messages(steps).items():
            for at in range(0, len(rows), BATCH):
                self.feeder.tell(kind, rows[at : at + BATCH])
