"""The addresses under /api/v1/metrics/ (docs/reference/api.md)."""

from django.urls import path

from kpis import api as facts

urlpatterns = [
    # facts come in
    path("invoices", facts.Invoices.as_view(), name="api-invoices"),
    path("exceptions", facts.Exceptions.as_view(), name="api-exceptions"),
    path("system", facts.SystemFigures.as_view(), name="api-system"),
    path("events", facts.Events.as_view(), name="api-events"),
]
