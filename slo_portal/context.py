from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from accounts import access
from alerts import tabs, watch
from slo_portal import places
from slos import status

THEMES = ("light", "dark")


def portal(request: HttpRequest) -> dict[str, object]:
    """What every page shows in its frame. What costs a query is asked for only where it is shown."""
    return {
        "organization": SimpleLazyObject(lambda: getattr(access.of_request(request), "organization", None)),
        "organizations": SimpleLazyObject(lambda: access.choices(request)),
        "open_alerts": SimpleLazyObject(lambda: _open_alerts(request)),
        "watch": SimpleLazyObject(lambda: _watch(request)),
        "fresh": SimpleLazyObject(lambda: _fresh(request)),
        "places": SimpleLazyObject(lambda: places.places(request)),
        "manual_page": places.manual_page(request),
        "demo": settings.DEMO,
        "support_contact": settings.SUPPORT_CONTACT,
        "metrics_enabled": settings.METRICS_ENABLED,
        "theme": theme_of(request),
        "density": "compact" if request.COOKIES.get("density") == "compact" else "",
    }


def theme_of(request: HttpRequest) -> str:
    """The cookie of the switch; empty for as the system has it."""
    theme = request.COOKIES.get("theme", "")
    return theme if theme in THEMES else ""


def _open_alerts(request: HttpRequest) -> int:
    """How many nobody has taken on."""
    who = access.of_request(request)
    return tabs.open_alerts(who.organization, now=timezone.now()) if who else 0


def _watch(request: HttpRequest) -> watch.Watch | None:
    who, fresh = access.of_request(request), _fresh(request)
    return watch.look(who.organization, now=timezone.now(), ticked_at=fresh.ticked_at) if who and fresh else None


def _fresh(request: HttpRequest) -> status.Freshness | None:
    """Asked for once per request: a page and its polled part are rendered apart."""
    if not hasattr(request, "_fresh"):
        who = access.of_request(request)
        found = status.freshness(who.organization, now=timezone.now()) if who else None
        request._fresh = found  # type: ignore[attr-defined]
    return request._fresh  # type: ignore[attr-defined]
