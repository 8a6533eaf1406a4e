"""GET /slos/dashboard, /slos/definitions, /slos/{id}/measurements; POST /slos/initialize, /measurements/calculate."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import ADMIN
from accounts.downloads import Download, cell, wants_file
from accounts.endpoint import Endpoint, QuickJSON, success
from accounts.models import Organization
from kpis.found import listed
from kpis.params import Params, body_object, one_of, refusal, whole_number
from kpis.payloads import changes
from kpis.periods import look_back
from kpis.poke import look_now
from slos import attention, catalogue, dashboard, jobs, payloads, trend
from slos.attention import Watched
from slos.dashboard import View
from slos.drilldown import past_moment
from slos.models import Job, Period, SLIType
from slos.parts import OF_AN_INVOICE
from slos.recount import rows_since

OTHER_NAMES = {"duplicate_detection_recall": SLIType.DUPLICATE_RECALL}
SLI_TYPES = [*SLIType.values, *OTHER_NAMES]


class Dashboard(Endpoint):
    renderer_classes = (QuickJSON,)
    alerts: Watched = attention.NOBODY

    def get(self, request: Request) -> Response:
        view = _view(request, self.organization)
        told = dashboard.tell(self.organization, view, self.alerts)
        data: dict[str, Any] = {
            "time_range": view.span.as_data(),
            **told.parts,
            "as_of": view.now,
            "data_through": told.ticked_at,
            "filters": view.only,
        }
        if view.only:
            data["counted_since"] = rows_since(self.organization)
        answer = success(data, f"{told.number} objectives, worst first.")
        if told.tag:
            answer.headers["ETag"] = told.tag
        return answer


def _view(request: Request, organization: Organization) -> View:
    known = ("time_range_days", "slo_types", "start_date", "end_date", "as_of", *OF_AN_INVOICE)
    params = Params(request._request, *known, repeatable=("slo_types",))
    zone, now = organization.time_zone, timezone.now()
    moment = past_moment(params, organization, now)
    span = params.span("time_range_days", 30, moment or now, zone)
    only = {name: value for name in OF_AN_INVOICE if (value := params.text(name))}
    sli_types = frozenset(OTHER_NAMES.get(name, name) for name in params.many("slo_types", SLI_TYPES))
    return View(moment or now, moment is not None, only, span, sli_types)


class Definitions(Endpoint):
    def get(self, request: Request) -> Response:
        params, known = Params(request._request, "active_only", "archived"), self.organization.slos
        active_only = params.flag("active_only", True)
        if params.flag("archived", False):
            slos = known.archived()
        else:
            slos = known.active() if active_only else known.current()
        found = [payloads.definition(slo) for slo in slos]
        return success(
            {"definitions": found, "count": len(found), "active_only": active_only}, f"{len(found)} definitions."
        )


class Measurements(Download):
    def get(self, request: Request, slo_id: UUID) -> HttpResponseBase:
        now, zone = timezone.now(), self.organization.time_zone
        params = Params(request._request, "days", "start_date", "end_date", "period", "limit", "cursor", "format")
        slo = self.organization.slos.filter(pk=slo_id).select_related("snapshot").first()
        if slo is None:
            raise Http404
        period = params.choice("period", Period.values, slo.measurement_period)
        span = params.span("days", 30, now, zone)
        if wants_file(request, params):
            every = trend.every(slo, period, (span.start, span.end))
            rows = (map(cell, payloads.measurement_line(row, now).values()) for row in every)
            return self.file(f"measurements-{slo.sli_type}-{period}.csv", payloads.MEASUREMENT_COLUMNS, rows, now=now)
        limit, before = params.integer("limit", 100, 1, 500), params.moment("cursor", zone)
        page = trend.page(slo, period, (span.start, span.end), limit=limit, before=before)
        data = {
            "slo": payloads.definition(slo),
            "measurements": [payloads.measurement(row, now) for row in page.rows],
            "summary": trend.summary(slo, period, (span.start, span.end), now=now),
            "forecast": slo.snapshot.forecast if hasattr(slo, "snapshot") else None,
            "changes": changes(listed(self.organization, (span.start, span.end), [str(slo.pk)])),
            "period": span.as_data(),
            "pagination": {
                "limit": limit,
                "next_cursor": page.rows[-1].period_start if page.more else None,
                "has_more": page.more,
            },
        }
        return success(data, f"{len(page.rows)} {period} measurements, newest first.")


class Initialize(Endpoint):
    scope = ADMIN

    def post(self, request: Request) -> Response:
        now = timezone.now()
        Params(request._request)
        body_object(request)
        created = catalogue.ensure_defaults(self.organization, today=now.astimezone(self.organization.time_zone).date())
        look_now(self.organization.pk)
        data = {
            "task": "initialize_slos",
            "initiated_by": self.access.user.get_username(),
            "initiated_at": now,
            "created": created,
        }
        return success(data, f"{created} of the default objectives were missing and have been created.", status=202)


class Calculate(Endpoint):
    def post(self, request: Request) -> Response:
        now = timezone.now()
        period, hours_back = _wish(request)
        _, end = look_back(now, timedelta(0))  # on a border, so that asking again soon finds the job that waits
        job = jobs.request(self.organization, period, end - timedelta(hours=hours_back), end, by=self.access.user)
        look_now(self.organization.pk)
        data = {
            "period": period,
            "period_start": job.period_start,
            "period_end": job.period_end,
            "hours_back": hours_back,
            "initiated_by": self.access.user.get_username(),
            "initiated_at": now,
            "task_id": job.pk,
        }
        message = (
            "The measurements will be calculated." if settings.METRICS_ENABLED else "METRICS_ENABLED is off: it waits."
        )
        return success(data, message, status=202, location=reverse("api-job", args=[job.pk]))


class JobState(Endpoint):
    def get(self, request: Request, job_id: UUID) -> Response:
        Params(request._request)
        job = Job.objects.filter(organization=self.organization, pk=job_id).first()
        if job is None:
            raise Http404
        names = ("id", "state", "error", "done", "total", "period", "period_start", "period_end", "created_at")
        data = {name: getattr(job, name) for name in (*names, "finished_at")}
        return success(data, f"The job is {job.state}: {job.done} of {job.total} periods.")


def _wish(request: Request) -> tuple[str, int]:
    """`period` and `hours_back`, from the query or the body."""
    names = ("period", "hours_back")
    params, fields = Params(request._request, *names), body_object(request, *names)
    for name in fields:
        if name in params:
            raise refusal(name, "contradiction", "Give it in the query or in the body, not in both.")
    given = {"period": None, "hours_back": 24, **{name: params.text(name) for name in params}, **fields}
    status = {name: 422 if name in fields else 400 for name in names}
    period = one_of("period", given["period"], Period.values, status=status["period"])
    return period, whole_number("hours_back", given["hours_back"], 1, 168, status=status["hours_back"])
