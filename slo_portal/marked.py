"""The mark of a demonstration on whatever it answers."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase


class Marked:
    """Says with every answer that it comes of a demonstration."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers["X-Demo"] = "true"
        return response
