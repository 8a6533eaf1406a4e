"""The figures of the exposition, each minute to Datadog's agent and to an OpenTelemetry collector where they are set.

What does not arrive is not tried again: the figures of the next minute hold all of it.
"""

import json
import logging
import socket
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime

from django.conf import settings
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import Organization
from alerts.transports import DeliveryError, http
from monitoring import otlp, scrape, statsd
from monitoring.exposition import TEXT

UNIX = "unix:"
SECONDS = 1.0  # for a packet that a full socket does not take
BUCKETS = "_bucket"  # Datadog makes its own of other things
log = logging.getLogger(__name__)


def send(*, now: datetime) -> list[str]:
    """Tell each receiver that is set; the names of those that have taken it. No failure is raised."""
    wanted = {"DogStatsD": (settings.DOGSTATSD_ADDRESS, _dogstatsd), "OTLP": (settings.OTLP_ENDPOINT, _otlp)}
    if not any(address for address, _ in wanted.values()):
        return []
    organizations = list(Organization.objects.filter(is_active=True).order_by("created_at"))
    families = list(text_string_to_metric_families(scrape.text(organizations, "", TEXT, now=now)))
    since, taken = min((one.created_at for one in organizations), default=now), []
    for name, (address, way) in wanted.items():
        try:
            if address:
                way(address, families, since, now)
                taken.append(name)
        except (DeliveryError, OSError) as error:
            log.warning("%s has not taken the figures: %s", name, error)
    return taken


def _dogstatsd(address: str, families: Iterable[Metric], since: datetime, now: datetime) -> None:
    lines = (
        statsd.line(sample.name, sample.labels, sample.value)
        for family in families
        for sample in family.samples
        if not sample.name.endswith(BUCKETS)
    )
    with closing(_connected(address)) as wire:
        for packet in statsd.packets(lines):
            wire.send(packet)


def _connected(address: str) -> socket.socket:
    """To "host:port" or "unix:/path"; datagrams either way. Raises OSError."""
    if address.startswith(UNIX):
        family, to = socket.AF_UNIX, address.removeprefix(UNIX)
    else:
        host, _, port = address.rpartition(":")
        family, _, _, _, to = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)[0]  # type: ignore[assignment]
    wire = socket.socket(family, socket.SOCK_DGRAM)
    wire.settimeout(SECONDS)
    try:
        wire.connect(to)
    except OSError:
        wire.close()
        raise
    return wire


def _otlp(address: str, families: Iterable[Metric], since: datetime, now: datetime) -> None:
    body = json.dumps(otlp.request(families, since=since, now=now)).encode()
    headers = {"Content-Type": "application/json", **settings.OTLP_HEADERS}
    answer = http.post(f"{address}/v1/metrics", body, headers)
    if not answer.ok:
        raise http.failure(answer, now=now)
