"""The smallest useful Django + REST framework site: what the portal's web worker is compared with.

With MINIMAL_WITH it holds more apps, separated by commas.
"""

import os

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import path

from slo_portal.env import database, text

settings.configure(
    SECRET_KEY="only for a benchmark, holds nothing",  # noqa: S106
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": {**database(text("DATABASE_URL")), "ENGINE": "django.db.backends.postgresql"}},
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django.contrib.staticfiles",
        "rest_framework",
        *filter(None, os.environ.get("MINIMAL_WITH", "").split(",")),
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    STATIC_URL="/static/",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": [], "DEFAULT_PERMISSION_CLASSES": []},
)
os.environ.pop("DJANGO_SETTINGS_MODULE", None)
django.setup()

from django.contrib import admin  # noqa: E402 - after the set-up
from django.contrib.auth.models import Permission  # noqa: E402
from rest_framework.decorators import api_view  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.serializers import ModelSerializer  # noqa: E402


class PermissionSerializer(ModelSerializer[Permission]):
    class Meta:
        model = Permission
        fields = ["id", "name", "codename"]


@api_view()
def permissions(request: Request) -> Response:
    return Response(PermissionSerializer(Permission.objects.all()[:20], many=True).data)


urlpatterns = [path("admin/", admin.site.urls), path("permissions", permissions)]
application = get_wsgi_application()
