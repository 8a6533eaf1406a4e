from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.access import READ, WRITE, Access


class HasScope(BasePermission):
    """Reading needs the scope `read`, anything else the view's `scope` (default `write`)."""

    def has_permission(self, request: Request, view: object) -> bool:
        needed = READ if request.method in SAFE_METHODS else getattr(view, "scope", WRITE)
        self.message = f"This needs the scope `{needed}`; an admin of the organisation can grant it."
        return isinstance(request.auth, Access) and request.auth.allows(needed)
