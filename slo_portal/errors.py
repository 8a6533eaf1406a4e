"""The pages of errors that may befall any page: they need no database, no session and no context."""

from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from accounts import request_ids
from slo_portal.context import theme_of


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 400)


def server_error(request: HttpRequest) -> HttpResponse:
    return _page(request, 500)


def _page(request: HttpRequest, status: int) -> HttpResponse:
    context = {"theme": theme_of(request), "style": _style(), "request_id": request_ids.current.get()}
    return HttpResponse(render_to_string(f"{status}.html", context), status=status)


def _style() -> str:
    """Empty when the static files are what is broken: the page can be read without."""
    try:
        return staticfiles_storage.url("portal.css")
    except ValueError:
        return ""
