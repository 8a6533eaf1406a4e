"""SMS by Twilio's REST API. The account is the operator's (settings), the numbers are the channel's."""

import base64
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from alerts.transports import http, texts
from alerts.transports.message import DeliveryError, Outgoing, Receipt

NUMBER = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
NO_SUCH_NUMBER = {21211, 21214, 21217, 21408, 21421, 21610, 21611, 21612, 21614}  # bad, unreachable or unsubscribed
NOT_TAKEN = {"failed", "undelivered", "canceled"}


def send(config: Mapping[str, str], target: str, outgoing: Outgoing, *, now: datetime) -> Receipt:
    form = {"To": target, **_sender(), "Body": texts.sms(outgoing)}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Idempotency-Key": outgoing.key, **_account()}
    answer = http.post(_messages(), urlencode(form).encode(), headers)
    if answer.ok:
        return Receipt(str(answer.field("status") or answer.status), _text(answer.field("sid")), answer.seconds)
    code = answer.field("code")
    refused = code in NO_SUCH_NUMBER if isinstance(code, int) else False
    # Wrong credentials are the operator's to mend; no number is to blame, so nothing is permanent but a refused number.
    raise http.failure(answer, now=now, permanent=refused, detail=f"Twilio's error {code}" if code else "")


def look_up(target: str, key: str) -> Receipt | None:
    """The message to that number that carries our reference, among the latest 50."""
    answer = http.request("GET", f"{_messages()}?{urlencode({'To': target, 'PageSize': 50})}", None, _account())
    if not answer.ok:
        raise http.failure(answer, permanent=False)
    messages = answer.field("messages")
    for message in messages if isinstance(messages, list) else []:
        if not isinstance(message, dict):
            continue
        if texts.reference(key) in _text(message.get("body")) and message.get("status") not in NOT_TAKEN:
            return Receipt(_text(message.get("status")), _text(message.get("sid")), answer.seconds)
    return None


def _messages() -> str:
    if not (settings.TWILIO_ACCOUNT_SID and settings.TWILIO_AUTH_TOKEN and settings.TWILIO_FROM):
        raise DeliveryError("SMS needs TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_FROM in the settings.")
    return f"{settings.TWILIO_URL}/2010-04-01/Accounts/{settings.TWILIO_ACCOUNT_SID}/Messages.json"


def _sender() -> dict[str, str]:
    sender = settings.TWILIO_FROM  # a number, a name, or the id of a messaging service
    return {"MessagingServiceSid" if sender.startswith("MG") and len(sender) == 34 else "From": sender}


def _account() -> dict[str, str]:
    pair = f"{settings.TWILIO_ACCOUNT_SID}:{settings.TWILIO_AUTH_TOKEN}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
