from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "slo_portal.reports"
