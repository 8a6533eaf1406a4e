"""Signed JSON to any address. Described for receivers in docs/how-to/notifications.md."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alerts.transports import http
from alerts.transports.message import Outgoing, Receipt

SCHEMA = "slo-portal.alerts/1"


def send(config: Mapping[str, str], target: str, outgoing: Outgoing, *, now: datetime) -> Receipt:
    body = json.dumps(document(outgoing), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": outgoing.key}
    if config.get("secret"):
        headers["X-Signature"] = signature(config["secret"], body, int(now.timestamp()))
    answer = http.post(config["url"], body, headers)
    if answer.ok:
        return Receipt(str(answer.status), seconds=answer.seconds)
    raise http.failure(answer, now=now)


def document(outgoing: Outgoing) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "key": outgoing.key,
        "organization": outgoing.organization_slug,
        "organization_name": outgoing.organization,
        "created_at": outgoing.created_at.isoformat(),
        "url": outgoing.url,
        "alerts": [
            {
                "id": item.alert_id,
                "reason": item.reason,
                "severity": item.severity,
                "title": item.title,
                "message": item.message,
                "slo_name": item.slo_name,
                "opened_at": item.opened_at.isoformat(),
                "url": item.url,
            }
            for item in outgoing.items
        ],
    }


def signature(secret: str, body: bytes, seconds: int) -> str:
    """HMAC-SHA256 over "<seconds>.<body>", so that neither can be exchanged. Seconds since 1970, when it was sent."""
    signed = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256)
    return f"t={seconds},v1={signed.hexdigest()}"
