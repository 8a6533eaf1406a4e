"""The API's description: for programs at /api/schema, for people at /docs, and to try it at /docs/try. The manual."""

from functools import cache
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Access
from accounts.endpoint import Endpoint
from accounts.pages import for_members
from accounts.when_needed import when_needed
from alerts.models import SLOAlert
from kpis.params import Params
from slo_portal import manual
from slo_portal.api_urls import urlpatterns
from slo_portal.reports.models import Report
from slos.models import Job, SLODefinition


@cache
def description() -> dict[str, Any]:
    found: dict[str, Any] = when_needed("slo_portal.openapi.document").document(urlpatterns)
    return found


class Schema(Endpoint):
    def get(self, request: Request) -> Response:
        Params(request._request)
        return Response(description())


@require_GET
@for_members
def docs(request: HttpRequest, access: Access) -> HttpResponse:
    host = request.build_absolute_uri("/").rstrip("/")
    sections = when_needed("slo_portal.openapi.page").sections(description(), host, own_ids(access))
    context = {"sections": sections, "host": host, "scope": access.scope}
    return render(request, "docs/api.html", context)


def own_ids(access: Access) -> dict[str, object]:
    """An object of each kind, where the organisation has one."""
    mine = {"organization": access.organization}
    newest = {
        "slo_id": SLODefinition.objects.filter(**mine).order_by("name"),
        "alert_id": SLOAlert.objects.filter(**mine).order_by("-breached_at"),
        "report_id": Report.objects.filter(**mine).order_by("-created_at"),
        "job_id": Job.objects.filter(**mine).order_by("-created_at"),
    }
    return {name: one for name, rows in newest.items() if (one := rows.values_list("pk", flat=True).first())}


@require_GET
@for_members
def try_out(request: HttpRequest, access: Access) -> HttpResponse:
    return render(request, "docs/try.html")


@require_GET
@for_members
def manual_page(request: HttpRequest, access: Access, name: str = "README") -> HttpResponse:
    sheet = manual.read(name)
    if sheet is None:
        raise Http404
    return render(request, "docs/manual.html", {"sheet": sheet})
