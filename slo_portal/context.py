from django.conf import settings
from django.http import HttpRequest


def portal(request: HttpRequest) -> dict[str, object]:
    """What every page shows in its frame."""
    return {"support_contact": settings.SUPPORT_CONTACT, "metrics_enabled": settings.METRICS_ENABLED}
