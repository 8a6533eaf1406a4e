"""The id of the request that is being answered: in its answer, in a refusal, in the log and in the audit trail."""

import logging
import re
import uuid
from contextvars import ContextVar

HEADER = "X-Request-ID"
LONGEST = 64
SOUND = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._:-]{{7,{LONGEST - 1}}}", re.ASCII)
current: ContextVar[str] = ContextVar("request_id", default="")  # empty outside of a request


def chosen(given: str | None) -> str:
    """The caller's own id, so that the logs of both sides can be put together; a new one where there is none or a
    strange one."""
    return given if given and SOUND.fullmatch(given) else uuid.uuid4().hex


class InLog(logging.Filter):
    """Gives every record `request_id`, with a space behind it."""

    def filter(self, record: logging.LogRecord) -> bool:
        # Django tells of a refused request when its middleware is through
        found = current.get() or getattr(getattr(record, "request", None), "id", "")
        record.request_id = f"{found} " if found else ""
        return True
