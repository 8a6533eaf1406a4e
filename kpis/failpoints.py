"""Places where a test may kill, fail or freeze a process; no-ops unless FAILPOINTS names them.

`FAILPOINTS=tick.before_commit=kill:2` kills the process at the second pass; `error` raises, `freeze` sleeps a minute
(FREEZE_SECONDS). Whatever is done is said on standard error first.
"""

import os
import signal
import sys
import time
from collections import Counter

_armed = dict(part.split("=", 1) for part in os.environ.get("FAILPOINTS", "").split(",") if "=" in part)
_passes: Counter[str] = Counter()


class FailpointError(RuntimeError):
    """Raised at a failpoint that is armed with `error`."""


def fp(name: str) -> None:
    if name in _armed:
        _hit(name)


def _hit(name: str) -> None:
    act, _, nth = _armed[name].partition(":")
    _passes[name] += 1
    if _passes[name] != int(nth or 1):
        return
    print(f"failpoint {name} {act}", file=sys.stderr, flush=True)  # noqa: T201
    if act == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if act == "error":
        raise FailpointError(name)
    time.sleep(float(os.environ.get("FREEZE_SECONDS", "60")))
