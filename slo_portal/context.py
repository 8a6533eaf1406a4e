from django.conf import settings
from django.http import HttpRequest

THEMES = ("light", "dark")


def portal(request: HttpRequest) -> dict[str, object]:
    """What every page shows in its frame."""
    theme = request.COOKIES.get("theme")
    return {
        "support_contact": settings.SUPPORT_CONTACT,
        "metrics_enabled": settings.METRICS_ENABLED,
        "theme": theme if theme in THEMES else "",  # the cookie of the switch; otherwise as the system has it
    }
