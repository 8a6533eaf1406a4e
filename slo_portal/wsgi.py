"""What gunicorn serves."""

import os
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils import timezone
from django.utils.http import parse_header_parameters

from slo_portal.checks import refuse_broken_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "slo_portal.settings")
django.setup(set_prefix=False)
refuse_broken_settings()

from monitoring.models import Process  # noqa: E402 - there are models after setup() only
from monitoring.system import Sampler  # noqa: E402


class Utf8Request(WSGIRequest):
    """Queries and forms are UTF-8, whatever a stranger's Content-Type claims: Django would fail at some charsets."""

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except ValueError:
            self.content_type, self.content_params = "", {}


class Handler(WSGIHandler):
    request_class = Utf8Request

    def measure(self) -> None:
        """From now on this process says what it uses (gunicorn.conf.py)."""
        Sampler(Process.Component.WEB, timezone.now).start()


application = Handler()
