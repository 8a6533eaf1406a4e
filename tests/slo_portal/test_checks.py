"""A setting that cannot work is a named system check with the way out, in every command."""

import sys

import pytest

from slo_portal import checks, env
from tests.slo_portal.portal_process import manage, run


def test_check_names_every_broken_setting_at_once_and_starts_nothing(tmp_path):
    broken = {"METRICS_ENABLED": "maybe", "PORT": "x", "DATABASE_URL": "mysql://h/db", "REDIS_URL": "foo"}
    broken |= {"SECRET_KEY": "short", "ALLOWED_HOSTS": ""}
    done = manage(tmp_path, "check", **broken)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for number in (1, 2, 4, 6, 7, 8):
        assert f"(slo_portal.E00{number})" in done.stderr
    assert done.stderr.count("HINT:") >= 6
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["migrate", "portal"])
def test_no_command_goes_on_with_a_broken_setting(tmp_path, command):
    done = manage(tmp_path, command, DATABASE_URL="mysql://h/db")
    assert done.returncode == 1
    assert "(slo_portal.E006)" in done.stderr
    assert "Traceback" not in done.stderr


def test_check_is_content_with_the_defaults(tmp_path):
    done = manage(tmp_path, "check")
    assert (done.returncode, done.stderr) == (0, "")


def test_each_problem_becomes_an_error_with_its_hint(monkeypatch):
    monkeypatch.setattr(env, "problems", [env.Problem("E002", "PORT is 'x'.", "Set a number.")])
    [error] = checks.environment(None)
    assert (error.id, error.msg, error.hint) == ("slo_portal.E002", "PORT is 'x'.", "Set a number.")


def ids(found):
    return [message.id for message in found]


@pytest.mark.parametrize(
    ("debug", "hosts", "expected"), [(False, [], ["slo_portal.E008"]), (True, [], []), (False, ["a.example"], [])]
)
def test_no_allowed_host_is_an_error_unless_debug_is_on(settings, debug, hosts, expected):
    settings.DEBUG, settings.ALLOWED_HOSTS = debug, hosts
    assert ids(checks.hosts(None)) == expected


@pytest.mark.parametrize(
    ("https", "debug", "hosts", "proxies", "expected"),
    [
        (False, True, ["localhost"], "", []),
        (True, False, ["slo.example"], "127.0.0.1", []),
        (True, True, ["slo.example"], "127.0.0.1", ["slo_portal.E009"]),
        (True, False, ["localhost", "127.0.0.1"], "127.0.0.1", ["slo_portal.W001"]),
        (True, False, ["slo.example"], "", ["slo_portal.W030"]),
    ],
)
def test_https_wants_a_public_name_a_proxy_and_no_debug(settings, https, debug, hosts, proxies, expected):
    settings.HTTPS, settings.DEBUG, settings.ALLOWED_HOSTS = https, debug, hosts
    settings.TRUSTED_PROXIES = env.network_list("TRUSTED_PROXIES", proxies.split())
    assert ids(checks.https(None)) == expected


@pytest.mark.parametrize(("port", "code"), [("x", 1), ("8001", 0)])
def test_a_web_server_does_not_come_up_with_a_broken_setting(tmp_path, port, code):
    done = run([sys.executable, "-c", "import slo_portal.wsgi"], tmp_path, PORT=port)
    assert done.returncode == code
    assert ("slo_portal.E002" in done.stderr, "Traceback" in done.stderr) == (bool(code), False)


@pytest.mark.parametrize(
    ("enabled", "hosts", "token", "networks", "expected"),
    [
        (True, ["localhost", "127.0.0.1"], "", [], []),
        (True, ["slo.example"], "", [], ["slo_portal.W031"]),
        (False, ["slo.example"], "", [], []),
        (True, ["slo.example"], "x" * 16, [], []),
        (True, ["slo.example"], "", ["10.0.0.0/8"], []),
        (True, ["localhost"], "x" * 15, [], ["slo_portal.E031"]),
    ],
)
def test_the_exposition_is_not_left_open_to_everybody_unnoticed(settings, enabled, hosts, token, networks, expected):
    settings.METRICS_ENABLED, settings.ALLOWED_HOSTS, settings.METRICS_TOKEN = enabled, hosts, token
    settings.METRICS_ALLOWED_NETWORKS = env.network_list("METRICS_ALLOWED_NETWORKS", networks)
    assert ids(checks.scraping(None)) == expected
