from django.contrib import admin
from django.urls import include, path

from accounts.problems import not_found
from monitoring.views import live
from slos.views import overview, overview_part

urlpatterns = [
    path("", overview, name="overview"),
    path("part/overview", overview_part, name="overview-part"),
    path("", include("accounts.urls")),
    path("health/live", live, name="live"),
    path("admin/", admin.site.urls),
    path("api/v1/metrics/", include("slo_portal.api_urls")),
    path("api/<path:rest>", not_found),
]
