from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone

from accounts import access, reach
from accounts.models import User


class PortalAdminSite(AdminSite):
    site_title = "SLO portal"
    site_header = "SLO portal administration"
    index_title = "Administration"
    enable_nav_sidebar = False  # the sidebar shifts the layout while it loads

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.disable_action("delete_selected")  # one at a time, after a look at what goes with it

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        """All organisations of the user; times are shown and typed in the zone of the one that is chosen."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def local(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            found = access.of_request(request) if isinstance(request.user, User) else None
            reach.use(_reach(request))
            with timezone.override(found.organization.time_zone if found else None):
                response = inner(request, *args, **kwargs)
                return response.render() if isinstance(response, TemplateResponse) else response

        return local


def _reach(request: HttpRequest) -> str:
    if isinstance(request.user, User) and request.user.is_superuser:
        return reach.EVERYTHING
    return reach.of(*(membership.organization_id for membership in access.memberships(request)))
