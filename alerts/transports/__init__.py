"""The ways out of the house: e-mail, Slack, SMS, webhook, and whatever Apprise speaks. I/O only, knows no model.

A channel's `config` holds the fields of its kind (`FIELDS`). Where a kind has targets (`TARGETS`), `target` is an
e-mail address or a phone number; the others have one target, the address in their config, and take "".
"""

from collections.abc import Mapping
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from alerts.transports import apprise, guard, http, mail, slack, sms, webhook
from alerts.transports.message import DeliveryError, Item, Outgoing, Receipt

__all__ = [
    "FIELDS",
    "TARGETS",
    "DeliveryError",
    "Item",
    "Outgoing",
    "Receipt",
    "call",
    "look_up",
    "send",
    "wrong",
    "wrong_target",
]

FIELDS: dict[str, tuple[str, ...]] = {  # all of them are secrets
    "email": (),
    "slack": ("url",),
    "sms": (),
    "webhook": ("url", "secret"),
    "apprise": ("url",),
}
TARGETS = frozenset({"email", "sms"})
SHORTEST_SECRET = 16
_MODULES = {"email": mail, "slack": slack, "sms": sms, "webhook": webhook, "apprise": apprise}


def send(kind: str, config: Mapping[str, str], target: str, outgoing: Outgoing, *, now: datetime) -> Receipt:
    """Deliver one message to one target, in 10 seconds at most; `now` is signed and dated. Raises DeliveryError."""
    complaint = next(iter(wrong(kind, config).values()), "") or wrong_target(kind, target)
    if complaint:
        raise DeliveryError(complaint, permanent=complaint != apprise.NOT_INSTALLED)
    return _MODULES[kind].send(config, target, outgoing, now=now)


def look_up(kind: str, config: Mapping[str, str], target: str, key: str) -> Receipt | None:
    """Whether an SMS of which nobody knows was taken after all; None: it was not, or it cannot be known.

    Raises DeliveryError where the provider does not answer.
    """
    return sms.look_up(target, key) if kind == "sms" else None


def call(url: str, *, now: datetime) -> Receipt:
    """GET an address, such as that of the heartbeat. Raises DeliveryError for all but an answer of 2xx."""
    answer = http.request("GET", url, None, {})
    if answer.ok:
        return Receipt(str(answer.status), seconds=answer.seconds)
    raise http.failure(answer, now=now)


def wrong(kind: str, config: Mapping[str, str]) -> dict[str, str]:
    """What cannot work in the config of a channel: field -> message with the way out. Asks no name server."""
    found = {"url": _wrong_url(kind, config.get("url", ""))} if "url" in FIELDS[kind] else {}
    if "secret" in FIELDS[kind] and 0 < len(config.get("secret", "")) < SHORTEST_SECRET:
        found["secret"] = f"Enter at least {SHORTEST_SECRET} characters, or none: then messages are not signed."
    return {name: message for name, message in found.items() if message}


def wrong_target(kind: str, target: str) -> str:
    """What is wrong with an e-mail address or phone number, or ""."""
    if kind == "sms" and not sms.NUMBER.fullmatch(target):
        return f"{target!r} is not a phone number. Write it as +4915112345678, with the country's code."
    if kind == "email":
        try:
            validate_email(target)
        except ValidationError:
            return f"{target!r} is not an e-mail address. Write it as name@example.com."
    return ""


def _wrong_url(kind: str, url: str) -> str:
    if kind == "apprise":
        return apprise.wrong(url)
    try:
        to = http.place(url)
        guard.refuse_literal(to.host, to.port, http.allow_list())
    except DeliveryError as error:
        return str(error)
    return ""
