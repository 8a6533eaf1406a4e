"""What holds of the addresses under /health/."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

PREFIX = "/health/"
Answer = Callable[[HttpRequest], HttpResponseBase]


class NoSession:
    """Nobody is signed in there: nothing that asks the database may come before the answer that it is down."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(PREFIX):
            request.COOKIES = {}
        return self.get_response(request)
