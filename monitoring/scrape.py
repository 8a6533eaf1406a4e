"""What a scrape gets, and who may have it."""

import hmac
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest
from prometheus_client import REGISTRY, generate_latest

from accounts import access, addresses, audit, reach, tokens
from accounts.models import Organization
from monitoring import families, live
from monitoring.exposition import Family, render
from monitoring.models import Exposed

SETS: dict[str, tuple[Family, ...]] = {
    "": (*families.STORED, *families.LIVE),
    "slo": families.SLOTH,
}
WEB = "web"  # what this web process counts by itself


class Refused(Exception):
    """Neither a token nor an allowed network."""


def sees_everything(request: HttpRequest) -> bool:
    """Asks no database. Where neither setting is given, the address is open."""
    if not (settings.METRICS_TOKEN or settings.METRICS_ALLOWED_NETWORKS):
        return True
    given = _bearer(request)
    if settings.METRICS_TOKEN and given and hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode()):
        return True
    address = addresses.parse(audit.address_of(request))
    return address is not None and any(address in network for network in settings.METRICS_ALLOWED_NETWORKS)


def organizations(request: HttpRequest, *, now: datetime) -> list[Organization]:
    """Those of whoever asks: an API token sees its own, METRICS_TOKEN and an allowed network all. Raises Refused."""
    given = _bearer(request)
    if given.startswith(tokens.PREFIX):
        token = tokens.find(given, now=now)
        found = access.of_token(token) if token else None
        if found is None:
            raise Refused
        return [found.organization]
    if not sees_everything(request):
        raise Refused
    reach.use(reach.EVERYTHING)
    return list(Organization.objects.filter(is_active=True).order_by("slug"))


def _bearer(request: HttpRequest) -> str:
    scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def text(seen: Sequence[Organization], which: str, form: str, *, now: datetime) -> str:
    """The figures as the last tick left them, and how the portal is now."""
    wanted = SETS[which]
    names = [family.name for family in wanted]
    rows = Exposed.objects.filter(organization__in=seen, family__in=names).order_by("organization__slug")
    samples: dict[str, list[str]] = {name: [] for name in names}
    for family, lines in rows.values_list("family", "samples"):
        samples[family].append(lines)
    if not which:
        samples |= live.samples(seen, now=now)
    return render(wanted, samples, form)


def of_this_process() -> bytes:
    """django-prometheus's own figures: requests, answers, queries. Other processes have others."""
    return generate_latest(REGISTRY)
