"""The ways out of the house: e-mail, Slack, SMS, webhook, and whatever apprise speaks. I/O only, knows no model.

A channel's `config` holds the fields of its kind (`FIELDS`). `target` is an e-mail address or a phone number; the other
kinds have one target, the address in their config, and take "".
"""

from collections.abc import Mapping
from datetime import datetime

from alerts.transports.message import DeliveryError, Item, Outgoing, Receipt

__all__ = ["FIELDS", "SECRETS", "DeliveryError", "Item", "Outgoing", "Receipt", "look_up", "send", "targets", "wrong"]

FIELDS: dict[str, tuple[str, ...]] = {
    "email": ("to",),  # e-mail addresses, separated by commas
    "slack": ("url",),
    "sms": ("to",),  # phone numbers as +4915112345678, separated by commas
    "webhook": ("url", "secret"),
    "apprise": ("url",),
}
SECRETS = frozenset({"url", "secret"})  # never shown again, encrypted at rest


def send(kind: str, config: Mapping[str, str], target: str, outgoing: Outgoing, *, now: datetime) -> Receipt:
    """Deliver one message to one target, in 10 seconds at most; `now` is signed and dated. Raises DeliveryError."""
    raise NotImplementedError


def look_up(kind: str, config: Mapping[str, str], target: str, key: str) -> Receipt | None:
    """Whether an SMS of which nobody knows was taken after all; None: it was not, or it cannot be known.

    Raises DeliveryError where the provider does not answer.
    """
    raise NotImplementedError


def wrong(kind: str, config: Mapping[str, str]) -> dict[str, str]:
    """What cannot work in the config of a channel: field -> message with the way out. Asks no name server."""
    raise NotImplementedError


def targets(kind: str, config: Mapping[str, str]) -> list[str]:
    """The targets that a channel names by itself."""
    named = [part.strip() for part in config.get("to", "").split(",")]
    return [target for target in named if target] if "to" in FIELDS[kind] else [""]
