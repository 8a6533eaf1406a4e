"""What all addresses of the API share: who asks, the envelope of an answer, and the body of a request."""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from django.conf import settings
from django.http import HttpRequest
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import WRITE, Access
from accounts.models import Organization
from accounts.problems import Problem

JSON = "application/json"
MAX_BODY = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
UTF8 = {"utf-8", "utf8", "us-ascii"}


class Endpoint(APIView):
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


def success(data: Mapping[str, object], message: str, *, status: int = 200, location: str | None = None) -> Response:
    headers = {"Location": location} if location else None
    return Response({"success": True, "data": data, "message": message}, status=status, headers=headers)


def read_body(request: HttpRequest, accepted: Sequence[str] = (JSON,)) -> tuple[bytes, str]:
    """The body and its media type: one of `accepted`, the first where none is named. Raises Problem.

    Nothing is read of a body that is too large or of another type.
    """
    given = request.META.get("CONTENT_LENGTH") or ""
    length = int(given[:20]) if given.isascii() and given.isdigit() else 0
    chunked = not given and "HTTP_TRANSFER_ENCODING" in request.META
    if not (length or chunked) or _is_empty_form(request, length):
        return b"", accepted[0]
    media = _media_type(request, accepted)
    if length > MAX_BODY:
        raise _too_large()
    # Django takes a body without a length for none at all; the server below ends its input where the body ends.
    stream = request.META["wsgi.input"] if chunked and request.META.get("wsgi.input_terminated") else request
    try:
        body = stream.read(MAX_BODY + 1)
    except OSError:
        raise Problem(400, "The body broke off.") from None
    if len(body) > MAX_BODY:
        raise _too_large()
    return body, media


def _is_empty_form(request: HttpRequest, length: int) -> bool:
    """Some clients send a form without fields where there is no body."""
    return request.content_type == "multipart/form-data" and 0 < length < 200 and not (request.POST or request.FILES)


def _media_type(request: HttpRequest, accepted: Sequence[str]) -> str:
    media = (request.content_type or accepted[0]).lower()
    charset = (request.content_params or {}).get("charset", "utf-8").lower()
    packed = request.META.get("HTTP_CONTENT_ENCODING", "identity").lower()
    if media not in accepted:
        raise Problem(415, f"{media[:100]!r} is not understood here; send {' or '.join(accepted)}.")
    if charset not in UTF8 or packed != "identity":
        raise Problem(415, "Send the body as UTF-8, without a Content-Encoding.")
    return media


def _too_large() -> Problem:
    return Problem(413, f"A body may have up to {MAX_BODY // 2**20} MB; send several.")
