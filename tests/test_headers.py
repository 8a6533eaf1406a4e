"""What every answer carries, whoever gives it; cookies; and Django's own check of a deployment."""

import json
import sys

import pytest
from django.test import Client

from accounts.models import Membership
from tests.calling import a_caller
from tests.slo_portal.portal_process import manage, run

pytestmark = pytest.mark.django_db
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
API = "/api/v1/metrics/"
DEPLOYED = {"HTTPS": "true", "ALLOWED_HOSTS": "slo.example.com", "TRUSTED_PROXIES": "127.0.0.1"}
DEPLOYED["METRICS_TOKEN"] = "of-prometheus-0123456789-abcdefghijkl"


@pytest.fixture
def caller():
    return a_caller(role="viewer")


@pytest.fixture
def client(caller):
    found = Client(raise_request_exception=False)
    found.force_login(caller.user)
    return found


def lacking(answer):
    """The headers that should be there and are not."""
    policy = answer.headers.get("Content-Security-Policy", "")
    wrong = [name for name, value in ALWAYS.items() if answer.headers.get(name) != value]
    wrong += [
        part for part in ("default-src 'self'", "frame-ancestors 'none'", "object-src 'none'") if part not in policy
    ]
    wrong += [part for part in ("unsafe-inline", "unsafe-eval") if part in policy]
    return wrong + ([] if answer.headers.get("X-Request-ID") else ["X-Request-ID"])


ANSWERS = [
    ("GET", "/", 200), ("GET", "/login/", 302), ("GET", "/account/", 200), ("GET", "/join/", 404), ("POST", "/", 405),
    ("GET", "/nowhere", 404), ("GET", "/admin/", 302), ("GET", "/admin/login/", 403), ("GET", "/static/nowhere", 404),
    ("GET", "/health/live", 200), ("GET", f"{API}slos/definitions", 200), ("POST", f"{API}slos/initialize", 403),
    ("GET", f"{API}nowhere", 404), ("GET", "/api/nowhere", 404), ("DELETE", f"{API}slos/definitions", 403),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_every_answer_carries_the_headers(client, method, path, status):
    answer = client.generic(method, path)
    assert (answer.status_code, lacking(answer)) == (status, [])


@pytest.mark.parametrize("path", ["/", f"{API}slos/definitions"])
def test_so_do_failures_and_requests_for_other_hosts(client, path):
    assert lacking(client.get(path, headers={"host": "evil.example"})) == []
    Membership.objects.update(role="unheard-of")
    answer = client.get(path)
    assert (answer.status_code, lacking(answer)) == (500, [])


def test_a_missing_header_would_be_seen(client):
    answer = client.get("/")
    del answer.headers["X-Frame-Options"]
    answer.headers["Content-Security-Policy"] += " 'unsafe-inline'"
    assert lacking(answer) == ["X-Frame-Options", "unsafe-inline"]


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(client, caller):
    caller.user.set_password("sesame-open-1")
    caller.user.save()
    fresh = Client()
    fresh.post("/login/", {"username": caller.user.username, "password": "sesame-open-1"})
    for name in ("sessionid", "known"):
        assert fresh.cookies[name]["httponly"]
        assert fresh.cookies[name]["samesite"] == "Lax"
        assert fresh.cookies[name]["path"] == "/"


@pytest.fixture
def https(settings):
    settings.HTTPS = settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 31_536_000, True
    return Client(raise_request_exception=False)


def test_behind_https_every_answer_binds_the_browser_to_it(https, caller):
    for path in ("/login/", "/nowhere", "/api/nowhere", f"{API}slos/definitions"):
        answer = https.get(path, secure=True)
        assert "max-age=31536000; includeSubDomains" in answer["Strict-Transport-Security"], path
    answer = https.get("/login/")
    assert (answer.status_code, answer["Location"]) == (301, "https://testserver/login/")
    assert lacking(answer) == []


def test_behind_https_cookies_are_bound_to_the_host(tmp_path):
    names = "SESSION_COOKIE_NAME CSRF_COOKIE_NAME SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE SECURE_HSTS_SECONDS"
    code = f"from slo_portal import settings; import json; given = vars(settings); n = {names.split()}"
    code += "; print(json.dumps([given[one] for one in n]))"
    done = run([sys.executable, "-c", code], tmp_path, **DEPLOYED)
    assert json.loads(done.stdout) == ["__Host-sessionid", "__Host-csrftoken", True, True, 31_536_000]


def test_the_check_of_a_deployment_finds_nothing(tmp_path):
    done = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", **DEPLOYED)
    assert (done.returncode, done.stderr) == (0, "")
    without = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING")
    assert without.returncode == 1
    assert "security.W" in without.stderr
