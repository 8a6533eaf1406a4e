"""Settings of notifications: what works, and the named problem of what cannot."""

import pytest
from django.conf import settings as plain_settings

from slo_portal import checks, env
from tests.slo_portal.portal_process import manage


@pytest.fixture(autouse=True)
def problems(monkeypatch):
    """The problems of this test alone."""
    found: list[env.Problem] = []
    monkeypatch.setattr(env, "problems", found)
    return found


def codes(found):
    return [getattr(one, "code", None) or one.id for one in found]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", env.Smtp()),
        ("smtp://mail.example.com", env.Smtp("mail.example.com", 25)),
        ("smtp+starttls://u:p%40%2F%3A@mail.example.com", env.Smtp("mail.example.com", 587, "u", "p@/:", True)),
        ("smtps://u%40d:p@mail.example.com", env.Smtp("mail.example.com", 465, "u@d", "p", False, True)),
        ("smtp://[::1]:2525/", env.Smtp("::1", 2525)),
    ],
)
def test_a_mail_server_is_read(problems, url, expected):
    assert env.smtp(url) == expected
    assert problems == []


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com",
        "smtp://",
        "smtp://h:x",
        "smtp://h:99999",
        "http://h",
        "smtp://h/x",
        "smtp://h?tls=1",
        "smtp://[::1",
    ],
)
def test_a_broken_mail_server_is_named_and_never_stands_for_another(problems, url):
    assert env.smtp(url).host.endswith(".invalid")
    assert codes(problems) == ["E010"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", ""),
        ("https://slo.example.com/", "https://slo.example.com"),
        ("http://10.0.0.1:8000/slo", "http://10.0.0.1:8000/slo"),
    ],
)
def test_an_address_is_read(problems, url, expected):
    assert env.address("SITE_URL", url) == expected
    assert problems == []


@pytest.mark.parametrize(
    "url",
    [
        "slo.example.com",
        "ftp://h",
        "https://",
        "https://u:p@h",
        "https://h:x",
        "https://h/#a",
        "https://h /x",
        "https://[::1",
    ],
)
def test_a_broken_address_is_named(problems, url):
    assert env.address("SITE_URL", url) == ""
    assert codes(problems) == ["E011"]
    assert "SITE_URL" in problems[0].message


BROKEN = [
    ({"MAIL_FROM": "nobody"}, ["slo_portal.E012"], "nobody"),
    ({"MAIL_FROM": "Portal <portal@h>"}, ["slo_portal.E012"], "portal@h"),
    ({"ALERT_EMAIL_TO": ["a@example.com", "b"]}, ["slo_portal.E012"], "'b'"),
    ({"ALERT_SMS_ENABLED": True}, ["slo_portal.E013"], "TWILIO_ACCOUNT_SID"),
    ({"OUTGOING_ALLOWED": ["10.0.0.0/8", "10.0.0.1/8"]}, ["slo_portal.E014"], "10.0.0.1/8"),
    ({"EMAIL_HOST_USER": "u", "EMAIL_HOST": "mail.example.com"}, ["slo_portal.W002"], "without encryption"),
]


@pytest.mark.parametrize(("given", "expected", "named"), BROKEN)
def test_a_setting_that_cannot_work_is_named_with_the_way_out(settings, given, expected, named):
    for name, value in given.items():
        setattr(settings, name, value)
    found = checks.notifications(None)
    assert codes(found) == expected
    assert named in found[0].msg
    assert found[0].hint


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"MAIL_FROM": "SLO portal <portal@example.com>", "ALERT_EMAIL_TO": ["a@example.com", "b@example.com"]},
        {"ALERT_SLACK_ENABLED": True},
        {"ALERT_SMS_ENABLED": True, "TWILIO_ACCOUNT_SID": "AC", "TWILIO_AUTH_TOKEN": "t", "TWILIO_FROM": "+49301"},
        {"OUTGOING_ALLOWED": ["hooks.example.com:8080", "10.0.0.0/8", "[fd00::1]:443"]},
        {"EMAIL_HOST_USER": "u", "EMAIL_HOST": "mail.example.com", "EMAIL_USE_TLS": True},
        {"EMAIL_HOST_USER": "u", "EMAIL_HOST": "localhost"},
    ],
)
def test_a_setting_that_works_is_left_in_peace(settings, given):
    for name, value in given.items():
        setattr(settings, name, value)
    assert checks.notifications(None) == []


def test_nothing_starts_with_a_broken_setting_and_no_secret_is_shown(tmp_path):
    broken = {"SMTP_URL": "smtp://u:hush-hush@h/x", "SITE_URL": "https://u:hush-hush@h", "ALERT_SMS_ENABLED": "yes"}
    done = manage(tmp_path, "check", **broken, OUTGOING_ALLOWED="http://x", TWILIO_AUTH_TOKEN="hush-hush")
    assert done.returncode == 1
    for number in (10, 11, 13, 14):
        assert f"(slo_portal.E0{number})" in done.stderr
    assert "hush" not in done.stderr + done.stdout


def test_alerts_go_out_by_mail_alone_unless_it_is_said():
    switches = ("ALERT_EMAIL_ENABLED", "ALERT_SLACK_ENABLED", "ALERT_SMS_ENABLED")
    assert [getattr(plain_settings, name) for name in switches] == [True, False, False]
    assert plain_settings.SITE_URL == "http://127.0.0.1:8000"
