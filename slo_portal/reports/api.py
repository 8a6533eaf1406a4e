"""GET and POST /reports, GET /reports/{id}."""

from uuid import UUID

from django.http import Http404, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.downloads import AsFile, Download
from accounts.endpoint import Endpoint, success
from accounts.models import Organization
from kpis.params import Params, body_object, refusal
from slo_portal.reports import pdf, reading, writing
from slo_portal.reports.models import Report
from slo_portal.reports.wishes import part_of, span_of


class Reports(Endpoint):
    def get(self, request: Request) -> Response:
        params = Params(request._request, "kind", "limit", "cursor")
        kind = params.choice("kind", Report.Kind.values, "") if "kind" in params else ""
        limit = params.integer("limit", 50, 1, 500)
        found = reading.page(self.organization, limit + 1, kind, _after(self.organization, params))
        shown, more = found[:limit], len(found) > limit
        pages = {"limit": limit, "next_cursor": str(shown[-1].pk) if more else None, "has_more": more}
        data = {"reports": [reading.brief(one) for one in shown], "pagination": pages}
        return success(data, f"{len(shown)} reports, newest first.")

    def post(self, request: Request) -> Response:
        now = timezone.now()
        Params(request._request)
        fields = body_object(request, "start_date", "end_date", "filters")
        span, only = span_of(fields, self.organization, now=now), part_of(fields.get("filters", {}))
        report = writing.write(self.organization, span, only, by=self.access.user, now=now)
        address = reverse("api-report", args=[report.pk])
        return success(reading.whole(report, now=now), report.headline, status=201, location=address)


def _after(organization: Organization, params: Params) -> Report | None:
    given = params.uuid("cursor")
    found = reading.find(organization, given) if given else None
    if given and found is None:
        raise refusal("cursor", "invalid", "There is no such report any more; begin without a cursor.")
    return found


class AsPage(JSONRenderer):
    """For whoever says `Accept: text/html`; refusals are written as JSON all the same."""

    media_type = "text/html"
    format = "html"


class AsPdf(AsPage):
    """For whoever says `Accept: application/pdf`."""

    media_type = "application/pdf"
    format = "pdf"


class OneReport(Download):
    renderer_classes = (JSONRenderer, AsFile, AsPage, AsPdf)

    def get(self, request: Request, report_id: UUID) -> HttpResponseBase:
        now = timezone.now()
        params = Params(request._request, "format")
        wanted = params.choice("format", ("json", "csv", "html", "pdf"), str(request.accepted_renderer.format))
        report = reading.find(self.organization, report_id)
        if report is None:
            raise Http404
        host = request.build_absolute_uri("/").rstrip("/")
        if wanted == "csv":
            return self.file(
                f"report-{report.first_day}-{report.kind}.csv", reading.COLUMNS, reading.lines(report, host), now=now
            )
        if wanted == "pdf":
            named = content_disposition_header(
                as_attachment=True, filename=f"report-{report.first_day}-{report.kind}.pdf"
            )
            return HttpResponse(pdf.of(report), AsPdf.media_type, headers={"Content-Disposition": named or ""})
        if wanted == "html":
            return HttpResponse(_page(report, host, reading.restated(report, now=now)))
        return success(reading.whole(report, now=now), report.headline)


def _page(report: Report, host: str, restated: list[reading.Restated]) -> str:
    with timezone.override(report.organization.time_zone):
        context = {"report": report, "told": report.content, "restated": restated, "host": host}
        return render_to_string("reports/document.html", context)
