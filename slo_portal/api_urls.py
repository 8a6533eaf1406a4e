"""The addresses under /api/v1/metrics/ (docs/reference/api.md)."""

from django.urls import path

from kpis import api as facts
from slos import api as slos

urlpatterns = [
    # facts come in
    path("invoices", facts.Invoices.as_view(), name="api-invoices"),
    path("exceptions", facts.Exceptions.as_view(), name="api-exceptions"),
    path("system", facts.SystemFigures.as_view(), name="api-system"),
    path("events", facts.Events.as_view(), name="api-events"),
    # objectives
    path("slos/dashboard", slos.Dashboard.as_view(), name="api-dashboard"),
    path("slos/definitions", slos.Definitions.as_view(), name="api-definitions"),
    path("slos/<uuid:slo_id>/measurements", slos.Measurements.as_view(), name="api-measurements"),
    path("slos/initialize", slos.Initialize.as_view(), name="api-initialize"),
    path("measurements/calculate", slos.Calculate.as_view(), name="api-calculate"),
    path("jobs/<uuid:job_id>", slos.JobState.as_view(), name="api-job"),
]
