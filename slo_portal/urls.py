from django.contrib import admin
from django.urls import include, path

from accounts.problems import not_found
from alerts import inbox, tabs
from alerts.views.preview import objective_preview
from kpis.views import kpi_file, kpis
from monitoring.views import detailed, live, metrics, ready, system
from slo_portal.reports.views import report, reports
from slo_portal.views import Schema, docs, manual_page, try_out
from slos.limits import ready_within
from slos.recount import rows_since
from slos.views.changes import changes
from slos.views.invoices import exceptions, invoice, invoices
from slos.views.objective import objective, objective_file, objective_part
from slos.views.objectives import objectives, objectives_part
from slos.views.overview import overview, overview_part

handler400 = "slo_portal.errors.bad_request"
handler500 = "slo_portal.errors.server_error"

ALERTS, OPEN_ALERTS = {"alerts": inbox.of_objective}, {"alerts": tabs.brief}

urlpatterns = [
    path("", overview, OPEN_ALERTS, name="overview"),
    path("part/overview", overview_part, OPEN_ALERTS, name="overview-part"),
    path("invoices/", invoices, name="invoices"),
    path("invoices/<int:pk>/", invoice, name="invoice"),
    path("exceptions/", exceptions, name="exceptions"),
    path("kpis/", kpis, {"reach": rows_since, "limits": ready_within}, name="kpis"),
    path("kpis/changes/", changes, name="kpi-changes"),
    path("kpis/<slug:key>.csv", kpi_file, {"reach": rows_since}, name="kpi-file"),
    path("slos/", objectives, OPEN_ALERTS, name="objectives"),
    path("part/slos", objectives_part, OPEN_ALERTS, name="objectives-part"),
    path("slo/<uuid:slo_id>/", objective, ALERTS, name="objective"),
    path("slo/<uuid:slo_id>/<slug:key>.csv", objective_file, ALERTS, name="objective-file"),
    path("part/slo/<uuid:slo_id>", objective_part, ALERTS, name="objective-part"),
    path("reports/", reports, name="reports"),
    path("reports/<uuid:pk>/", report, name="report"),
    path("", include("alerts.urls")),
    path("", include("accounts.urls")),
    path("health/live", live, name="live"),
    path("health/ready", ready, name="ready"),
    path("health/detailed", detailed, name="detailed"),
    path("health/metrics", metrics, name="metrics"),
    # on the floor of alerts, which it tells of; slos knows none
    path("admin/slos/slodefinition/preview/", admin.site.admin_view(objective_preview), name="objective-preview-new"),
    path(
        "admin/slos/slodefinition/<uuid:slo_id>/preview/",
        admin.site.admin_view(objective_preview),
        name="objective-preview",
    ),
    path("system/", system, name="system"),
    path("admin/", admin.site.urls),
    path("api/v1/metrics/", include("slo_portal.api_urls")),
    path("api/schema", Schema.as_view(), name="api-schema"),
    path("api/<path:rest>", not_found),
    path("docs", docs, name="docs"),
    path("docs/try", try_out, name="docs-try"),
    path("help/", manual_page, name="help"),
    path("help/<slug:name>", manual_page, name="help"),
]
