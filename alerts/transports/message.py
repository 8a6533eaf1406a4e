"""What a transport is given and what it gives back. Pure."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

KEY_HEADER, ORGANIZATION_HEADER = "X-SLO-Portal-Key", "X-SLO-Portal-Organization"
REASONS = {
    "opened": "New alert",
    "worsened": "Worse than before",
    "reopened": "Back again",
    "reminder": "Still going on",
    "escalated": "Escalated to you",
    "repeated": "Nobody has acknowledged this yet",
    "flapping": "Comes and goes",
}


@dataclass(frozen=True)
class Item:
    """One alert or report in a message. `reason` is a key of REASONS, resolved, test or report.

    An address that is empty is left out.
    """

    alert_id: str
    reason: str
    severity: str
    title: str
    message: str
    url: str
    slo_name: str
    opened_at: datetime
    acknowledge_url: str = ""
    short: str = ""  # the title for a telephone
    slo_url: str = ""
    html: str = ""  # the whole mail, of what has a layout of its own


@dataclass(frozen=True)
class Outgoing:
    """What one target gets at once. Several items are a bundle: each is named, the first is the most important.

    `key` is stable (the same message sent again has the same one) and of plain characters. `url` leads to all alerts.
    `organization` is the name that people read.
    """

    key: str
    organization: str
    items: tuple[Item, ...]
    created_at: datetime
    time_zone: ZoneInfo
    url: str = ""
    organization_slug: str = ""


@dataclass(frozen=True)
class Receipt:
    """What the receiving side said. `seconds` is how long it took."""

    status: str
    provider_id: str = ""
    seconds: float = 0.0


class DeliveryError(Exception):
    """A message that was not, or perhaps not, delivered. Its text is for people and holds no secret.

    permanent: this channel (e-mail and SMS: this target) can never work until somebody changes it.
    retry_after: seconds for which the receiving side wants to be left alone.
    unknown: it may have been delivered all the same.
    """

    def __init__(
        self, message: str, *, permanent: bool = False, retry_after: float | None = None, unknown: bool = False
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after
        self.unknown = unknown
