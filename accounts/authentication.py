"""How the API learns who asks: a bearer token, or the browser's session."""

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from accounts import access, tokens
from accounts.access import Access
from accounts.models import User

REFUSED = "The bearer token is not valid: unknown, expired or revoked. Make one with `manage.py create_token`."


class BearerAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[User, Access] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        scheme, _, secret = header.partition(" ")
        if not header:
            return None
        if scheme.lower() != "bearer" or not secret.isascii():
            raise AuthenticationFailed("Send `Authorization: Bearer <token>`.")
        token = tokens.find(secret.strip(), now=timezone.now())
        found = access.of_token(token) if token else None
        if found is None:
            raise AuthenticationFailed(REFUSED)
        return found.user, found

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class PortalSession(SessionAuthentication):
    def authenticate(self, request: Request) -> tuple[User, Access] | None:
        if not super().authenticate(request):
            return None
        reach = access.of_request(request._request)
        if reach is None:
            raise PermissionDenied("You are a member of no organisation; an admin can add you to one.")
        return reach.user, reach

    def enforce_csrf(self, request: Request) -> None:
        # the REST framework's own request would read and parse the body for this
        super().enforce_csrf(request._request)  # type: ignore[arg-type]
