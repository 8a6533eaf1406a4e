import os

from django.core.wsgi import get_wsgi_application

from slo_portal.checks import refuse_broken_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "slo_portal.settings")
application = get_wsgi_application()
refuse_broken_settings()
