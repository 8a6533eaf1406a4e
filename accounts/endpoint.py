"""What all addresses of the API share: who asks, and the envelope of an answer."""

from collections.abc import Mapping
from typing import Any, NoReturn

import msgspec
from rest_framework.exceptions import NotAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import WRITE, Access
from accounts.manners import Manners
from accounts.models import Organization


class Endpoint(Manners):
    """One address. `scope` is what its unsafe methods need."""

    scope = WRITE

    @property
    def access(self) -> Access:
        return self.request.auth  # type: ignore[return-value] # HasScope has seen to it

    @property
    def organization(self) -> Organization:
        return self.access.organization

    def permission_denied(self, request: Request, message: str | None = None, code: str | None = None) -> NoReturn:
        if not request.authenticators or request.successful_authenticator:
            super().permission_denied(request, message, code)
        raise NotAuthenticated("Send `Authorization: Bearer <token>`; `manage.py create_token` makes one.")

    def options(self, request: Request, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]
        return Response(status=204)  # `Allow` is in the headers


class QuickJSON(JSONRenderer):
    """For large answers, and those whose parts are JSON already (msgspec.Raw)."""

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        return msgspec.json.encode(data, enc_hook=str)


def success(data: Mapping[str, object], message: str, *, status: int = 200, location: str | None = None) -> Response:
    headers = {"Location": location} if location else None
    return Response({"success": True, "data": data, "message": message}, status=status, headers=headers)
