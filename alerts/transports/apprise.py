"""The services for which we have no transport of our own, through the optional package Apprise.

Apprise connects to wherever an address leads, so it runs in a process of its own (`apprise_child`), which may only
connect to what the guard lets through, knows none of the portal's environment, and is ended after 10 seconds.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from importlib.util import find_spec
from time import monotonic
from urllib.parse import parse_qsl, urlencode

from django.conf import settings

from alerts.transports import http, texts
from alerts.transports.message import DeliveryError, Outgoing, Receipt

# Services that are spoken to by HTTP. Not in the list: what writes to this machine (dbus, syslog), speaks other
# protocols (irc, mqtt, smpp), or is a kind of our own (json, mailto, slack, twilio).
SERVICES = {
    *("betterstack", "dingtalk", "discord", "feishu", "gchat", "gotify", "gotifys", "ilert", "incidentio", "jira"),
    *("lark", "line", "matrix", "matrixs", "mmost", "mmosts", "nctalk", "nctalks", "ntfy", "ntfys", "opsgenie"),
    *("pagerduty", "pbul", "pover", "rocket", "rockets", "signal", "signals", "signl4", "splunk", "squadcast", "tgram"),
    *("threema", "victorops", "webex", "wecombot", "whatsapp", "workflow", "workflows", "wxteams", "zulip"),
}
FORCED = {"redirect": "no", "cto": "3", "rto": "6", "verify": "yes", "overflow": "split", "format": "text"}
REMOVED = {*FORCED, "template", "file", "keyfile", "store", "retry", "wait"}  # some name files of this machine
NOT_INSTALLED = "The package Apprise is not installed. The operator installs it: pip install 'slo-portal[apprise]'."
STYLES = {"warning": "warning", "critical": "failure", "incident": "failure", "resolved": "success"}


def send(config: Mapping[str, str], target: str, outgoing: Outgoing, *, now: datetime) -> Receipt:
    start = monotonic()
    outcome = _run(
        {
            "url": bounded(config["url"]),
            "title": texts.subject(outgoing),
            "body": texts.text(outgoing),
            "style": STYLES.get(texts.label(outgoing.items[0]), "info"),
            "allow": settings.OUTGOING_ALLOWED,
        }
    )
    if outcome.get("error"):
        raise DeliveryError(str(outcome["error"]), permanent=bool(outcome.get("permanent")))
    return Receipt("sent", seconds=monotonic() - start)


def wrong(url: str) -> str:
    scheme, separator, rest = url.strip().partition("://")
    if not find_spec("apprise"):
        return NOT_INSTALLED
    if not separator or not rest:
        return "Enter the address as Apprise writes it, such as discord://webhook-id/token."
    if scheme.lower() not in SERVICES:
        return f"This kind of service is not supported. Supported are: {', '.join(sorted(SERVICES))}."
    return ""


def bounded(url: str) -> str:
    """The address with our limits in place of its own."""
    base, _, query = url.strip().partition("?")
    own = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name.lower() not in REMOVED]
    return f"{base}?{urlencode([*own, *FORCED.items()])}"


def _run(job: dict[str, object]) -> dict[str, object]:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "alerts.transports.apprise_child"],
            input=json.dumps(job).encode(),
            capture_output=True,
            timeout=http.SECONDS,
            cwd=settings.BASE_DIR,
            env={"PATH": os.defpath, "NETRC": os.devnull, "HOME": os.devnull},
            check=True,
        )
        return dict(json.loads(done.stdout))
    except subprocess.TimeoutExpired:
        raise DeliveryError("The service gave no answer: it took too long.", unknown=True) from None
    except (subprocess.CalledProcessError, OSError, ValueError):
        raise DeliveryError("Apprise failed. Try the address with its own command line.", unknown=True) from None
