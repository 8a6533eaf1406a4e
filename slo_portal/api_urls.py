"""The addresses under /api/v1/metrics/ (docs/reference/api.md)."""

from functools import partial

from django.urls import path, register_converter
from django.urls.converters import PathConverter

from alerts import api as alerts
from alerts import inbox
from kpis.api import facts, kpis, rows
from slo_portal.reports import api as reports
from slos import reported
from slos.api import exclusions
from slos.api import objectives as slos
from slos.attention import Watched
from slos.drilldown import behind_figure
from slos.recount import rows_since


class Anything(PathConverter):
    """As `path`, line ends too: whatever an invoice may be called, it has an address."""

    regex = "(?s:.+)"


register_converter(Anything, "anything")
urlpatterns = [
    # facts come in, and can be looked at
    path("invoices", rows.Invoices.as_view(behind=behind_figure), name="api-invoices"),
    path("invoices/<anything:invoice_id>", rows.Invoice.as_view(), name="api-invoice"),
    path("exceptions", rows.Exceptions.as_view(behind=behind_figure), name="api-exceptions"),
    path("system", facts.SystemFigures.as_view(), name="api-system"),
    path(
        "counts",
        facts.Facts.as_view(kind=reported.COUNT, known=reported.known, write=reported.write),
        name="api-counts",
    ),
    path("events", facts.Events.as_view(), name="api-events"),
    # KPIs
    path("kpis/summary", kpis.Summary.as_view(reach=rows_since), name="api-kpis"),
    path("metrics/invoice-trends", kpis.Trends.as_view(reach=rows_since), name="api-trends"),
    # objectives
    path(
        "slos/dashboard",
        slos.Dashboard.as_view(alerts=Watched(partial(inbox.attention, related=("slo",)), inbox.ATTENDED)),
        name="api-dashboard",
    ),
    path("slos/definitions", slos.Definitions.as_view(), name="api-definitions"),
    path("slos/<uuid:slo_id>/measurements", slos.Measurements.as_view(), name="api-measurements"),
    path("slos/initialize", slos.Initialize.as_view(), name="api-initialize"),
    path("measurements/calculate", slos.Calculate.as_view(), name="api-calculate"),
    path("jobs/<uuid:job_id>", slos.JobState.as_view(), name="api-job"),
    path("exclusions", exclusions.Exclusions.as_view(), name="api-exclusions"),
    path("exclusions/preview", exclusions.Preview.as_view(), name="api-exclusion-preview"),
    path("exclusions/<uuid:exclusion_id>", exclusions.OneExclusion.as_view(), name="api-exclusion"),
    path("exclusions/<uuid:exclusion_id>/withdraw", exclusions.Withdraw.as_view(), name="api-exclusion-withdraw"),
    # reports
    path("reports", reports.Reports.as_view(), name="api-reports"),
    path("reports/<uuid:report_id>", reports.OneReport.as_view(), name="api-report"),
    # alerts
    path("alerts", alerts.Alerts.as_view(), name="api-alerts"),
    path("alerts/<uuid:alert_id>", alerts.Alert.as_view(), name="api-alert"),
    path("alerts/<uuid:alert_id>/acknowledge", alerts.Acknowledge.as_view(), name="api-acknowledge"),
    path("alerts/<uuid:alert_id>/unacknowledge", alerts.Unacknowledge.as_view(), name="api-unacknowledge"),
    path("alerts/<uuid:alert_id>/resolve", alerts.Resolve.as_view(), name="api-resolve"),
    path("alerts/<uuid:alert_id>/reopen", alerts.Reopen.as_view(), name="api-reopen"),
    path("alerts/<uuid:alert_id>/snooze", alerts.Snooze.as_view(), name="api-snooze"),
    path("alerts/<uuid:alert_id>/unsnooze", alerts.Unsnooze.as_view(), name="api-unsnooze"),
    path("alerts/<uuid:alert_id>/assign", alerts.Assign.as_view(), name="api-assign"),
    path("alerts/<uuid:alert_id>/notes", alerts.Notes.as_view(), name="api-notes"),
]
