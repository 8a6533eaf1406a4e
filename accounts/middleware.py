"""What holds of every request: its id, its session, its errors."""

from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts import access, audit, problems, reach, request_ids

PREFIX = "/api/"
ABOUT_THE_BODY = {"Content-Type", "Content-Length", "Content-Encoding"}
DETAILS = {
    400: "The request is malformed.",
    500: "The portal failed at this request; its log says why.",
}
SET_UP_FIRST = "Your organisation asks for a second factor. Sign in on a page of the portal and set it up first."
WITHOUT_SECOND_FACTOR = {"two-step", "two-step-set-up", "logout", "live"}
USE_IS_NOTED_EVERY = 60  # seconds
Answer = Callable[[HttpRequest], HttpResponseBase]


class RequestIds:
    """The id under which the log and the audit trail know a request; the answer tells it."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.id = chosen = request_ids.chosen(request.headers.get(request_ids.HEADER))  # type: ignore[attr-defined]
        before = request_ids.current.set(chosen)
        try:
            response = self.get_response(request)
        finally:
            request_ids.current.reset(before)
        response.headers[request_ids.HEADER] = chosen
        return response


class Reach:
    """A request sees nothing of any organisation until it is known who asks; also what is sent after its end."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with reach.within(reach.NOTHING):
            response = self.get_response(request)
            if isinstance(response, StreamingHttpResponse):
                response.streaming_content = reach.kept(reach.current(), response.streaming_content)  # type: ignore[arg-type] # WSGI
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

    def process_view(self, request: HttpRequest, *_: object) -> HttpResponseBase | None:
        """No page before the second factor is set up, where an organisation asks for it. Bearer tokens go on."""
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not access.lacks_second_factor(request):
            return None
        if request.path.startswith(PREFIX):
            return None if request.META.get("HTTP_AUTHORIZATION") else problems.response(request, 403, SET_UP_FIRST)
        if request.resolver_match and request.resolver_match.url_name in WITHOUT_SECOND_FACTOR:
            return None
        return HttpResponse(status=401) if "HX-Request" in request.headers else redirect("two-step")


def is_over(request: HttpRequest, *, now: datetime) -> bool:
    """Whether the session has reached one of its limits; else its use is noted."""
    session, moment = request.session, now.timestamp()
    since = session.get("since") or (request.user.last_login or now).timestamp()  # type: ignore[union-attr]
    idle = moment - session.get("seen", since)
    if moment - since >= settings.SESSION_MAX_HOURS * 3600 or idle >= settings.SESSION_IDLE_MINUTES * 60:
        return True
    if idle >= USE_IS_NOTED_EVERY and not _is_poll(request):
        session["seen"] = int(moment)
    return False


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
