"""What holds of every request: its id, its session, its errors."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from accounts import audit, problems

PREFIX = "/api/"
ABOUT_THE_BODY = {"Content-Type", "Content-Length", "Content-Encoding"}
DETAILS = {
    400: "The request is malformed.",
    500: "The portal failed at this request; its log says why.",
}
USE_IS_NOTED_EVERY = 60  # seconds
Answer = Callable[[HttpRequest], HttpResponseBase]


class RequestIds:
    """The id under which the audit trail knows a request; the answer tells it."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.id = uuid.uuid4().hex  # type: ignore[attr-defined]
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request.id  # type: ignore[attr-defined]
        return response


class Sessions:
    """A session ends when it was left alone, and at the latest some days after the sign-in. Refusals are noted."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        signed_in = settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated
        if signed_in and is_over(request, now=timezone.now()):
            logout(request)
        response = self.get_response(request)
        if signed_in:
            response.headers.setdefault("Cache-Control", "no-store")
        if response.status_code == 403:
            audit.refused(request, now=timezone.now())
        return response


def is_over(request: HttpRequest, *, now: datetime) -> bool:
    """Whether the session has reached one of its limits; else its use is noted."""
    session, moment = request.session, int(now.timestamp())
    since, seen = session.get("since", moment), session.get("seen", moment)
    longest = timedelta(hours=settings.SESSION_MAX_HOURS).total_seconds()
    idle = timedelta(minutes=settings.SESSION_IDLE_MINUTES).total_seconds()
    if moment - since >= longest or moment - seen >= idle:
        return True
    if "since" not in session or (moment - seen >= USE_IS_NOTED_EVERY and not _is_poll(request)):
        _note(session, since, moment)
    return False


def _note(session: SessionBase, since: int, moment: int) -> None:
    session["since"], session["seen"] = since, moment


def _is_poll(request: HttpRequest) -> bool:
    """A page that brings itself up to date is no sign of a person."""
    return request.method == "GET" and "HX-Request" in request.headers


class ProblemsUnderApi:
    """The outermost middleware: errors of routing and of other middleware are Django's pages, made for browsers."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not request.path.startswith(PREFIX):
            return response
        status = response.status_code
        if status >= 400 and response.headers.get("Content-Type") != problems.CONTENT_TYPE:
            found = problems.response(request, status, DETAILS.get(status, "The request was refused."))
            for name in response.headers.keys() - ABOUT_THE_BODY:
                found.headers.setdefault(name, response.headers[name])
            response = found
        response.headers.setdefault("Cache-Control", "no-store")
        return response
