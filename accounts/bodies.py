"""The body of a request to the API: of a type that the address takes, in UTF-8, and not too large."""

from collections.abc import Sequence

from django.conf import settings
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError

from accounts.problems import Problem

JSON = "application/json"
MAX_BODY = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
UTF8 = {"utf-8", "utf8", "us-ascii"}


def read_body(request: HttpRequest, accepted: Sequence[str] = (JSON,)) -> tuple[bytes, str]:
    """The body and its media type: one of `accepted`, the first where none is named. Raises Problem.

    Nothing is read of a body that is too large or of another type. Asked again, the answer is the same.
    """
    if not hasattr(request, "_read"):
        request._read = _read(request, accepted)  # type: ignore[attr-defined]
    read: tuple[bytes, str] = request._read  # type: ignore[attr-defined]
    return read


def _read(request: HttpRequest, accepted: Sequence[str]) -> tuple[bytes, str]:
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
    try:
        short = request.content_type == "multipart/form-data" and 0 < length < 200
        return short and not (request.POST or request.FILES)
    except MultiPartParserError:
        return False


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
