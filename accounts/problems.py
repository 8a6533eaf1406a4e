"""Errors as RFC 9457 problem details, the only shape in which the API refuses."""

from collections.abc import Sequence
from http import HTTPStatus

from django.http import Http404, HttpRequest, JsonResponse
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_handler

CONTENT_TYPE = "application/problem+json"


class Problem(APIException):
    """Refuse a request; `errors` are {field, code, message} objects."""

    def __init__(self, status: int, detail: str, errors: Sequence[dict[str, str]] = ()) -> None:
        super().__init__(detail)
        self.status_code = status
        self.errors = list(errors)


def body(status: int, detail: str, instance: str, errors: Sequence[dict[str, str]] = ()) -> dict[str, object]:
    problem: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": instance,
        "success": False,
    }
    return {**problem, "errors": list(errors)} if errors else problem


def response(request: HttpRequest, status: int, detail: str) -> JsonResponse:
    """A problem from outside the API's views (routing, middleware)."""
    return JsonResponse(body(status, detail, request.path), status=status, content_type=CONTENT_TYPE)


def exception_handler(error: Exception, context: dict) -> Response | None:
    answer = drf_handler(error, context)
    if answer is None:
        return None
    detail = str(getattr(error, "detail", "") or error)
    errors = getattr(error, "errors", [])
    if isinstance(error, ValidationError):
        detail, errors = "The request is not valid.", _flatten(answer.data)
    elif isinstance(error, Http404):
        detail = "There is no such object in your organisation."
    answer.data = body(answer.status_code, detail, context["request"].path, errors)
    answer.content_type = CONTENT_TYPE
    return answer


def _flatten(data: object) -> list[dict[str, str]]:
    if isinstance(data, dict):
        return [
            {"field": str(field), "code": getattr(item, "code", "invalid"), "message": str(item)}
            for field, items in data.items()
            for item in (items if isinstance(items, list) else [items])
        ]
    return [{"field": "", "code": getattr(item, "code", "invalid"), "message": str(item)} for item in data]  # type: ignore[attr-defined]
