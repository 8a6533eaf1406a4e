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
    frame = _frame(request)
    return frame.open_alerts if frame else 0


def _fresh(request: HttpRequest) -> status.Freshness | None:
    frame = _frame(request)
    return frame.fresh if frame else None


def _frame(request: HttpRequest) -> tabs.Frame | None:
    """Asked for once per request: a page and its polled part are rendered apart."""
    if not hasattr(request, "_frame"):
        who = access.of_request(request)
        request._frame = tabs.frame(who.organization, now=timezone.now()) if who else None  # type: ignore[attr-defined]
    return request._frame  # type: ignore[attr-defined]


def _watch(request: HttpRequest) -> watch.Watch | None:
    who = access.of_request(request)
    return watch.look(who.organization, now=timezone.now()) if who else None
