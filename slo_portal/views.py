"""The API's description: for programs at /api/schema, for people at /docs, and to try it at /docs/try."""

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Access
from accounts.endpoint import Endpoint
from accounts.pages import for_members
from kpis.params import Params
from slo_portal.api_urls import urlpatterns
from slo_portal.openapi.document import document
from slo_portal.openapi.page import sections


@cache
def description() -> dict[str, Any]:
    return document(urlpatterns)


class Schema(Endpoint):
    def get(self, request: Request) -> Response:
        Params(request._request)
        return Response(description())


@require_GET
@for_members
def docs(request: HttpRequest, access: Access) -> HttpResponse:
    host = request.build_absolute_uri("/").rstrip("/")
    context = {"sections": sections(description(), host), "host": host, "scope": access.scope}
    return render(request, "docs/api.html", context)


@require_GET
@for_members
def try_out(request: HttpRequest, access: Access) -> HttpResponse:
    return render(request, "docs/try.html")
