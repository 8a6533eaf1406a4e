"""Kills and freezes the processes of a running portal at random, by kinds."""

import os
import random
import signal
import threading
import time
from collections import Counter

import psutil

STEADY = 31.0  # seconds: what the supervisor starts again may not be killed sooner, or it gives up
FREEZES = 0.15  # of the faults are a SIGSTOP
LONGEST_FREEZE = 4.0  # seconds
SUPERVISED = {"web": "gunicorn", "worker": "celery", "beat": "beat", "broker": "valkey-server"}
WEIGHTS = {
    "worker child": 8,
    "web worker": 3,
    "worker": 2,
    "beat": 2,
    "web": 2,
    "broker": 2,
    "backend": 2,  # of PostgreSQL, which then restarts by crash recovery
}


class Killer:
    """`done` counts its faults by kind."""

    def __init__(self, portal: int, seed: int) -> None:
        self.portal, self.rng = psutil.Process(portal), random.Random(seed)
        self.done: Counter[str] = Counter()

    def strike(self) -> None:
        """One fault, on a kind that has a process now."""
        found = self._found()
        kinds = [kind for kind in WEIGHTS if found.get(kind)]
        kind = self.rng.choices(kinds, [WEIGHTS[kind] for kind in kinds])[0]
        victim = self.rng.choice(found[kind])
        try:
            if kind != "backend" and self.rng.random() < FREEZES:
                self._freeze(victim)
                self.done[f"{kind} frozen"] += 1
            else:
                os.kill(victim, signal.SIGKILL)
                self.done[kind] += 1
        except ProcessLookupError:
            self.done["gone already"] += 1

    def _freeze(self, pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        threading.Event().wait(self.rng.uniform(0.5, LONGEST_FREEZE))
        os.kill(pid, signal.SIGCONT)

    def _found(self) -> dict[str, list[int]]:
        """Pids by kind, of those that may be killed."""
        found: dict[str, list[int]] = {}
        for process in self.portal.children():
            try:
                for kind, pid in self._family(process):
                    found.setdefault(kind, []).append(pid)
            except psutil.NoSuchProcess:
                continue
        return found

    def _family(self, process: psutil.Process) -> list[tuple[str, int]]:
        words = process.cmdline()
        if "-D" in words:
            return [("backend", one.pid) for one in process.children() if "[local]" in " ".join(one.cmdline())]
        kind = _kind(words)
        below = [(f"{kind} child".replace("web child", "web worker"), one.pid) for one in process.children()]
        old = time.time() - process.create_time() > STEADY
        return (below if kind in ("web", "worker") else []) + ([(kind, process.pid)] if old else [])


def _kind(words: list[str]) -> str:
    if "beat" in words:
        return "beat"
    return next(kind for kind, text in SUPERVISED.items() if text in " ".join(words))
