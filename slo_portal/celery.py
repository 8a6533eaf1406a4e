import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "slo_portal.settings")
app = Celery("slo_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["slo_portal"])
