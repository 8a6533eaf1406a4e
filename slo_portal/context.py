from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts import access

THEMES = ("light", "dark")


def portal(request: HttpRequest) -> dict[str, object]:
    """What every page shows in its frame."""
    theme = request.COOKIES.get("theme")
    return {
        "organization": SimpleLazyObject(lambda: getattr(access.of_request(request), "organization", None)),
        "organizations": SimpleLazyObject(lambda: access.choices(request)),
        "support_contact": settings.SUPPORT_CONTACT,
        "metrics_enabled": settings.METRICS_ENABLED,
        "theme": theme if theme in THEMES else "",  # the cookie of the switch; otherwise as the system has it
    }
