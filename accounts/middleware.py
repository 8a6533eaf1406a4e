"""Whatever goes wrong under /api is a problem document, whoever found it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from accounts import problems

PREFIX = "/api/"
DETAILS = {
    400: "The request is malformed.",
    500: "The portal failed at this request; its log says why.",
}
Answer = Callable[[HttpRequest], HttpResponseBase]


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
            response = problems.response(request, status, DETAILS.get(status, "The request was refused."))
        response.headers.setdefault("Cache-Control", "no-store")
        return response
