"""Errors as RFC 9457 problem details, the only shape in which the API refuses."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import SuspiciousOperation
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.encoding import escape_uri_path
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import APIException, NotFound, PermissionDenied, ValidationError
from rest_framework.response import Response

from accounts import request_ids

log = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"
BUSY = {"40001", "40P01", "55P03", "57014"}  # serialization failure, deadlock, lock or statement timeout
TOO_LONG = "54000"  # for an index
Errors = Sequence[Mapping[str, object]]


class Problem(APIException):
    """Refuse a request; `errors` are {field, code, message} objects, `more` further members of the problem."""

    def __init__(
        self, status: int, detail: str, errors: Errors = (), *, wait: int | None = None, **more: object
    ) -> None:
        super().__init__(detail)
        self.status_code, self.errors, self.more = status, list(errors), more
        self.wait = wait  # seconds, for Retry-After


def address(request: HttpRequest) -> str:
    """Which address refused, as a URI."""
    return escape_uri_path(request.path)


def body(status: int, detail: str, instance: str, errors: Errors = (), **more: object) -> dict[str, object]:
    problem: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": instance,
        "success": False,
        **({"request_id": request_id} if (request_id := request_ids.current.get()) else {}),
        **more,
    }
    return {**problem, "errors": list(errors)} if errors else problem


def response(request: HttpRequest, status: int, detail: str) -> JsonResponse:
    """A problem from outside the API's views (routing, middleware)."""
    return JsonResponse(body(status, detail, address(request)), status=status, content_type=CONTENT_TYPE)


@csrf_exempt  # there is nothing here to protect, and 403 would mislead
def not_found(request: HttpRequest, rest: str) -> JsonResponse:
    """The view of every address under /api that does not exist."""
    return response(request, 404, "There is nothing at this address. Addresses have no trailing slash.")


def exception_handler(error: Exception, context: dict) -> Response | None:
    """How the API's views answer an error; None leaves it to the server, as a failure of its own."""
    refused = _refusal(error)
    if refused is None:
        return None
    detail, errors = str(refused.detail), getattr(refused, "errors", [])
    if isinstance(refused, ValidationError):
        detail, errors = "The request is not valid.", _flatten(refused.detail)
    headers = {"WWW-Authenticate": getattr(refused, "auth_header", None), "Retry-After": getattr(refused, "wait", None)}
    return Response(
        body(refused.status_code, detail, address(context["request"]), errors, **getattr(refused, "more", {})),
        status=refused.status_code,
        headers={name: str(value) for name, value in headers.items() if value is not None},
        content_type=CONTENT_TYPE,
    )


def _refusal(error: Exception) -> APIException | None:
    """What went wrong, as a refusal of the request where it is one."""
    if isinstance(error, APIException):
        return error
    if isinstance(error, Http404):
        return NotFound("There is no such object in your organisation.")
    if isinstance(error, DjangoPermissionDenied):
        return PermissionDenied()
    if isinstance(error, SuspiciousOperation):
        return Problem(400, "The request is malformed.")
    if isinstance(error, UnicodeError | OverflowError | RecursionError):
        log.warning("a value slipped through validation", exc_info=error)
        return Problem(400, "The request holds a value that cannot be processed.")
    return _of_database(error) if isinstance(error, DatabaseError | InterfaceError) else None


def _of_database(error: Exception) -> Problem | None:
    state = getattr(error.__cause__, "sqlstate", None)
    if isinstance(error, DataError) or state == TOO_LONG:
        log.warning("a value slipped through validation", exc_info=error)
        return Problem(400, "The request holds a value that cannot be stored.")
    if isinstance(error, IntegrityError):
        return Problem(409, "Something that this request refers to has changed meanwhile; read it again.")
    if state in BUSY:
        return Problem(503, "The database is busy; nothing was changed. Try again.", wait=1)
    if isinstance(error, OperationalError | InterfaceError):
        log.error("the database cannot be used: %s", error)
        return Problem(503, "The database cannot be reached; nothing was changed. Try again.", wait=5)
    return None


def _flatten(data: object) -> list[dict[str, object]]:
    if isinstance(data, dict):
        return [
            {"field": str(field), "code": getattr(item, "code", "invalid"), "message": str(item)}
            for field, items in data.items()
            for item in (items if isinstance(items, list) else [items])
        ]
    return [{"field": "", "code": getattr(item, "code", "invalid"), "message": str(item)} for item in data]  # type: ignore[attr-defined]
