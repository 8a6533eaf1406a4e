from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class PortalConfig(AppConfig):
    name = "slo_portal"
    default = True


class AdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "slo_portal.admin_site.PortalAdminSite"
