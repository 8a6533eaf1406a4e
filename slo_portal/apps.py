from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.core.checks import register

from slo_portal import checks


class PortalConfig(AppConfig):
    name = "slo_portal"
    default = True

    def ready(self) -> None:
        for check in checks.CHECKS:
            register(check)


class AdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "slo_portal.admin_site.PortalAdminSite"
