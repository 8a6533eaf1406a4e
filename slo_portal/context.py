from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from accounts import access
from alerts import tabs, watch

THEMES = ("light", "dark")


def portal(request: HttpRequest) -> dict[str, object]:
    """What every page shows in its frame. What costs a query is asked for only where it is shown."""
    theme = request.COOKIES.get("theme")
    return {
        "organization": SimpleLazyObject(lambda: getattr(access.of_request(request), "organization", None)),
        "organizations": SimpleLazyObject(lambda: access.choices(request)),
        "open_alerts": SimpleLazyObject(lambda: _open_alerts(request)),
        "watch": SimpleLazyObject(lambda: _watch(request)),
        "support_contact": settings.SUPPORT_CONTACT,
        "metrics_enabled": settings.METRICS_ENABLED,
        "theme": theme if theme in THEMES else "",  # the cookie of the switch; otherwise as the system has it
    }


def _open_alerts(request: HttpRequest) -> int:
    """How many nobody has taken on."""
    who = access.of_request(request)
    return tabs.open_alerts(who.organization, now=timezone.now()) if who else 0


def _watch(request: HttpRequest) -> watch.Watch | None:
    who = access.of_request(request)
    return watch.look(who.organization, now=timezone.now()) if who else None
