from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig


class PortalConfig(AppConfig):
    name = "slo_portal"


class AdminConfig(DjangoAdminConfig):
    default_site = "slo_portal.admin_site.PortalAdminSite"
